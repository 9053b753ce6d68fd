"""What points at an element: a frame round its cell, frames round what it was made of, lines from these to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.look import Look, Stroke
from torchreel.scenes.parts.places import Place, around, crosses, is_block
from torchreel.scenes.parts.shapes import Path, Shape, box_points

_GROW = 0.03
_BEHIND, _ABOVE = -1, 3
_MOST_FRAMES = 16
_LINE = 2.2


class Pointer(VGroup):
    """The target framed, its sources framed tensor by tensor, and two lines from the main source to the target.

    The lines run behind all cells, so that they cross no number: they are seen in the space between the grids only.
    Where they would cross one of the `labels` that stand there, they lead from another source, or there are none.
    They leave at the side where the target is; `down` says that it lies above or below though it is at a side too.
    """

    def __init__(
        self,
        look: Look,
        target: Place,
        sources: Mapping[str, Sequence[Place]],
        main: str = "",
        labels: Sequence[Place] = (),
        down: bool = False,
    ) -> None:
        super().__init__()
        accent = look.theme.accent
        order = [main, *(name for name in sources if name != main)] if main in sources else []
        found = (_lines(around(sources[name]), target, down) for name in order)
        clear = (lines for lines in found if lines and not any(crosses(*line, labels) for line in lines))
        color = look.theme.tint(accent, 0.55)
        for start, end in next(clear, []):
            self.add(Path([start, end], color, _LINE, z_index=_BEHIND))
        for places in sources.values():
            for place in _framed(places):
                self.add(_frame(place, accent, Stroke.SOURCE))
        self.add(_frame(target, accent, Stroke.FRAME))


def _framed(places: Sequence[Place]) -> Sequence[Place]:
    """One rectangle where the places fill it, otherwise each of them; of very many the rectangle round all."""
    return [around(places)] if is_block(places) or len(places) > _MOST_FRAMES else places


def _frame(place: Place, color: str, width: float) -> Shape:
    middle = ((place.left + place.right) / 2, (place.bottom + place.top) / 2)
    size = place.right - place.left + 2 * _GROW, place.top - place.bottom + 2 * _GROW
    return Shape(box_points(*size, middle, 0.06), stroke=color, stroke_width=width, z_index=_ABOVE)


def _lines(source: Place, target: Place, down: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """From the corners of the source that face the target to the target's; none where one lies on the other."""
    beside = source.right <= target.left or target.right <= source.left
    if beside and not down:
        a, b = (source.right, target.left) if source.right <= target.left else (source.left, target.right)
        pairs = [((a, source.top), (b, target.top)), ((a, source.bottom), (b, target.bottom))]
    elif source.bottom >= target.top or target.bottom >= source.top:
        a, b = (source.bottom, target.top) if source.bottom >= target.top else (source.top, target.bottom)
        pairs = [((source.left, a), (target.left, b)), ((source.right, a), (target.right, b))]
    else:
        return []
    return [(np.array(start), np.array(end)) for start, end in pairs]
