"""The settings of a pooling at the thing itself: below a plane, how wide its window is and how far it has moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import VMobject

from torchreel.scenes.parts.channel import Channel
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Arrow, Path
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import measure
from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.pooling.window.words import setting
from torchreel.scenes.stage import bars

_OFF, _HOOK, _BELOW, _AIR, _LINE = 0.13, 0.07, 0.2, 0.16, 2.4


class WindowRule:
    """A bracket as wide as the window says `kernel_size`, an arrow from the window before says `stride`.

    They are drawn below a plane that is drawn whole, with numbers, where windows have no gaps (`dilation`); an arrow or
    a name that has no room is left out.
    """

    def __init__(self, desk: Desk, size: PoolingGeometry, plane: Channel) -> None:
        self.desk, self.size, self.plane = desk, size, plane
        whole = size.dims == 2 and plane.shape == size.plane and bool(plane.cells.text_size)
        self.is_drawn = whole and set(size.dilation) == {1}

    def marks(self, position: Position) -> list[VMobject]:
        """What stands below the plane for the window of an output position."""
        if not self.is_drawn:
            return []
        left, right = self._side(position, 0), self._side(position, self.size.kernel[-1])
        named = f"kernel_size={setting(self.size.spatial(self.size.kernel))}"
        kernel = (left + right) / 2, measure(named, MIN_TEXT, "mono")
        if kernel[0] - kernel[1] / 2 < bars.MARGIN - bars.WIDTH / 2:
            return []
        marks: list[VMobject] = [self._bracket(left, right), self._name(named, kernel[0])]
        if position[-1] == 0:
            return marks
        start = self._side((*position[:-1], position[-1] - 1), 0)
        moved = f"stride={setting(self.size.spatial(self.size.stride))}"
        stride = (start + left) / 2, measure(moved, MIN_TEXT, "mono")
        if kernel[0] - stride[0] < (kernel[1] + stride[1]) / 2 + _AIR:
            return marks
        arrow = Arrow([(start, self._y), (left - 0.05, self._y)], self.desk.look.theme.wire, _LINE)
        return [*marks, arrow, self._name(moved, stride[0])]

    def _side(self, position: Position, cells: int) -> float:
        """The x of a window's left side, so many cells on."""
        column = self.size.origin(position)[-1] + cells
        return float(self.plane.edges[0] + column * self.plane.cells.width)

    @property
    def _y(self) -> float:
        cells = self.plane.cells
        return float(self.plane.edges[1] - self.plane.pad[1] * cells.height - _OFF)

    def _bracket(self, left: float, right: float) -> Path:
        y, inset = self._y, 0.04
        corners = [(left, y + _HOOK), (left, y), (right, y), (right, y + _HOOK)]
        points: Sequence[np.ndarray] = [
            np.array([x + (inset if x == left else -inset), at, 0.0]) for x, at in corners
        ]
        return Path(points, self.desk.look.theme.accent, _LINE)

    def _name(self, text: str, x: float) -> VMobject:
        return self.desk.label(text, (x, self._y - _BELOW), MIN_TEXT)
