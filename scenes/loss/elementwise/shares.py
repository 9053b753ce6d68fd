"""Two distributions side by side: the picture of KLDivLoss, one row at a time."""

from __future__ import annotations

import math

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.elementwise.board import PICTURE, LossPanel
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Morph
from torchreel.scenes.parts.shapes import Box, Path, Shape, box_points
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.proof import Trace

_NAMES = ("p", "q")
_MOST = 8
_WIDEST, _SHARE, _NUMBER = 1.15, 0.36, 0.2
_LEGEND = 0.22
_LEAST = 0.02


class Shares(Desk):
    """Bars of target p and prediction q for the classes of one row; `show` goes on to another row."""

    def __init__(self, look: Look, trace: Trace, panel: LossPanel, words: dict[str, str]) -> None:
        super().__init__(look, trace)
        self.panel = panel
        left, self.bottom, right, self.top = PICTURE
        self.count = min(_MOST, panel.grids["loss"].cells.cols)
        self.width = min(_WIDEST, (right - left) / max(1, self.count))
        self.left = (left + right - self.width * self.count) / 2
        self.high = self._highest()
        self.row = 0
        self.bars = {
            (name, k): Shape(self._path(name, k, 0), fill=self.color(name))
            for name in _NAMES
            for k in range(self.count)
        }
        self.numbers = self._numbers(0)
        self.scenery = VGroup(*self.bars.values(), self._base(), *self._legend(words))

    def color(self, name: str) -> str:
        """The identifying colour of a distribution."""
        return self.look.theme.channel(_NAMES.index(name))

    def show(self, row: int) -> list[Animation]:
        """The bars become those of another row; the caller takes the old `numbers` off the stage first."""
        self.row = row
        self.numbers = self._numbers(row)
        moves: list[Animation] = [
            Morph(bar, self._path(name, k, row), quick=0.3) for (name, k), bar in self.bars.items()
        ]
        return [*moves, Appear(self.numbers)]

    def ring(self, cell: Cell) -> Shape:
        """A frame round the two bars of a class; nothing for a class that is not drawn."""
        if cell[1] >= self.count:
            return Shape(box_points(1e-3, 1e-3, (self.left, self.bottom)))
        tall = max(self._height(self._value(name, cell[1], cell[0])) for name in _NAMES) + 0.34
        middle = (self._middle(cell[1]), self.bottom + tall / 2)
        return self.frame(box_points(self.width - 0.06, tall, middle, 0.06), 3.5)

    def _middle(self, k: int) -> float:
        return self.left + (k + 0.5) * self.width

    def _place(self, name: str, k: int) -> float:
        side = -0.5 if name == "p" else 0.5
        return self._middle(k) + side * self.width * (_SHARE + 0.06)

    def _value(self, name: str, k: int, row: int) -> float:
        return self.trace.value(name, self.panel.index((row, k)))

    def _height(self, value: float) -> float:
        share = 0.0 if math.isnan(value) else min(max(value / self.high, 0.0), 1.0)
        return max(_LEAST, share * (self.top - self.bottom - 0.1))

    def _path(self, name: str, k: int, row: int) -> np.ndarray:
        tall = self._height(self._value(name, k, row))
        return box_points(self.width * _SHARE, tall, (self._place(name, k), self.bottom + tall / 2))

    def _numbers(self, row: int) -> VGroup:
        """The value over each bar, where there is room for it."""
        group = VGroup()
        for name, k in self.bars:
            value = self._value(name, k, row)
            text = self.look.number(value, False, self.high)
            if measure(text, MIN_TEXT) > self.width * (_SHARE + 0.06):
                continue
            size = min(_NUMBER, self.width * (_SHARE + 0.06) / measure(text, 1.0))
            at = (self._place(name, k), self.bottom + self._height(value) + 0.13)
            index = self.panel.index((row, k))
            group.add(self.number(name, index, size, text=text, value=value).place(at))
        return group

    def _highest(self) -> float:
        rows = range(self.panel.grids["loss"].cells.rows)
        values = [self._value(name, k, row) for name in _NAMES for k in range(self.count) for row in rows]
        return max((value for value in values if math.isfinite(value)), default=1.0) or 1.0

    def _base(self) -> VGroup:
        theme, right = self.look.theme, self.left + self.width * self.count
        line = Path([(self.left - 0.1, self.bottom), (right + 0.1, self.bottom)], theme.wire, 2.4)
        names = (
            self.label(str(k), (self._middle(k), self.bottom - 0.2), MIN_TEXT) for k in range(self.count)
        )
        return VGroup(line, *names)

    def _legend(self, words: dict[str, str]) -> list[VGroup]:
        found, x = [], self.left
        for name in _NAMES:
            y = self.top + 0.4
            box = Box(0.2, 0.2, (x + 0.1, y), fill=self.color(name))
            text = self.label(words[name], (x + 0.3, y), _LEGEND, self.look.theme.text, align="left")
            found.append(VGroup(box, text))
            x += 0.8 + measure(words[name], _LEGEND, "mono")
        return found
