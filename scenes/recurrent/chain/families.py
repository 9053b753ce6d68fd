"""The three cells in time: their equations, their wiring, and the element that the last picture explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchreel.scenes.recurrent.cell.trace import GRU_LAW, LSTM_LAW, CellLaw, rnn
from torchreel.scenes.recurrent.chain.cells import gru_wiring, lstm_wiring, rnn_wiring
from torchreel.scenes.recurrent.chain.layout import MOST_ROWS, ChainLayout
from torchreel.scenes.recurrent.chain.story import ChainScene
from torchreel.scenes.recurrent.chain.wiring import Wiring

Piece = str | tuple[str, str]


def _of(*names: str) -> list[tuple[str, str]]:
    return [(f"{name}_{{t}}", name) for name in names]


class RnnChain(ChainScene):
    """One state, one activation."""

    @property
    def cell(self) -> CellLaw:
        return rnn(self.trace.module.nonlinearity)  # type: ignore[union-attr, arg-type]

    @property
    def row(self) -> int:
        """With relu an element that is cut off, if there is one among the first."""
        tensor, lead = self.steps.vector("pre_h", 0)
        if self.cell.gates[0].activation != "relu" or self.steps.hidden > MOST_ROWS:
            return 0
        sums = self.trace.values(tensor, [(*lead, unit) for unit in range(self.steps.hidden)])
        return next((unit for unit, value in enumerate(sums) if value < 0), 0)

    def wiring(self, layout: ChainLayout, hues: Mapping[str, str]) -> Wiring:
        return rnn_wiring(layout, hues)

    def equations(self) -> Sequence[Piece]:
        function = "max(0, " if self.cell.gates[0].activation == "relu" else "tanh("
        weight = [(f"W_{{{kind}}}", self.steps.weight(kind)) for kind in ("ih", "hh")]
        return [
            ("h_{t}", "h"), f" = {function}", weight[0], "·", ("x_{t}", "input"), *self.plus_bias("ih"), " + ",
            weight[1], "·", ("h_{t−1}", "h"), *self.plus_bias("hh"), ")",
        ]  # fmt: skip


class LstmChain(ChainScene):
    """A memory beside the state, and four gates."""

    explained = "c"

    @property
    def cell(self) -> CellLaw:
        return LSTM_LAW

    def wiring(self, layout: ChainLayout, hues: Mapping[str, str]) -> Wiring:
        return lstm_wiring(layout, hues)

    def equations(self) -> Sequence[Piece]:
        i, f, g, o, c, h = _of("i", "f", "g", "o", "c", "h")
        return [c, " = ", f, "·", ("c_{t−1}", "c"), " + ", i, "·", g, "      ", h, " = ", o, "·tanh(", c, ")"]


class GruChain(ChainScene):
    """One state, which a gate mixes with a candidate."""

    @property
    def cell(self) -> CellLaw:
        return GRU_LAW

    def wiring(self, layout: ChainLayout, hues: Mapping[str, str]) -> Wiring:
        return gru_wiring(layout, hues)

    def equations(self) -> Sequence[Piece]:
        r, z, n, h = _of("r", "z", "n", "h")
        before, bias = ("h_{t−1}", "h"), self.plus_bias("hh", "hn")
        scaled: list[Piece] = ["(W_{hn}·", before, *bias, ")"] if bias else ["W_{hn}·", before]
        mixed: list[Piece] = [h, " = (1 − ", z, ")·", n, " + ", z, "·", before]
        return [
            *mixed,
            "      ",
            n,
            " = tanh(W_{in}·",
            ("x_{t}", "input"),
            *self.plus_bias("ih", "in"),
            " + ",
            r,
            "·",
            *scaled,
            ")",
        ]
