"""What a measurement is given and what it gives: a `Plan`, and rows of the table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import Order

CLIP = "Conv2d"
REEL = ("-m", "torchreel", "render")


@dataclass(frozen=True)
class Plan:
    """Where files go, how often each side runs, and whether a subset has to do."""

    folder: Path
    runs: int
    quick: bool

    def order(self, side: str, *formats: str, clip: str = CLIP) -> Order:
        """Rendering one clip to some formats."""
        return {"side": side, "clip": clip, "formats": list(formats), "folder": str(self.folder / side)}


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` says whether the figure reaches its target, None where it has none."""

    measure: str
    target: str
    stock: str
    reel: str
    result: str
    met: bool | None = None


def below(measure: str, bound: float, seconds: float) -> Row:
    """A row of seconds that have to be fewer than `bound`."""
    return Row(measure, f"< {bound:g} s", "", f"{seconds:.2f} s", "", seconds < bound)


def kb(size: int) -> str:
    """A number of bytes."""
    return f"{size / 1000:,.0f} kB"
