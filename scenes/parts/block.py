"""A tensor `(N, C, S)` as a solid block: channels across, positions down, samples into the depth.

Only three faces are seen, so an element is drawn up to three times: in front (n = 0), on top (s = 0), on the right
(c = C - 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.shapes import Point, Shape, as_point, polyline

Element = tuple[int, int, int]
SLANT = (0.31, 0.23)
_STRENGTH = {"front": 0.5, "top": 0.3, "right": 0.68}


@dataclass(frozen=True)
class Face:
    """One visible face of one element."""

    side: str
    element: Element
    corners: tuple[np.ndarray, ...]
    shape: Shape


class Block(VGroup):
    """A block of `size` (N, C, S) elements, each `width` x `height` in front, as a whole centred on `center`."""

    def __init__(self, look: Look, size: Element, width: float, height: float, center: Point) -> None:
        self.look, self.size = look, size
        self.right, self.down = np.array([width, 0.0, 0.0]), np.array([0.0, -height, 0.0])
        self.deep = np.array([*SLANT, 0.0])
        samples, channels, positions = size
        whole = channels * self.right - positions * self.down + samples * self.deep
        self.corner = as_point(center) - whole / 2 - positions * self.down
        self.faces = [
            *(self._face("top", (n, c, 0)) for n in reversed(range(samples)) for c in range(channels)),
            *(
                self._face("right", (n, channels - 1, s))
                for n in reversed(range(samples))
                for s in range(positions)
            ),
            *(self._face("front", (0, c, s)) for c in range(channels) for s in range(positions)),
        ]
        super().__init__(*(face.shape for face in self.faces))

    @staticmethod
    def extent(size: Element, width: float, height: float) -> tuple[float, float]:
        """Width and height of the drawing (scene units)."""
        return size[1] * width + size[0] * SLANT[0], size[2] * height + size[0] * SLANT[1]

    def point(self, sample: float, channel: float, position: float) -> np.ndarray:
        """A point of the block, counted in elements from its front top left corner."""
        return self.corner + sample * self.deep + channel * self.right + position * self.down

    def paint(self, color: Callable[[Element], str | None], run_time: float = 0.4) -> list[Animation]:
        """Elements take on a colour, shaded by face; those with None keep theirs."""
        return [
            Paint(face.shape, fill=self.shade(face.side, chosen), run_time=run_time)
            for face in self.faces
            if (chosen := color(face.element)) is not None
        ]

    def shade(self, side: str, color: str) -> str:
        """A colour as it looks on one side of the block."""
        return self.look.theme.tint(color, _STRENGTH[side])

    def borders(self, same: Callable[[Element, Element], bool], elements: Iterable[Element]) -> np.ndarray:
        """The edges of the faces of `elements`, as one path, where `same` says that the neighbour does not belong."""
        chosen = set(elements)
        edges = [
            edge for face in self.faces if face.element in chosen for edge in self._open_edges(face, same)
        ]
        return np.concatenate([polyline(edge) for edge in edges]) if edges else np.zeros((0, 3))

    def _open_edges(self, face: Face, same: Callable[[Element, Element], bool]) -> Iterator[list[np.ndarray]]:
        steps = {
            "front": ((0, 0, -1), (0, 1, 0), (0, 0, 1), (0, -1, 0)),
            "top": ((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)),
            "right": ((0, 0, -1), (1, 0, 0), (0, 0, 1), (-1, 0, 0)),
        }[face.side]
        corners = face.corners
        for number, step in enumerate(steps):
            neighbour = tuple(at + by for at, by in zip(face.element, step, strict=True))
            if not self._inside(neighbour) or not same(face.element, neighbour):  # type: ignore[arg-type]
                yield [corners[number], corners[(number + 1) % 4]]

    def _inside(self, element: tuple[int, ...]) -> bool:
        return all(0 <= at < size for at, size in zip(element, self.size, strict=True))

    def _face(self, side: str, element: Element) -> Face:
        n, c, s = element
        corners = {
            "front": ((0, c, s), (0, c + 1, s), (0, c + 1, s + 1), (0, c, s + 1)),
            "top": ((n + 1, c, 0), (n + 1, c + 1, 0), (n, c + 1, 0), (n, c, 0)),
            "right": ((n, c + 1, s), (n + 1, c + 1, s), (n + 1, c + 1, s + 1), (n, c + 1, s + 1)),
        }[side]
        points = tuple(self.point(*corner) for corner in corners)
        theme = self.look.theme
        fill = theme.tint(theme.wire, 0.3 * _STRENGTH[side])
        shape = Shape(polyline([*points, points[0]]), fill=fill, stroke=theme.wire, stroke_width=1.2)
        return Face(side, element, points, shape)
