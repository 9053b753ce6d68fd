"""What stands on the stage of a convolution clip, whatever the layout: planes, kernels, windows and what leads where.

The layouts decide where. Large calls show the first channels and a corner of their planes.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.convolution.geometry import ConvolutionGeometry, Cut
from torchreel.scenes.convolution.trace import Names
from torchreel.scenes.parts.beam import Beam, across
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Point, Shape, polyline
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_OWN = Names()
MOST_CHANNELS = 3
MOST_OUTPUTS = 4
TOP, BOTTOM = bars.STAGE_TOP - 0.1, bars.STAGE_BOTTOM + 0.14
LEFT, RIGHT = -bars.EDGE + bars.MARGIN, bars.EDGE - bars.MARGIN
HEAD, NOTE = 0.42, 0.26
TAG_CELL = 0.56
_TAG, _TAG_EDGE = 0.25, 0.045
_LEAST_HEAT, _LOW = 0.12, 0.8
_RISE, _NEAR = (_TAG + _TAG_EDGE) / 2, 0.1
_HUE, _TICK = 3.4, 3.0
_BACKED, _TINTED, _ABOVE = -0.5, 0.5, 1


class Edge(NamedTuple):
    """An upright side of something: where it stands and how far it reaches (scene units)."""

    x: float
    top: float
    bottom: float


class ConvolutionBoard(Board, ABC):
    """All objects of the clip. A layout builds the planes (`lay_out`), places kernels, and says how lines run."""

    inputs: dict[int, View]
    outputs: dict[int, View]
    cells: dict[str, Cells]
    cut: Cut
    sums_channels = False
    tags = False

    def __init__(self, look: Look, trace: Trace, module: Any = None, names: Names = _OWN) -> None:
        super().__init__(look, trace)
        self.names = names
        self.size = ConvolutionGeometry.of(trace, module or trace.module, names)
        self.channels = list(range(min(self.size.channels, MOST_CHANNELS)))
        shown = [out for out in range(self.size.outs) if self.rows_of(out)]
        self.outs = shown[:MOST_OUTPUTS]
        self.scenery = VGroup()
        self._raised: list[Number | Text] = []
        self.lay_out()
        self.border_texts: dict[tuple[int, Place], Number] = {}
        self._texts = {c: dict(self._texts_of(view)) for c, view in self.inputs.items()}
        if len(self.outs) > 1:
            self.scenery.add(*(self.hue(view, out) for out, view in self.outputs.items()))

    @abstractmethod
    def lay_out(self) -> None:
        """Set `inputs`, `outputs`, `cells` and `cut`, and add labels to `scenery`."""

    @abstractmethod
    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        """The kernel planes of one output channel while it makes a cell, by the input channel each reads."""

    @abstractmethod
    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Beam]:
        """What leads from the windows of an output element to its cell, behind everything, and what is done there."""

    def kernel_marks(self, out: int, cell: Place) -> Sequence[Shape]:
        """What shows which of several kernels is used."""
        return []

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        """The planes of a kernel and what names them, as far as they are not on stage all the time."""
        return VGroup(*planes.values())

    @property
    def is_still(self) -> bool:
        """Whether all kernels are on stage from the beginning and stay where they are."""
        return False

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the call is left out."""
        return self.has_all(self.cut)

    def has_all(self, cut: Cut) -> bool:
        """Whether a cut and the shown channels leave nothing out."""
        channels = (len(self.channels), len(self.outs)) == (self.size.channels, self.size.outs)
        return self.batch == 1 and channels and self.size.is_whole(cut)

    def fitting(
        self, fit: Callable[[Cut, float], Cells], numbered: Sequence[Place], heat: Sequence[Place]
    ) -> Cells:
        """The largest part of the call that can be drawn with numbers, else in colours that can be told apart.

        `fit` gives the cells of a cut, where a note takes some height; the cut is kept.
        """
        for most in numbered:
            self.cut = self.size.cut(most)
            cells = fit(self.cut, 0.0 if self.has_all(self.cut) else NOTE)
            if cells.text_size:
                return cells
        for most in heat:
            self.cut = self.size.cut(most)
            cells = fit(self.cut, NOTE)
            if cells.width >= _LEAST_HEAT:
                break
        return Cells(cells.width, cells.height, 0.0, 1, 1)

    @property
    def batch(self) -> int:
        """How many samples torch was given; the first is drawn."""
        return self.trace.shape(self.names.input)[0] if self.size.lead else 1

    @property
    def is_noted(self) -> bool:
        """Whether a note at the foot of the stage is needed."""
        return not self.is_whole or self.is_heat

    @property
    def is_heat(self) -> bool:
        """Whether colours take the place of numbers."""
        return not all(cells.text_size for cells in self.cells.values())

    def tensor(self, station: str) -> str:
        """The trace's name of what stands at a station (`input`, `weight`, `product`, `output`)."""
        return getattr(self.names, station, station)

    def rows_of(self, out: int) -> list[int]:
        """The shown input channels that an output channel reads."""
        return [c for c in self.size.group_channels(out) if c in self.channels]

    def in_group(self, out: int, channel: int) -> int:
        """The position of an input channel among those that `out` reads."""
        return channel - self.size.group_channels(out)[0]

    def index(self, out: int, cell: Place) -> Index:
        """An output element's index in torch's output."""
        return (*self.size.lead, out, *self.size.spatial(cell))

    def plane(self, station: str, lead: Index, at: Point, **style: Any) -> View:
        """One plane of a station's tensor round `at`."""
        return self.grid(self.tensor(station), lead, self.cells[station], at, **style)

    def input_plane(self, channel: int, at: Point) -> View:
        """An input plane with its padding ring."""
        text = "0" if self.size.pad_mode == "zeros" else ""
        self.back(at)
        return self.plane("input", (*self.size.lead, channel), at, pad=self.cut.pad, pad_text=text)

    def back(self, at: Point) -> None:
        """Hide the lines that run behind a plane's ring of padding."""
        if not any(self.cut.pad):
            return
        cells, pad = self.cells["input"], self.cut.pad[-4:]
        rows, cols = cells.rows + sum(pad[:2]), cells.cols + sum(pad[2:])
        background = self.look.theme.background
        self.scenery.add(Box(cols * cells.width, rows * cells.height, at, fill=background, z_index=_BACKED))

    def backing(self, at: Point) -> Box:
        """What keeps lines away from a short label."""
        return Box(0.5, 0.38, (at[0], at[1] - 0.03), fill=self.look.theme.background, z_index=_BACKED)

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

    # What an output element is made of, beside its windows.

    def results(self, out: int, cell: Place) -> VGroup:
        """Products or channel sums, where the layout has a place for them."""
        return VGroup()

    def bias_cell(self, out: int, at: Point) -> Grid:
        """The bias of an output channel as a cell."""
        cells = self.cells["weight"]
        one = Cells(cells.width, cells.height, cells.text_size, 1, 1)
        return self.grid("bias", (), one, at, index=lambda _: (out,))

    def beam(self, start: Edge, end: Edge) -> Beam:
        """From one side to another, behind all cells."""
        return Beam(self.look, start, end)

    def fall(self, start: tuple[float, float, float], end: tuple[float, float, float]) -> list[Shape]:
        """The same downwards, from `(y, left, right)` to `(y, left, right)`."""
        corners = [(start[1], start[0]), (end[1], end[0]), (end[2], end[0]), (start[2], start[0])]
        return across(self.look, corners)

    # Labels.

    def heading(self, station: str, at: Point, room: float, **place: Any) -> VGroup:
        """What a station is called, with its shape where there is room for it."""
        tensor, name = self.tensor(station), None
        if station == "output":
            name = "output"
        for shape in (True, False):
            line = self.title(tensor, at, name=name, shape=shape, **place)
            left, right = (
                pick(float(one) for part in line for one in part.points[:, 0]) for pick in (min, max)
            )
            if right - left <= room:
                break
        # Over planes as narrow as one cell it may be wider than what is free.
        aside = max(0.0, LEFT - left) - max(0.0, right - RIGHT)
        for part in line if aside else ():
            part.points = part.points + np.array([aside, 0.0, 0.0])
        return line

    def symbol(
        self, station: str, number: int, at: Point, color: str | None = None, **place: Any
    ) -> MathText:
        """A channel's name as in formulas: `x_0`, `w_1`."""
        symbol = self.trace.symbol(self.tensor(station)).split("_")[0]
        return MathText(f"{symbol}_{{{number}}}", NAME_TEXT * 1.15, color or self.look.theme.muted).place(
            at, **place
        )

    def hue(self, view: View, out: int) -> Shape:
        """An outline in the colour of an output channel: its kernel and its plane wear it."""
        start = (0,) * len(self.cut.out)
        end = tuple(size - 1 for size in view.shape)
        path = view.outline(start[: len(end)], end, 0.05)
        return Shape(path, stroke=self.look.theme.channel(out), stroke_width=_HUE, z_index=_ABOVE)

    def starts(self, view: View) -> Shape | None:
        """A corner at every place where a window starts, where windows move by several cells."""
        size, paths = self.size, []
        if not any(step > 1 and count > 1 for step, count in zip(size.stride, size.out, strict=True)):
            return None
        long = 0.3 * min(view.cells.width, view.cells.height)
        for cell in itertools.product(*map(range, self.cut.out)):
            at = size.first(cell)
            path = view.outline(at, at, 0.0)
            x, y = float(path[:, 0].min()), float(path[:, 1].max())
            paths.append(polyline([(x, y - long), (x, y), (x + long, y)]))
        return Shape(np.concatenate(paths), stroke=self.look.theme.text, stroke_width=_TICK, z_index=_ABOVE)

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


__all__ = ["MIN_TEXT", "ConvolutionBoard", "Edge", "appear"]
