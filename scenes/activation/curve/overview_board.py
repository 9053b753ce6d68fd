"""The board of the overview: a small graph for each activation, family by family, all with the same axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.axes import Area
from torchreel.scenes.parts.curve import RIDER_Z, Curve
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.plot import Plot, Tag
from torchreel.scenes.parts.shapes import Disc, Path, Shape, polyline
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import number_text
from torchreel.scenes.trace.proof import Trace

_LEFT, _TOP = -6.3, 2.9
_PITCH = (2.2, 1.34)
_WIDE, _TALL = 2.0, 1.03
_Y = (-2.0, 3.0)
_INSET = 0.06


class OverviewBoard(Board):
    """One graph a function: `rows` are families (names of functions) that share a row of the stage.

    All are grey until `drawn` gives a family its colour. `words` gives a family's name, `notes` what a function's curve
    alone does not show.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        rows: Sequence[Mapping[str, Sequence[str]]],
        words: Callable[[str], str],
        notes: Mapping[str, str],
    ) -> None:
        super().__init__(look, trace)
        self.x = np.array(trace.sample("curve.x").tolist())
        self.plots: dict[str, Plot] = {}
        self.grey: dict[str, list[Curve]] = {}
        self.scenery = VGroup()
        for row, families in enumerate(rows):
            column = 0
            for family, names in families.items():
                self._family(words(family), row, column, len(names))
                self.grey[family] = [
                    self._function(name, row, column + at, notes) for at, name in enumerate(names)
                ]
                column += len(names)
        self.families = {family: list(names) for families in rows for family, names in families.items()}
        self._numbers(len(rows))

    def drawn(self, family: str) -> list[Curve]:
        """The curves of a family in the colour of results."""
        color = self.look.theme.role("result")
        return [self._curve(name, color) for name in self.families[family]]

    def pointing(self, name: str, x: float, y: float) -> VGroup:
        """From a number on a function's x axis to its curve and across to the y axis."""
        plot, accent = self.plots[name], self.look.theme.accent
        ways = [plot.point(x, 0), plot.point(x, y), plot.point(0, y)]
        path = Shape(polyline(ways), stroke=accent, stroke_width=3.4, z_index=RIDER_Z)
        spot = Disc(
            0.09, ways[1], fill=self.look.theme.background, stroke=accent, stroke_width=3.4, z_index=RIDER_Z
        )
        return VGroup(path, spot)

    def _area(self, row: int, column: int) -> Area:
        left, top = _LEFT + column * _PITCH[0], _TOP - row * _PITCH[1]
        return left, top - _TALL, left + _WIDE, top

    def _family(self, word: str, row: int, column: int, count: int) -> None:
        """A family's name over its graphs, and a line that holds them together."""
        theme = self.look.theme
        left, _, _, top = self._area(row, column)
        right = self._area(row, column + count - 1)[2]
        head = self.label(
            word, (left, top + 0.1), MIN_TEXT, theme.text, "bold", align="left", vertical="baseline"
        )
        start = left + measure(word, MIN_TEXT, "bold") + 0.12
        line = Path([(start, top + 0.17), (right, top + 0.17)], theme.line, 1.6)
        self.scenery.add(head, line)

    def _function(self, name: str, row: int, column: int, notes: Mapping[str, str]) -> Curve:
        """A function's axes, its name in the corner that curves leave free, its curve in grey."""
        theme, area = self.look.theme, self._area(row, column)
        plot = self.plots[name] = Plot(self.look, (float(self.x[0]), float(self.x[-1])), _Y, area, bare=True)
        at = area[0] + _INSET, area[3] - 0.14
        words = Tag(name, at, theme.text, theme.background, "left", MIN_TEXT)
        self.scenery.add(plot, words)
        if name in notes:
            corner = area[2] - _INSET, area[1] + 0.16
            self.scenery.add(self.label(notes[name], corner, MIN_TEXT, font="sans", align="right"))
        curve = self._curve(name, theme.tint(theme.muted, 0.45))
        self.scenery.add(curve)
        return curve

    def _curve(self, name: str, color: str) -> Curve:
        y = np.array(self.trace.sample(f"curve.{name}").tolist())
        return self.plots[name].curve(self.x, y, color, 3.6)

    def _numbers(self, rows: int) -> None:
        """The numbers of the axes that all share, at the left and at the foot."""
        theme, known = self.look.theme, list(self.plots.values())
        first = known[0]
        texts: list[Text] = [
            Text(number_text(y), MIN_TEXT, theme.muted).place(
                (first.left - 0.1, first.point(0, y)[1]), align="right"
            )
            for y in (-2, 0, 2)
        ]
        foot = self._area(rows - 1, 0)
        last = [plot for plot in known if abs(plot.bottom - foot[1]) < 1e-6]
        texts += [
            Text(number_text(x), MIN_TEXT, theme.muted).place((plot.point(x, 0)[0], foot[1] - 0.16))
            for plot in last[:1]
            for x in (-4, 0, 4)
        ]
        self.scenery.add(*texts)
