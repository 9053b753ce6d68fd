"""The board of the overview: a graph for each family of activations, all with the same axes, names beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.activation.curve.graph import Axes
from torchreel.scenes.parts.curve import RIDER_Z, Curve
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Disc, Path, Shape, polyline
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.proof import Trace

_COLUMNS, _PITCH = 3, (4.5, 2.78)
_LEFT, _TOP = -6.4, 2.8
_WIDE, _TALL = 2.3, 1.94
_LINE, _NAMES = 0.29, 0.16
_Y = (-2.2, 4.2)
_HUES = (0, 1, 2, 3, 5, 6)  # the one that is like the accent is left out


class OverviewBoard(Board):
    """One graph a family of `families` (names of functions); each stays empty until its curves are drawn.

    `words` gives a family's name.
    """

    def __init__(
        self, look: Look, trace: Trace, families: Mapping[str, Sequence[str]], words: Callable[[str], str]
    ) -> None:
        super().__init__(look, trace)
        self.families = families
        self.names = [name for names in families.values() for name in names]
        self.x = np.array(trace.sample("curve.x").tolist())
        self.plots = {family: self._plot(number) for number, family in enumerate(families)}
        heads = [
            self.label(
                words(family),
                (plot.left, plot.top + 0.16),
                color=self.look.theme.text,
                font="bold",
                align="left",
                vertical="baseline",
            )
            for family, plot in self.plots.items()
        ]
        self.scenery = VGroup(*self.plots.values(), *heads)

    def drawn(self, family: str) -> list[Curve | VGroup]:
        """The curves of a family, each with its name in its colour."""
        theme, plot, found = self.look.theme, self.plots[family], []
        for number, name in enumerate(self.families[family]):
            color = theme.channel(_HUES[number % len(_HUES)])
            y = np.array(self.trace.sample(f"curve.{name}").tolist())
            place = (plot.right + _NAMES, plot.top - 0.1 - number * _LINE)
            line = Path([place, (place[0] + 0.26, place[1])], color, 4.0)
            words = self.label(name, (place[0] + 0.34, place[1]), MIN_TEXT, theme.text, "sans", align="left")
            found += [plot.curve(self.x, y, color, 3.4), VGroup(line, words)]
        return found

    def pointing(self, family: str, x: float, y: float) -> VGroup:
        """From a number on the x axis to its curve and across to the y axis."""
        plot, accent = self.plots[family], self.look.theme.accent
        ways = [plot.point(x, 0), plot.point(x, y), plot.point(plot.frame.x[0], y)]
        path = Shape(polyline(ways), stroke=accent, stroke_width=3.4, z_index=RIDER_Z)
        spot = Disc(
            0.1, ways[1], fill=self.look.theme.background, stroke=accent, stroke_width=3.4, z_index=RIDER_Z
        )
        return VGroup(path, spot)

    def _plot(self, number: int) -> Axes:
        left = _LEFT + number % _COLUMNS * _PITCH[0]
        top = _TOP - number // _COLUMNS * _PITCH[1]
        span = (float(self.x[0]), float(self.x[-1]))
        return Axes(self.look, span, _Y, (left, top - _TALL, left + _WIDE, top))
