"""What stands on the stage of an average pooling clip: beside the window its sum over the divisor, a live fraction."""

from __future__ import annotations

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Drop, Fly, Paint
from torchreel.scenes.parts.shapes import Arrow, Path, box_points
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text, fit
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_WIDE, _ASIDE = 1.15, 0.42
_SUM, _DIVISOR = 0.36, 0.56
_TIGHT = 0.72
_INSET, _COUNTED = 0.07, 4


class AverageBoard(PoolingBoard):
    """A board whose window is added up and divided.

    With `contrast`, a second row shows what the opposite `count_include_pad` gives, with the divisors of its own.
    """

    gaps: tuple[float, ...] = (0.5, 0.25)
    beside: float = _WIDE + 2 * _ASIDE + 0.3

    def __init__(self, look: Look, trace: Trace, window_label: str, contrast: bool) -> None:
        self.contrast = contrast
        self.includes = bool(getattr(trace.module, "count_include_pad", True))
        super().__init__(look, trace, window_label)
        self.scale = _TIGHT if contrast and self.size.dims == 1 else 1.0
        self.at = {name: self._fraction_place(name) for name in self.names}
        self.fractions: dict[str, VGroup] = {name: VGroup() for name in self.names}

    @property
    def results(self) -> list[tuple[str, ...]]:
        if not self.contrast:
            return [("output",)]
        return [("output", "other") if self.includes else ("other", "output")]

    def heading(self, name: str) -> str:
        if not self.contrast or name == "input":
            return super().heading(name)
        return f"count_include_pad={self.includes == (name == 'output')}"

    def divisor(self, name: str) -> str:
        """The tensor that a result is divided by."""
        return "divisor" if name == "output" else f"{name}_divisor"

    def divisor_index(self, position: Position) -> Index:
        """The divisor's index for an output position."""
        return self.size.spatial(position)

    def counted(self, name: str, position: Position) -> list[int]:
        """The slots whose cells count towards a result's divisor; none where it is given."""
        if getattr(self.trace.module, "divisor_override", None) is not None:
            return []
        border = set(self.slots.on_border(position))
        includes = self.includes == (name == "output")
        taps = self.slots.taps(position)
        return [k for k, tap in enumerate(taps) if self.size.exists(tap) and (includes or k not in border)]

    def add_up(self, position: Position, name: str) -> list[Animation]:
        """The window's sum stands over the line; it comes from the slots."""
        above = self._sum(position, name)
        self.fractions[name] = VGroup(above)
        return [Fly(above, start=np.mean(self.slots.middles["input"], axis=0))]

    def count(self, position: Position, name: str) -> list[Animation]:
        """The cells that count get a frame each, and their number stands under the line."""
        below, frames = self._below(position, name), self.frames(position, name)
        self.fractions[name].add(below)
        return [Drop(below), *([Drop(frames, scale=0.9)] if len(frames) else [])]

    def frames(self, position: Position, name: str) -> VGroup:
        """A frame round each cell that counts."""
        cells = self.slots.cells
        if not cells.text_size:
            return VGroup()
        size = (cells.width - 2 * _INSET, cells.height - 2 * _INSET)
        middles = self.slots.middles["input"]
        return VGroup(
            *(
                self.frame(box_points(*size, middles[k], 0.06), _COUNTED, 3)
                for k in self.counted(name, position)
            )
        )

    def pale(self, position: Position, name: str, groups: list[VGroup]) -> list[Animation]:
        """Padding that does not count goes pale."""
        left_out = sorted(set(self.slots.on_border(position)) - set(self.counted(name, position)))
        boxes = [groups[k][0] for k in left_out]
        texts = [text for k in left_out for text in groups[k].submobjects[1:]]
        theme = self.look.theme
        return [
            *([Paint(*boxes, fill=theme.empty)] if boxes else []),
            *([Paint(*texts, fill=theme.muted)] if texts else []),
        ]

    def fraction(self, position: Position, name: str) -> VGroup:
        """Sum and divisor at once, for quick steps."""
        return VGroup(self._sum(position, name), self._below(position, name))

    def _fraction_place(self, name: str) -> np.ndarray:
        left, bottom, _, top = self.outputs[name].edges
        return np.array([left - self.beside / 2, (bottom + top) / 2, 0.0])

    def _sum(self, position: Position, name: str) -> Text:
        number = self.number("sum", self.index(position), _SUM * self.scale, width=_WIDE)
        return number.place(self._off(name, 0.34))

    def _below(self, position: Position, name: str) -> Text:
        """The divisor, bold, whose width is a bold one's."""
        tensor, index = self.divisor(name), self.divisor_index(position)
        text = self.text(tensor, self.trace.value(tensor, index))
        size = fit(text, _WIDE, _DIVISOR * self.scale, MIN_TEXT, "bold")
        number = self.number(tensor, index, size, self.look.theme.accent, font="bold")
        return number.place(self._off(name, -0.44))

    def _off(self, name: str, height: float) -> np.ndarray:
        """A place over or under the line of a fraction, nearer where rows are close together."""
        return self.at[name] + np.array([0.0, height * self.scale, 0.0])

    def _line(self, name: str) -> Path:
        half, at = np.array([_WIDE / 2, 0.0, 0.0]), self._fraction_place(name)
        return Path([at - half, at + half], self.look.theme.text, 3)

    def _signs(self) -> list[Mobject]:
        """The line of each fraction, with arrows from the window to it and from there to its output."""
        return [sign for name in self.names for sign in (self._line(name), *self._way(name))]

    def _way(self, name: str) -> list[Mobject]:
        color, at = self.look.theme.wire, self._fraction_place(name)
        left, bottom, right, top = self.slots.edges("input")
        near, far = at[0] - _WIDE / 2 - 0.1, at[0] + _WIDE / 2 + 0.1
        ahead = Arrow([(far, at[1]), (self.outputs[name].edges[0] - 0.12, at[1])], color)
        middle = (bottom + top) / 2
        if self.size.dims > 1:
            return [Arrow([(right + 0.12, middle), (near, at[1])], color), ahead]
        if name != self.names[0]:
            return [ahead]
        down = [(left - 0.12, middle), (at[0], middle), (at[0], at[1] + 0.62)]
        return [Arrow(down, color), ahead]
