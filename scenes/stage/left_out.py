"""The line that says what of a large call is drawn, and what colours mean that stand for numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.telling import Telling

_WIDTH = 13.4

Size = int | Sequence[int]


def left_out(
    scene: Telling,
    counts: Mapping[str, tuple[Size, Size]],
    more: Sequence[str] = (),
    implied: Collection[str] = (),
) -> str:
    """`Drawn: 3 of 64 input channels, 7 × 7 of 28 × 28 input cells.` and the sentences in `more`.

    `counts` are what is drawn and what there is, by the key of the words that say so; those of `implied` follow from
    the others. Where it is too long for one line, these go, then the sentences, then the counts. Empty where all is
    drawn and nothing more is to be said.
    """
    cut = {key: sizes for key, sizes in counts.items() if _by(sizes[0]) != _by(sizes[1])}
    if not (cut or more):
        return ""
    short = {key: sizes for key, sizes in cut.items() if key not in implied or len(cut) == 1}
    choices = [(cut, more), (short, more), (short, ()), ({}, ())] if cut else [({}, more)]
    lines = [_line(scene, said, also) for said, also in choices]
    return next((line for line in lines if measure(line, MIN_TEXT) < _WIDTH), lines[-1])


def _line(scene: Telling, counts: Mapping[str, tuple[Size, Size]], more: Sequence[str]) -> str:
    comma, space = ("，", "") if scene.request.lang == "zh" else (", ", " ")
    parts = [scene.words(key, shown=_by(shown), whole=_by(whole)) for key, (shown, whole) in counts.items()]
    drawn = [scene.words("drawn", parts=comma.join(parts))] if parts else []
    return space.join([*drawn, *more]) or scene.words("drawn_part")


def _by(sizes: Size) -> str:
    """Sizes as a reader writes them."""
    return str(sizes) if isinstance(sizes, int) else " × ".join(map(str, sizes))
