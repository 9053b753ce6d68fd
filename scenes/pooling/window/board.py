"""What stands on the stage of every pooling clip: the input, the window lifted out of it, the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.channel import Channel
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Fly, Morph
from torchreel.scenes.parts.shapes import Arrow
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.sliding import SlidingWindow
from torchreel.scenes.parts.stack import NO_PAD
from torchreel.scenes.parts.text import Text, fit, measure
from torchreel.scenes.parts.width import LARGEST_CELL, Claim, in_line
from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.pooling.window.layout import BOTTOM, MIDDLE, TOP, WIDTH, line_heights
from torchreel.scenes.pooling.window.slots import Slots
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_SLOT_CELL, _SLICED_SLOT, _SLICED_RESULT = 1.1, 0.75, 0.85
_STACK_GAP = 0.75
_SIGN = 0.24


class PoolingBoard(Board):
    """All objects of a clip: `input` with its border, the `slots` of the window, the `outputs`.

    In one dimension they stand one under the other, otherwise side by side. A subclass says what the border holds, what
    is written over the arrow from the window to the output, which tensors are the `results` (names in one tuple stand
    one under the other) and how much room there is `beside` them.
    """

    border: str = "0"
    sign: str = ""
    gaps: tuple[float, ...] = (0.5, 1.1, 0.45)
    beside: float = 0.0
    lifts: tuple[str, ...] = ("input",)

    def __init__(self, look: Look, trace: Trace, window_label: str) -> None:
        super().__init__(look, trace)
        self.size = PoolingGeometry.of(trace)
        self.window_label = window_label
        self._lay_out()
        first = self.size.origin((0,) * len(self.size.out))
        self.sliding = SlidingWindow(
            self.input, self.size.kernel, self.size.dilation, first, look.theme.accent
        )
        self.window = self.sliding.drawn
        start = (0,) * len(self.size.out)
        self.targets = {
            name: self.frame(channel.outline(start, start, 0.02)) for name, channel in self.outputs.items()
        }

    @property
    def results(self) -> list[tuple[str, ...]]:
        """The tensors that are written, by columns."""
        return [("output",)]

    @property
    def names(self) -> list[str]:
        """The tensors that are written."""
        return [name for column in self.results for name in column]

    @property
    def is_cropped(self) -> bool:
        """Whether the planes are too large to be drawn in full."""
        shown = (self.input.shape, self.outputs["output"].shape, self.slots.shape)
        return shown != (self.size.plane, self.size.out, self.size.kernel)

    @property
    def has_numbers(self) -> bool:
        """Whether the cells of all planes are large enough for numbers."""
        return all(planes.cells.text_size for planes in (self.input, *self.outputs.values()))

    def positions(self) -> list[Position]:
        """The output positions that are drawn."""
        return list(self.outputs["output"].positions())

    def index(self, position: Position) -> Index:
        """An output position as torch's index."""
        return (*self.size.lead, *self.size.spatial(position))

    def scenery(self) -> VGroup:
        """What stands from the first frame on: planes, empty slots, labels, arrows."""
        return VGroup(
            self.input, *self.slots.empty(), *self.outputs.values(), *self._labels(), *self._signs()
        )

    def move(self, position: Position, quick: float | None = None) -> list[Animation]:
        """The window and the outputs' frames go to where an output element reads and is written."""
        moves = self.sliding.move(self.size.origin(position), quick)
        for name, frame in self.targets.items():
            moves.append(Morph(frame, self.outputs[name].outline(position, position, 0.02), quick=quick))
        return moves

    def lift(self, position: Position, groups: Sequence[VGroup]) -> list[Animation]:
        """Each value travels from the input to its slot, or shows up there where cells are too small."""
        pairs = [pair for pair in zip(self.slots.taps(position), groups, strict=True) if len(pair[1])]
        if not self.input.cells.text_size:
            return [Appear(VGroup(*(group for _, group in pairs)))]
        return [Fly(group, start=self.input.center(self.input.clamped(tap))) for tap, group in pairs]

    def write(self, name: str, position: Position, start: np.ndarray | None = None) -> list[Animation]:
        """An element of an output is written; its number flies in from `start` or pops up."""
        return self.outputs[name].write(position, start)

    def heading(self, name: str) -> str:
        """What stands above a tensor's channel."""
        return self.shape(name)

    def _lay_out(self) -> None:
        claims = self._claims()
        count = 1 + len(self.lifts)
        if self.size.dims == 1:
            heads = [claims[:1], claims[1:count]]
            lines = line_heights(2 + max(map(len, self.results)))
            places = [
                place
                for line, (y, height) in zip(heads, lines, strict=False)
                for place in in_line(
                    WIDTH, [replace(claim, height=height) for claim in line], self._between(line), y
                )
            ]
            below = [replace(claim, height=lines[2][1]) for claim in claims[count:]]
            results = in_line(WIDTH, below, (0.6,) * (len(below) - 1), lines[2][0])
            step = lines[-2][0] - lines[-1][0]
        else:
            placed = in_line(WIDTH, claims, self.gaps[: len(claims) - 1], MIDDLE)
            places, results = placed[:count], placed[count:]
            step = results[0][0].height + _STACK_GAP
        self.input = self._input_channel(*places[0])
        self.slots = Slots(self, self.size, self.border, self.lifts, places[1:])
        self.outputs: dict[str, Channel] = {}
        for names, (sheet, at) in zip(self.results, results, strict=True):
            raised = 0.0 if self.size.dims == 1 else (len(names) - 1) / 2
            for number, name in enumerate(names):
                center = at + np.array([0.0, (raised - number) * step, 0.0])
                self.outputs[name] = self._output_channel(name, sheet, center)

    def _between(self, line: Sequence[Claim]) -> tuple[float, ...]:
        return self.gaps[1 : len(line)]

    def _claims(self) -> list[Claim]:
        """What each station needs: the input with its border, the slots, the columns of results."""
        size, high = self.size, TOP - BOTTOM
        whole = tuple(n + 2 * p + o for n, p, o in zip(size.plane, size.padding, size.over, strict=True))
        volume = size.dims == 3
        pad = [side for side in size.padding for _ in range(2)] if volume else NO_PAD
        window = measure(self.window_label, NAME_TEXT, "sans")
        values = [text for name in self.lifts for text in self._texts(name)]
        lifted = [
            Claim(size.kernel, values, high, window if name == "input" else 0.0,
                  _SLICED_SLOT if volume else _SLOT_CELL)
            for name in self.lifts
        ]  # fmt: skip
        results = []
        for names in self.results:
            texts = [text for name in names for text in self._texts(name)]
            label = max(self._label_width(name) for name in names)
            height = (high - (len(names) - 1) * _STACK_GAP) / len(names)
            largest = _SLICED_RESULT if volume else LARGEST_CELL
            results.append(Claim(size.out, texts, height, label, largest, self.beside))
        source = Claim(
            size.plane if volume else whole,
            self._texts("input"),
            high,
            self._label_width("input"),
            pad=tuple(pad),  # type: ignore[arg-type]
            framed=True,
        )
        return [source, *lifted, *results]

    def _texts(self, name: str) -> list[str]:
        border = [self.border] if name == "input" and any(self.size.padding) else []
        return [*self.texts(name), *border]

    def _label_width(self, name: str) -> float:
        return measure(self.heading(name), NAME_TEXT, "mono")

    def _input_channel(self, sheet: Sheet, center: np.ndarray) -> Channel:
        lead = self._lead("input")
        if sheet.slices:
            return Channel(self, "input", lead, sheet, center, pad_text=self.border)
        size, cells = self.size, sheet.cells
        (top, left), (down, right), plane = size.padding, size.over, size.plane
        whole = (cells.rows, cells.cols) == (plane[0] + 2 * top + down, plane[1] + 2 * left + right)
        pad = (top, top, left, left) if whole else (top, 0, left, 0)
        down, right = (down, right) if whole else (0, 0)
        parts = (min(plane[0], max(1, cells.rows - top)), min(plane[1], max(1, cells.cols - left)))
        rows, cols = (plane[0], plane[1]) if whole else parts
        at = center + np.array([-right * cells.width / 2, down * cells.height / 2, 0.0])
        shown = replace(cells, rows=rows, cols=cols)
        return Channel(self, "input", lead, sheet, at, shown, pad=pad, pad_text=self.border)

    def _output_channel(self, name: str, sheet: Sheet, center: np.ndarray) -> Channel:
        """An output, of a cropped input no more than what comes of the part that is drawn."""
        size, reach = self.size, []
        for axis, most in enumerate(sheet.shape):
            span = size.dilation[axis] * (size.kernel[axis] - 1)
            inside = (self.input.shape[axis] - 1 + size.padding[axis] - span) // size.stride[axis] + 1
            whole = self.input.shape[axis] == size.plane[axis]
            reach.append(most if whole else max(1, min(most, inside)))
        cells = replace(sheet.cells, rows=reach[-2], cols=reach[-1])
        slices = sheet.slices and replace(sheet.slices, cells=cells, depth=reach[0])
        plain = name == "indices" and bool(cells.text_size)
        values = [each for each in ("input", *self.names) if each != "indices"]
        scale = max(self.trace.range(each).scale for each in (["indices"] if name == "indices" else values))
        return Channel(
            self, name, self._lead(name), Sheet(cells, slices), center,
            blank=True, plain=plain, scale=scale,
        )  # fmt: skip

    def _lead(self, name: str) -> Index:
        return (0,) * (len(self.trace.shape(name)) - self.size.dims)

    def _labels(self) -> list[Text]:
        """Names and shapes above the channels, and the window's."""
        labels = [channel.caption(self.heading(name)) for name, channel in self._channels().items()]
        left, _, right, top = self.slots.edges("input")
        at = ((left + right) / 2, top + 0.2)
        return [*labels, self.label(self.window_label, at, font="sans", vertical="baseline")]

    def _channels(self) -> dict[str, Channel]:
        return {"input": self.input, **self.outputs}

    def _signs(self) -> list[Mobject]:
        """The arrow from the window to the output with what is done on the way."""
        _, bottom, right, top = self.slots.edges(self.lifts[-1])
        ends = self.outputs["output"].edges
        if self.size.dims == 1:
            return self.arrow((0.0, bottom - 0.1), (0.0, ends[3] + 0.5), self.sign)
        middle = (bottom + top) / 2
        return self.arrow((right, middle), (ends[0], middle), self.sign)

    def arrow(self, start: Sequence[float], end: Sequence[float], text: str) -> list[Mobject]:
        """A short arrow in the middle between two places, with a text over it (beside it if it points down)."""
        a, b = np.array([*start, 0.0]), np.array([*end, 0.0])
        middle, length = (a + b) / 2, float(np.linalg.norm(b - a))
        reach = (b - a) / (length or 1.0) * min(0.5, max(0.1, length / 2 - 0.15))
        arrow = Arrow([middle - reach, middle + reach], self.look.theme.wire)
        if not text:
            return [arrow]
        if abs(a[1] - b[1]) >= 1e-6:
            return [arrow, self.sign_text(text, (middle[0] + 0.2, middle[1]), align="left")]
        size = fit(text, length - 0.1, _SIGN, MIN_TEXT, "mono")
        return [arrow, self.sign_text(text, (middle[0], middle[1] + 0.16), size, vertical="baseline")]

    def sign_text(self, text: str, at: Sequence[float], size: float = _SIGN, **place: Any) -> Text:
        """What is done on the way from one place to another, beside its arrow."""
        return self.label(text, at, size, self.look.theme.text, **place)
