"""What stands on the stage of a pooling clip: input, results, and what marks the element that is made just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.channel import Channel
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import labels_of
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position, Sheet
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.pooling.window.beam import Beam, Rect, rect
from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.pooling.window.layout import Station, places
from torchreel.scenes.pooling.window.rule import WindowRule
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_TINTED, _ABOVE = 0.5, 2
_TINT, _WASH = 0.22, 0.07
_SIGN, _SIGN_LINE, _TAIL = 0.34, 0.42, 0.08
_NAME_GAP, _LEFT_GAP, _UNDER = 0.17, 0.3, 0.18


class PoolingBoard(Board):
    """The `input` with its border, the `outputs`, and the marks of one output element.

    Where windows have no cell in common, each has a tint of its own that its result wears too; otherwise cells are
    coloured by their values. A subclass says what the border holds, which tensors are the `results` and what is written
    between a window and its result.
    """

    border: str = "0"

    def __init__(self, look: Look, trace: Trace, overlap: bool) -> None:
        super().__init__(look, trace)
        self.size = PoolingGeometry.of(trace)
        texts = [*self.texts("input"), *([self.border] if any(self.size.padding) else [])]
        names = [self.shape("input"), *(self._heading_text(name) for name in self.results)]
        placed = places(self.size, texts, [self.texts(name) for name in self.results], names)
        self.is_stacked = placed.stacked
        windows = int(np.prod(self.size.out))
        self.is_tinted = (
            not overlap and windows <= len(look.theme.channels) and bool(placed.input.sheet.cells.text_size)
        )
        self.input = self._input_channel(placed.input)
        self.outputs = {
            name: self._output_channel(name, station)
            for name, station in zip(self.results, placed.results, strict=True)
        }
        self.names = [self._heading(name, channel) for name, channel in self._channels().items()]
        self.rule = WindowRule(self, self.size, self.input)

    @property
    def results(self) -> Sequence[str]:
        """The tensors that are written; the first is what the clip is about."""
        return ["output"]

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
        """What stands from the first frame on: input, empty results, names."""
        return VGroup(self.input, *self.outputs.values(), *self.names, *self._counted())

    # What marks one output element.

    def marks(self, position: Position, name: str = "output") -> VGroup:
        """The window, what leads from it to its result, and the result's frame."""
        theme, path, marks = self.look.theme, self.window_path(position), VGroup()
        accent, reads = theme.accent, any(map(self.size.holds, self.size.taps(position)))
        if not self.is_tinted:
            marks.add(Shape(path, fill=accent, opacity=_WASH, z_index=_TINTED))
        edge = accent if reads else theme.wire
        marks.add(Shape(path, stroke=edge, stroke_width=Stroke.SOURCE, z_index=_ABOVE))
        if self.size.dims > 1 or name == self.results[0]:
            clear = self._window(position)[2] if self._hides(self._way(position, name)) else None
            beam = self._beam(position, name, clear)
            marks.add(*(beam.drawn(theme, accent) if beam else []))
        marks.add(*self.rule.marks(position))
        return marks.add(self.frame(self.outputs[name].outline(position, position, 0.02)))

    def meets(self, position: Position) -> bool:
        """Whether lines come to a result itself, and not to the first of its row or column that stands before it."""
        return self.size.dims == 1 or position[-2 if self.is_stacked else -1] == 0

    def tint(self, position: Position) -> list[Animation]:
        """A window's cells take its tint, where windows have tints."""
        if not self.is_tinted:
            return []
        tint = self._hue(position, _TINT)
        held = [tap for tap in self.size.taps(position) if self.size.holds(tap)]
        return [move for tap in held for move in self.input.paint(tap, tint)]

    def write(self, name: str, position: Position) -> list[Animation]:
        """A result is born in its cell, in the tint of its window."""
        moves = self.outputs[name].write(position)
        if not self.is_tinted or not moves:
            return moves
        return [*self.outputs[name].paint(position, self.result_tint(position)), *moves[1:]]

    def result_tint(self, position: Position) -> str:
        """The fill of a result whose window has a tint."""
        return self._hue(position, _TINT)

    def sign(self, position: Position, name: str = "output") -> VGroup:
        """What is done on the way from a window to its result; nothing where there is no room for it."""
        return self.signed([self.sign_parts(position, name)], position, name)

    def signed(
        self, lines: Sequence[Sequence[Text | Number]], position: Position, name: str = "output"
    ) -> VGroup:
        """Lines of pieces between a window and its result: the last ones of them that there is room for."""
        widths = [[measure(part.text, part.size, part.font) for part in parts] for parts in lines]
        hangs = any(set(part.text) & set("gjpqy") for part in lines[-1])
        at = self._sign_place(position, name, max(map(sum, widths)), len(lines), _TAIL if hangs else 0.0)
        if at is None:
            return self.signed(lines[1:], position, name) if len(lines) > 1 else VGroup()
        placed = VGroup()
        for number, (parts, sizes) in enumerate(zip(lines, widths, strict=True)):
            left, y = at[0] - sum(sizes) / 2, at[1] + ((len(lines) - 1) / 2 - number) * _SIGN_LINE
            for part, wide in zip(parts, sizes, strict=True):
                placed.add(part.place((left, y), align="left"))
                left += wide
        return placed

    def sign_parts(self, position: Position, name: str) -> Sequence[Text | Number]:
        """The pieces of the sign from left to right, to be placed."""
        return []

    def sign_text(self, text: str) -> Text:
        """A piece of a sign."""
        return Text(text, _SIGN, self.look.theme.text)

    def sign_number(self, tensor: str, index: Index) -> Number:
        """A number in a sign."""
        return self.number(tensor, index, _SIGN, self.look.theme.text)

    def window_path(self, position: Position) -> np.ndarray:
        """The window's outline: one frame, one round each tap where they lie apart, one on each slice."""
        size, channel = self.size, self.input
        if channel.sheet.slices:
            return np.asarray(channel.drawn.window(size.origin(position), size.kernel, size.dilation))
        first, last = size.corners(position)
        if set(size.dilation) == {1} or set(size.kernel) == {1} or not channel.cells.text_size:
            return channel.outline(channel.clamped(first), channel.clamped(last))
        taps = dict.fromkeys(map(channel.clamped, size.taps(position)))
        return np.concatenate([channel.outline(tap, tap, -0.02) for tap in taps])

    def _window(self, position: Position) -> Rect:
        """The rectangle that lines leave from: round the window, or its part on the last of slices that stand apart."""
        path = self.window_path(position)
        whole = rect(path)
        if not self.input.sheet.slices:
            return self._existing(whole)
        if self.is_stacked:
            return whole
        _, bottom, _, top = last = rect(path[-(len(path) // max(1, self.size.kernel[0])) :])
        return whole if (bottom, top) == (whole[1], whole[3]) else last

    def _existing(self, window: Rect) -> Rect:
        """A window without the rows that are neither input nor padding."""
        (_, bottom, _, top), high = self.input.edges, self.input.cells.height
        above, below, *_ = self.input.pad
        low = max(window[1], bottom - below * high)
        return window[0], low, window[2], max(low, min(window[3], top + above * high))

    def _beam(self, position: Position, name: str, clear: float | None = None) -> Beam | None:
        """The way from a window to its result as far as no name stands in it."""
        return self._way(position, name, clear).clear_of(labels_of(self.names))

    def _way(self, position: Position, name: str, clear: float | None = None) -> Beam:
        """From a window to its result, clear of the input's border, or from x = `clear` on behind the cells."""
        channel, window = self.outputs[name], self._window(position)
        target = rect(channel.outline(position, position))
        if self.is_stacked:  # Out below the window's own columns, in above the result's own.
            low, high = float(self.input.drawn.edges[1]), channel.edges[3]
            return Beam.down((window[0], low, window[2], low), (target[0], high, target[2], high))
        if self.size.dims == 1:
            return Beam.down(window, target)
        edge = float(channel.drawn.edges[0]) if channel.sheet.slices else channel.edges[0]
        return Beam.across(window, target, self._right if clear is None else clear, edge)

    def _hides(self, beam: Beam) -> bool:
        """Whether lines from a window run behind the slices, and are seen in the gaps between them.

        Cells of padding would let them through, and labels stand above the slices.
        """
        slices = self.input.sheet.slices
        in_row = slices is not None and slices.across >= slices.count and not any(self.size.padding)
        return in_row and not self.is_stacked and float(beam.start[0, 1]) <= self.input.edges[3] + 1e-6

    @property
    def _right(self) -> float:
        """The right edge of all that is drawn of the input."""
        if self.input.sheet.slices:
            return float(self.input.drawn.edges[2])
        return self.input.edges[2] + self.input.pad[3] * self.input.cells.width

    def _sign_place(
        self, position: Position, name: str, wide: float, lines: int = 1, tail: float = 0.0
    ) -> np.ndarray | None:
        """The middle of a sign of some lines between the lines that lead to a result, clear of them."""
        beam = self._beam(position, name) if wide else None
        if beam is None:
            return None
        if self.size.dims == 1:
            return beam.room_below(wide) if name == self.results[0] else None
        high = _SIGN * 0.75 + (lines - 1) * _SIGN_LINE + 2 * tail
        if self.is_stacked:
            return beam.room_below(wide, high)
        return beam.room_between(wide, high, 0.5 if len(self.results) == 1 else 0.7)

    def _hue(self, position: Position, strength: float) -> str:
        number = int(np.ravel_multi_index(position, self.size.out))
        return self.look.theme.tint(self.look.theme.channel(number), strength)

    # Where things stand.

    def _input_channel(self, station: Station) -> Channel:
        sheet, lead = station.sheet, self._lead("input")
        sheet = sheet.with_cells(replace(sheet.cells, text_size=self.input_text(sheet.cells)))
        if sheet.slices:
            return Channel(self, "input", lead, sheet, station.at, pad_text=self.border, plain=self.is_tinted)
        size, cells = self.size, sheet.cells
        (top, left), (down, right), plane = size.padding, size.over, size.plane
        whole = (cells.rows, cells.cols) == (plane[0] + 2 * top + down, plane[1] + 2 * left + right)
        pad = (top, top, left, left) if whole else (top, 0, left, 0)
        down, right = (down, right) if whole else (0, 0)
        parts = (min(plane[0], max(1, cells.rows - top)), min(plane[1], max(1, cells.cols - left)))
        rows, cols = (plane[0], plane[1]) if whole else parts
        at = station.at + np.array([-right * cells.width / 2, down * cells.height / 2, 0.0])
        shown = replace(cells, rows=rows, cols=cols)
        return Channel(
            self, "input", lead, sheet, at, shown, pad=pad, pad_text=self.border, plain=self.is_tinted
        )

    def _output_channel(self, name: str, station: Station) -> Channel:
        """A result, of a cropped input no more than what comes of the part that is drawn."""
        size, sheet, reach = self.size, station.sheet, []
        for axis, most in enumerate(sheet.shape):
            span = size.dilation[axis] * (size.kernel[axis] - 1)
            inside = (self.input.shape[axis] - 1 + size.padding[axis] - span) // size.stride[axis] + 1
            whole = self.input.shape[axis] == size.plane[axis]
            reach.append(most if whole else max(1, min(most, inside)))
        cells = replace(sheet.cells, rows=reach[-2], cols=reach[-1])
        slices = sheet.slices and replace(sheet.slices, cells=cells, depth=reach[0])
        at, step = station.at, (1, 1)
        looks: dict[str, Any] = {"plain": self.is_tinted or self.is_plain(name), "scale": self._scale()}
        if size.dims == 1:
            at, step = self._under_windows(station.at, reach[-1])
        if step[1] > 1:
            looks["step"] = step
        if self.is_stacked:
            looks["head"] = ""
        return Channel(self, name, self._lead(name), Sheet(cells, slices), at, blank=True, **looks)

    def input_text(self, cells: Cells) -> float:
        """The size of the input's numbers."""
        return cells.text_size

    def is_plain(self, name: str) -> bool:
        """Whether a result is no quantity, such as a place."""
        return False

    def _scale(self) -> float:
        """The largest size of all quantities that are drawn."""
        return max(
            self.trace.range(name).scale for name in ("input", *self.results) if not self.is_plain(name)
        )

    def _under_windows(self, at: np.ndarray, count: int) -> tuple[np.ndarray, tuple[int, int]]:
        """The middle of a line of results that stand under the middles of their windows, and how far apart they are."""
        ends = [rect(self.window_path((0, k))) for k in (0, count - 1)]
        middle = sum(left + right for left, _, right, _ in ends) / 4
        return np.array([middle, at[1], 0.0]), (1, self.size.stride[-1])

    def _lead(self, name: str) -> Index:
        return (0,) * (len(self.trace.shape(name)) - self.size.dims)

    def _channels(self) -> dict[str, Channel]:
        return {"input": self.input, **self.outputs}

    # Names.

    def heading(self, name: str) -> str:
        """What stands at a result that is not called by its name."""
        return ""

    def _heading_text(self, name: str) -> str:
        return self.heading(name) or self.shape(name)

    def _heading(self, name: str, channel: Channel) -> VGroup:
        """A name above its channel, in one dimension below a result; at the left edge where it is wider."""
        left, bottom, right, top = channel.edges
        if self.is_stacked and name != "input":  # From above lines come in.
            return self.title(name, (left - _LEFT_GAP, (bottom + top) / 2), align="right")
        pad, cells = (0, 0, 0, 0), channel.cells
        if channel.sheet.slices:
            left, bottom, right, top = channel.drawn.edges
        else:
            pad = channel.pad
            top += pad[0] * cells.height
        below = name != "input" and (self.size.dims == 1 or name != self.results[0])
        y = bottom - _NAME_GAP - 0.16 if below else top + _NAME_GAP
        said, room = self._heading_text(name), bars.WIDTH - 2 * bars.MARGIN
        wide = measure(said, NAME_TEXT, "mono")
        over = self.size.dims > 1 and name == self.results[0] and wide > right - left
        x = max(min((left + right) / 2, room / 2 - wide / 2), -room / 2 + wide / 2)
        at, align = ((left, y), "left") if over else ((x, y), "center")
        if own := self.heading(name):
            if over:
                at = (min(left, room / 2 - wide), y)
            return VGroup(self.label(own, at, NAME_TEXT, align=align, vertical="baseline"))
        fits = not over or left + wide <= room / 2
        return self.title(name, at, align=align, shape=fits)  # type: ignore[arg-type]

    def _counted(self) -> list[Text]:
        """The depth of each slice of a result that stands below the input, under it."""
        if not self.is_stacked:
            return []
        stack, (_, low, _, _) = self.outputs["output"].drawn, self.outputs["output"].edges
        return [
            self.label(f"d={depth}", (float(grid.middle[0]), low - _UNDER), MIN_TEXT)
            for depth, grid in enumerate(stack.grids)
        ]


def appear(parts: VGroup) -> list[Animation]:
    """Everything in a group comes into sight, if there is anything."""
    return [Appear(parts)] if len(parts) else []
