"""What the clips of Unfold and Fold share: which columns get a step, what formulas and captions may name."""

from __future__ import annotations

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.stage.beats import runs
from torchreel.scenes.stage.scene import OperatorScene

SLOW = 2
_MOST_COLUMNS = 16
_MANY = 9


def sampled(shown: list[int]) -> list[int]:
    """The columns that get a step: all, or the first few and then every so many."""
    if len(shown) <= _MOST_COLUMNS:
        return shown
    rest = [run[-1] for run in runs(shown[SLOW:], _MOST_COLUMNS - SLOW)]
    return [*shown[:SLOW], *rest]


def seconds(count: int) -> float:
    """How long each step of a sweep takes."""
    return 0.6 if count <= _MANY else 0.3


class BlocksScene(OperatorScene):
    """A clip about a picture that is cut into windows."""

    blocks: Blocks | None = None

    def values(self) -> dict[str, object]:
        """What captions may name."""
        blocks = self.blocks
        if blocks is None:
            return super().values()
        return {
            "kernel": " × ".join(map(str, blocks.kernel)),
            "stride": blocks.stride[1],
            "padding": _one(blocks.padding),
            "dilation": _one(blocks.dilation),
            "channels": blocks.channels,
            "rows": blocks.channels * blocks.taps,
            "columns": blocks.columns,
        }


def places(blocks: Blocks, padding: bool) -> list[str]:
    """Where window `(a, b)` has kernel position `(u, v)` on the picture, in letters: `2a+u−1`."""
    given = zip("ab", "uv", blocks.stride, blocks.dilation, blocks.padding, strict=True)
    return [
        f"{_times(stride)}{a}+{_times(dilation)}{u}{f'−{pad}' if pad and padding else ''}"
        for a, u, stride, dilation, pad in given
    ]


def row_and_column(blocks: Blocks) -> str:
    """The row of kernel position `(u, v)` and the column of window `(a, b)`: `2u+v,3a+b`."""
    channel = f"{_times(blocks.taps)}c+" if blocks.channels > 1 else ""
    return f"{channel}{_times(blocks.kernel[1])}u+v,{_times(blocks.counts[1])}a+b"


def _times(count: int) -> str:
    return "" if count == 1 else str(count)


def _one(sizes: tuple[int, int]) -> str:
    return str(sizes[0]) if sizes[0] == sizes[1] else f"({sizes[0]},{sizes[1]})"
