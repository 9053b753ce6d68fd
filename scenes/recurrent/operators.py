"""The recurrent cells and networks, as torch declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from torchreel.scenes.recurrent.cell.cells_trace import cell_operator
from torchreel.scenes.recurrent.cell.trace import GRU_LAW, LSTM_LAW, CellLaw, rnn
from torchreel.scenes.recurrent.network.rows_trace import PACKED
from torchreel.scenes.recurrent.network.trace import network_operator
from torchreel.scenes.trace.proof import Trace

_ELMAN = "Elman 1990, Finding Structure in Time, Cognitive Science 14"
_LSTM = "Hochreiter and Schmidhuber 1997, Long Short-Term Memory, Neural Computation 9"
_GRU = "Cho et al. 2014, Learning Phrase Representations using RNN Encoder-Decoder, arXiv:1406.1078"


def _plain(module: Any) -> CellLaw:
    return rnn(module.nonlinearity)


def _facts(trace: Trace) -> Mapping[str, bool]:
    """What captions may claim of a cell or a network: its activation, and what its last states show of its passes."""
    layers = len(
        {name.split("_l")[1].split("_")[0] for name in trace.tensors if name.startswith("weight_ih_l")}
    )
    return {
        "packed": PACKED in trace.tensors,
        "relu": getattr(trace.module, "nonlinearity", "tanh") == "relu",
        "both": any(name.endswith("_reverse") for name in trace.tensors),
        "layered": layers > 1,
        "two_layers": layers == 2,
    }


RNNCell = cell_operator(nn.RNNCell, _plain, ("h",), _ELMAN, _facts)
LSTMCell = cell_operator(nn.LSTMCell, lambda module: LSTM_LAW, ("h", "c"), _LSTM, _facts)
GRUCell = cell_operator(nn.GRUCell, lambda module: GRU_LAW, ("h",), _GRU, _facts)

RNN = network_operator(nn.RNN, _plain, _ELMAN, _facts)
LSTM = network_operator(nn.LSTM, lambda module: LSTM_LAW, _LSTM, _facts)
GRU = network_operator(nn.GRU, lambda module: GRU_LAW, _GRU, _facts)
