"""What a clip is drawn at: size and rate, one `View` per rasterisation."""

from __future__ import annotations

from dataclasses import dataclass

Rect = tuple[int, int, int, int]
"""A rectangle of whole pixels `(x0, y0, x1, y1)`; x1 and y1 are just outside."""


@dataclass(frozen=True, slots=True)
class View:
    """One rasterisation of a scene. One pass of the scene may feed several of them.

    `width` and `height` are in px, `fps` in frames per second.
    """

    width: int
    height: int
    fps: int

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.fps) < 1:
            raise ValueError(
                f"View: width, height and fps must be at least 1, got {self.width}x{self.height} at {self.fps}."
            )

    @property
    def whole(self) -> Rect:
        """The rectangle of the whole frame."""
        return (0, 0, self.width, self.height)


FILM = View(1280, 720, 30)
PAGE = View(800, 450, 20)
DEFAULT_VIEWS = {"mp4": FILM, "png": FILM, "gif": PAGE, "webp": PAGE}
"""The view each format is drawn at when nothing else is asked for."""
