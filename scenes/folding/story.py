"""What the clips of Unfold and Fold share: which columns get a step, how fast, and what captions may name."""

from __future__ import annotations

from collections.abc import Sequence

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.parts.motion import sweep_times
from torchreel.scenes.stage.beats import runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token

SLOW = 2
_MOST_COLUMNS = 20


def sampled(shown: list[int]) -> list[int]:
    """The columns that get a step: all, or the first few and then every so many."""
    if len(shown) <= _MOST_COLUMNS:
        return shown
    return [*shown[: SLOW + 1], *shown[SLOW + 1 :: len(runs(shown, _MOST_COLUMNS)[0])]]


def quickening(count: int) -> Sequence[float]:
    """Seconds for the steps of a sweep: the more there are, the quicker it gets."""
    return sweep_times(count, 0.5, 0.3 if count <= 8 else 0.1)


class BlocksScene(OperatorScene):
    """A clip about a picture that is cut into windows."""

    blocks: Blocks

    def counts(self) -> list[Token]:
        """What the shape of the matrix comes from."""
        blocks = self.blocks
        rows = f"{blocks.channels}·{'·'.join(map(str, blocks.kernel))} = {blocks.channels * blocks.taps}"
        columns = f"{'·'.join(map(str, blocks.counts))} = {blocks.columns}"
        return [Token(f"C·kH·kW = {rows}        L = {columns}")]

    def sizes(self, column: int = 0) -> dict[str, object]:
        """What captions may name."""
        blocks = self.blocks
        return {
            "column": column,
            "kernel": " × ".join(map(str, blocks.kernel)),
            "stride": blocks.stride[1],
            "padding": blocks.padding[1],
            "dilation": blocks.dilation[1],
            "channels": blocks.channels,
            "rows": blocks.channels * blocks.taps,
            "taps": blocks.taps,
            "down": blocks.counts[0],
            "across": blocks.counts[1],
            "columns": blocks.columns,
        }
