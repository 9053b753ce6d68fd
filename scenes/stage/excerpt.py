"""What of a large call is drawn, in one line at the foot of the stage; what colours mean that stand for numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.telling import Telling

_LEADING = ("batch", "channels")
_WIDE = bars.WIDTH - 2 * bars.MARGIN

Sizes = Sequence[int]


def excerpt(
    scene: Telling, leading: Sizes, cells: Mapping[str, tuple[Sizes, Sizes]], heat: bool = False
) -> str:
    """The line that says what is drawn of a call that is not drawn whole; empty if it is.

    `leading` are the sizes in front of what is drawn, `(N, C)` or `(C,)` or more, of which the first is drawn. `cells`
    are how many cells of `input` or `output` are drawn along each axis, and how many there are; where there is no room
    for all, the first that is cut speaks for the others, which follow from it. `heat` is whether colours stand for
    numbers.
    """
    names = _LEADING[-len(leading) :] if leading else ()
    sizes = dict(zip(names, leading, strict=True)) if len(leading) < 3 else {"planes": math.prod(leading)}
    counts: dict[str, tuple[Sizes, Sizes]] = {name: ((1,), (size,)) for name, size in sizes.items()}
    parts = [_part(scene, name, *sides) for name, sides in counts.items() if sides[0] != sides[1]]
    cut = [_part(scene, name, *sides) for name, sides in cells.items() if tuple(sides[0]) != tuple(sides[1])]
    comma, between = ("，", "") if scene.request.lang == "zh" else (", ", " ")
    colours = [scene.words("heat")] if heat else []
    lines = []
    for said in ([*parts, *cut], [*parts, *cut[:1]]):
        drawn = [scene.words("drawn", parts=comma.join(said))] if said else []
        lines.append(between.join([*drawn, *colours]))
    return next((line for line in lines if measure(line, MIN_TEXT) <= _WIDE), lines[-1])


def _part(scene: Telling, name: str, shown: Sizes, whole: Sizes) -> str:
    return scene.words(f"drawn_{name}", shown=_by(shown), whole=_by(whole))


def _by(sizes: Sizes) -> str:
    """Sizes as a reader writes them; of a line its length alone."""
    shown = sizes[1:] if len(sizes) == 2 and sizes[0] == 1 else sizes
    return " × ".join(map(str, shown))
