"""The line that says what of a large call is drawn, and what colours mean that stand for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.telling import Telling

_WIDTH = 13.4

Size = int | Sequence[int]


def left_out(scene: Telling, counts: Mapping[str, tuple[Size, Size]], more: Sequence[str] = ()) -> str:
    """`Drawn: 3 of 64 input channels, 7 × 7 of 28 × 28 input cells.` and the sentences in `more`.

    `counts` are what is drawn and what there is, by the key of the words that say so. Where it is too long for one
    line, the sentences go, then the counts. Empty where all is drawn and nothing more is to be said.
    """
    parts = [
        scene.words(key, shown=_by(shown), whole=_by(whole))
        for key, (shown, whole) in counts.items()
        if _by(shown) != _by(whole)
    ]
    comma, space = ("，", "") if scene.request.lang == "zh" else (", ", " ")
    lines = [scene.words("drawn", parts=comma.join(parts))] if parts else []
    if not (lines or more):
        return ""
    choices = [space.join([*lines, *more]), *lines, scene.words("drawn_part")]
    return next((line for line in choices if measure(line, MIN_TEXT) < _WIDTH), choices[-1])


def _by(sizes: Size) -> str:
    return str(sizes) if isinstance(sizes, int) else " × ".join(map(str, sizes))
