"""What of a large call is drawn where windows run over the channels of a batch, in one line below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torchreel.scenes.stage.left_out import Size, left_out
from torchreel.scenes.stage.telling import Telling

_LEADING = ("cut_batch", "drawn_channels")
_CELLS = {"input": "cut_plane", "output": "drawn_output"}

Sizes = Sequence[int]


def excerpt(
    scene: Telling,
    leading: Sizes,
    cells: Mapping[str, tuple[Sizes, Sizes]],
    heat: bool = False,
    more: Sequence[str] = (),
) -> str:
    """The line that says what is drawn of a call that is not drawn whole; empty if it is.

    `leading` are the sizes in front of what is drawn, `(N, C)` or `(C,)` or more, of which the first is drawn. `cells`
    are how many cells of `input` or `output` are drawn along each axis, and how many there are; the first that is cut
    speaks for the others, which follow from it. `heat` is whether colours stand for numbers,
    `more` are further sentences.
    """
    names = _LEADING[-len(leading) :] if leading else ()
    sizes = (
        dict(zip(names, leading, strict=True)) if len(leading) < 3 else {"drawn_planes": math.prod(leading)}
    )
    counts: dict[str, tuple[Size, Size]] = {name: (1, size) for name, size in sizes.items()}
    cut = {
        _CELLS[name]: (_line(shown), _line(whole)) for name, (shown, whole) in cells.items() if shown != whole
    }
    said = [*([scene.words("heat")] if heat else []), *more]
    return left_out(scene, {**counts, **cut}, said, list(cut)[1:])


def _line(sizes: Sizes) -> Sizes:
    """The sizes of what is drawn; of a line its length alone."""
    return sizes[1:] if len(sizes) == 2 and sizes[0] == 1 else sizes
