"""Recurrent cells: gates, each from its own rows of the weights, decide what the memory keeps, takes in and shows."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.formula import Add, Func, Mul
from torchreel.scenes.recurrent_cells import At, Cell, CellOperator, Gate, infer_input_size


def _kept(at: At) -> Mul:
    """What the forget gate leaves of the old memory."""
    return Mul((at.now("f"), at.before("c")))


def _added(at: At) -> Mul:
    """What the input gate lets in of the candidate."""
    return Mul((at.now("i"), at.now("g")))


LSTM = Cell(
    gates=(Gate("i", "sigmoid"), Gate("f", "sigmoid"), Gate("g", "tanh"), Gate("o", "sigmoid")),
    states=("h", "c"),
    results={
        "kept": _kept,
        "added": _added,
        "c": lambda at: Add((_kept(at), _added(at))),
        "tanh_c": lambda at: Func("tanh", at.now("c")),
        "h": lambda at: Mul((at.now("o"), Func("tanh", at.now("c")))),
    },
)

LSTM_CELL = CellOperator(
    nn.LSTMCell,
    record=LSTM.record,
    family="recurrent",
    source="https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html",
    check=LSTM.check,
    infer=infer_input_size,
    run=LSTM.run,
)
