"""What marks one output element on the stage of a convolution: windows, weights on cells, borders that are filled."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, cast

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.convolution.stations import OWN, ConvolutionStations
from torchreel.scenes.convolution.trace import Names
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_NUMBER, Look, Stroke
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.trace.proof import Trace

_TAG, _TAG_EDGE = 0.25, 0.045
_LOW = 0.8
_RISE, _NEAR = (_TAG + _TAG_EDGE) / 2, 0.1
_TINTED, _ABOVE = 0.5, 1


class ConvolutionBoard(ConvolutionStations, ABC):
    """All objects of the clip. A layout builds the planes (`lay_out`), places kernels, and says how lines run."""

    def __init__(self, look: Look, trace: Trace, module: Any = None, names: Names = OWN) -> None:
        super().__init__(look, trace, module, names)
        self._raised: list[Number | Text] = []
        self.border_texts: dict[tuple[int, Place], Number] = {}
        self._texts = {c: dict(self._texts_of(view)) for c, view in self.inputs.items()}

    # What marks one output element.

    def windows(self, out: int, cell: Place) -> VGroup:
        """The windows over the channels an output reads, each weight on the cell it meets, and the output's frame."""
        accent, marks = self.look.theme.accent, VGroup()
        self.settle()
        for channel in self.rows_of(out):
            path = self.window_path(self.inputs[channel], cell)
            marks.add(Shape(path, fill=accent, opacity=0.15, z_index=_TINTED))
            marks.add(Shape(path, stroke=accent, stroke_width=Stroke.SOURCE, z_index=2))
            for _, at in self.size.pairs(cell, self.cut.kernel):
                self._raise(channel, at)
            if self.tags:
                marks.add(*self._tags(out, channel, cell))
        marks.add(*self.kernel_marks(out, cell), *self.paths(out, cell))
        view = self.outputs[out]
        if view.shows(cell):
            marks.add(
                Shape(view.outline(cell, cell, 0.02), stroke=accent, stroke_width=Stroke.FRAME, z_index=2)
            )
        return marks

    def settle(self) -> None:
        """Numbers that made room for weights stand in the middle of their cells again."""
        for text in self._raised:
            text.points = text.points - self._rise
            text.z_index = 0
        self._raised = []

    @cached_property
    def _rise(self) -> np.ndarray:
        """How far a number gives way to the weight: up, and in low cells to the left as well."""
        if not self.tags:
            return np.zeros(3)
        cells = self.cells["input"]
        widest = max((measure(text, cells.text_size) for text in self.texts(self.names.input)), default=0.0)
        room = max(0.0, (cells.width - widest) / 2 - 0.08)
        return np.array([-min(room, 0.14 * cells.width) if cells.height < _LOW else 0.0, _RISE, 0.0])

    def window_path(self, view: View, cell: Place) -> np.ndarray:
        """The window's outline over an input plane: one frame, or one round each tap where dilation spreads them."""
        taps = [at for _, at in self.size.pairs(cell, self.cut.kernel)]
        if self.size.spread(self.cut.kernel) == self.cut.kernel:
            return view.outline(taps[0], taps[-1], 0.0)
        return np.concatenate([view.outline(tap, tap, -0.02) for tap in taps])

    def window_edges(self, view: View, cell: Place) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a window, holes included."""
        path = self.window_path(view, cell)
        (left, bottom, _), (right, top, _) = path.min(0), path.max(0)
        return float(left), float(bottom), float(right), float(top)

    def _tags(self, out: int, channel: int, cell: Place) -> Iterator[Shape | Number]:
        """Each weight on the cell it is multiplied with, in the colour that it has in the kernel."""
        theme, view, name = self.look.theme, self.inputs[channel], self.tensor("weight")
        pairs = self.size.pairs(cell, self.cut.kernel)
        indices = [(out, self.in_group(out, channel), *self.size.spatial(tap)) for tap, _ in pairs]
        values, scale = self.trace.values(name, indices), self.trace.range(name).scale
        half = view.cells.width / 2, view.cells.height / 2
        for (_, at), index, value in zip(pairs, indices, values, strict=True):
            text, fill = f"×{self.text(name, value)}", theme.fill(value, scale, "parameter")
            wide = measure(text, MIN_NUMBER) + 0.1
            x, y = view.center(at)[:2]
            middle = (x + half[0] - _TAG_EDGE - wide / 2, y - half[1] + _TAG_EDGE + _TAG / 2)
            yield Box(
                wide, _TAG, middle, 0.06, fill=fill, stroke=theme.line, stroke_width=1.0, z_index=_ABOVE
            )
            number = self.number(name, index, MIN_NUMBER, theme.ink(fill), text=text, value=value).place(
                middle
            )
            number.z_index = _ABOVE
            yield number

    def tag_width(self) -> float:
        """How wide a cell has to be for the weight on it."""
        texts = self.texts(self.tensor("weight"))
        return (
            max((measure(f"×{text}", MIN_NUMBER) for text in set(texts)), default=0.0) + 0.1 + 2 * _TAG_EDGE
        )

    def tagged(self, cells: Cells) -> Cells:
        """Cells whose numbers leave room for the weights on them."""
        room = (cells.height - _TAG - _TAG_EDGE - 0.1) / 0.75
        return Cells(
            cells.width, cells.height, max(MIN_NUMBER, min(cells.text_size, room)), cells.rows, cells.cols
        )

    def _raise(self, channel: int, at: Place) -> None:
        """A number comes before the window's tint, and makes room for the weight."""
        text = self.border_texts.get((channel, at)) or self._texts[channel].get(at)
        if text is not None:
            text.points = text.points + self._rise
            text.z_index = _ABOVE
            self._raised.append(text)

    def _texts_of(self, view: View) -> Iterator[tuple[Place, Number | Text]]:
        """The numbers of a plane by their places, those of its padding too."""
        slices: Any = enumerate(view.grids) if isinstance(view, Stack) else [(None, view)]
        for depth, grid in slices:
            for cell, number in grid.numbers.items():
                yield (cell if depth is None else (depth, *cell)), number
        outside = list(self.size.outside(self.cut))
        middles = np.array([view.center(at)[:2] for at in outside])
        for text in family([cast(Mobject, view)]):
            if isinstance(text, Text) and not isinstance(text, Number) and len(middles):
                left, bottom, right, top = text.box()
                away = np.abs(middles - [(left + right) / 2, (bottom + top) / 2]).max(1)
                if away.min() < _NEAR:
                    yield outside[int(away.argmin())], text

    # Border values of padding modes.

    def border(self, mode: str) -> list[Number]:
        """The values that `padding_mode` copies to the ring."""
        self.settle()
        self.border_texts = {}
        if not self.cells["input"].text_size:
            return []
        for channel in self.channels:
            for at in self.size.outside(self.cut):
                self.border_texts[channel, at] = self._copied(mode, channel, at)
        return list(self.border_texts.values())

    def border_marks(self, mode: str) -> VGroup:
        """Frames round the padding at the left and round the cells that it repeats."""
        *others, cols = self.cut.plane
        before = self.cut.pad[-2]
        marks, view = VGroup(), self.inputs[self.channels[0]]
        if not before or self.cut.plane[-1] != self.size.plane[-1]:
            return marks
        columns = {
            "zeros": None,
            "reflect": (1, before),
            "replicate": (0, 0),
            "circular": (cols - before, cols - 1),
        }[mode]
        for span in [(-before, -1), *([columns] if columns else [])]:
            first, last = (*(0 for _ in others), span[0]), (*(n - 1 for n in others), span[1])
            marks.add(self.frame(view.outline(first, last, 0.0), Stroke.SOURCE))
        return marks

    def _copied(self, mode: str, channel: int, at: Place) -> Number:
        padded = tuple(k + before for k, before in zip(at, self.size.pad[::2], strict=True))
        index = (*self.size.lead, channel, *self.size.spatial(padded))
        value, size = self.trace.value(mode, index), self.cells["input"].text_size
        text = self.text(self.names.input, value)
        number = self.number(mode, index, size, self.look.theme.muted, text=text, value=value)
        return number.place(self.inputs[channel].center(at))


def appear(*parts: Iterable[Any]) -> list[Animation]:
    """Everything in some groups comes into sight, if there is anything."""
    whole = VGroup(*(one for group in parts for one in group))
    return [Appear(whole)] if len(whole) else []
