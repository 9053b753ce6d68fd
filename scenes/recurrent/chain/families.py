"""The three cells in time: their equations, their wiring, and the element that the last picture explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchreel.scenes.recurrent.cell.trace import GRU_LAW, LSTM_LAW, CellLaw, rnn
from torchreel.scenes.recurrent.chain.cells import gru_wiring, lstm_wiring, rnn_wiring
from torchreel.scenes.recurrent.chain.layout import ChainLayout
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

    def wiring(self, layout: ChainLayout, hues: Mapping[str, str]) -> Wiring:
        return rnn_wiring(layout, hues)

    def equations(self) -> Sequence[Piece]:
        function = "max(0, " if self.cell.gates[0].activation == "relu" else "tanh("
        bias = " + b" if self.steps.bias("ih") else ""
        weight = [(f"W_{{{kind}}}", self.steps.weight(kind)) for kind in ("ih", "hh")]
        return [
            ("h_{t}", "h"), f" = {function}", weight[0], "·", ("x_{t}", "input"), f"{bias} + ", weight[1], "·",
            ("h_{t−1}", "h"), f"{bias})",
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
        z, n, h = _of("z", "n", "h")
        return [h, " = (1 − ", z, ")·", n, " + ", z, "·", ("h_{t−1}", "h")]
