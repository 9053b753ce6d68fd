"""Recurrent cells and networks: layers, directions, dropout, projections, packed and plain sequences."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from torchreel.tests.strategies.draws import FLOATS, Call, Draw, Make, Shape, filled, flag, numbers, one

CELLS: tuple[Any, ...] = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)
NETWORKS: tuple[Any, ...] = (nn.RNN, nn.LSTM, nn.GRU)
SCALES = (1.0, 3.0)


def cell(draw: Draw, kind: Any) -> Call:
    size, hidden, dtype = draw(st.integers(1, 6)), draw(st.integers(1, 6)), one(draw, *FLOATS)
    extra = {"nonlinearity": one(draw, "tanh", "relu")} if kind is nn.RNNCell else {}
    module = filled(draw, kind(size, hidden, bias=flag(draw), dtype=dtype, **extra))
    lead = one(draw, (), (1,), (3,), (0,))
    inputs = (numbers(draw, (*lead, size), dtype, SCALES),)
    return with_states(draw, module, inputs, [(*lead, hidden)] * (2 if kind is nn.LSTMCell else 1), dtype)


def network(draw: Draw, kind: Any) -> Call:
    size, hidden, layers = draw(st.integers(1, 4)), draw(st.integers(2, 5)), draw(st.integers(1, 3))
    dtype = one(draw, *FLOATS)
    settings: dict[str, Any] = {
        "bias": flag(draw),
        "batch_first": flag(draw),
        "dropout": one(draw, 0.0, 0.5, 1.0) if layers > 1 else 0.0,
        "bidirectional": flag(draw),
    }
    if kind is nn.LSTM:
        settings["proj_size"] = draw(st.integers(0, hidden - 1))
    if kind is nn.RNN:
        settings["nonlinearity"] = one(draw, "tanh", "relu")
    module = filled(draw, kind(size, hidden, layers, dtype=dtype, **settings)).train(flag(draw))
    x, lead = sequence(draw, size, dtype, settings["batch_first"])
    passes = layers * (1 + settings["bidirectional"])
    widths = [settings.get("proj_size") or hidden, *([hidden] if kind is nn.LSTM else [])]
    return with_states(draw, module, (x,), [(passes, *lead, width) for width in widths], dtype)


def sequence(draw: Draw, size: int, dtype: torch.dtype, batch_first: bool) -> tuple[Any, Shape]:
    """An input, and the batch shape of its states."""
    layout, steps = one(draw, "batched", "unbatched", "packed", "empty"), draw(st.integers(1, 4))
    if layout == "packed":
        lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
        parts = [numbers(draw, (length, size), dtype, SCALES) for length in lengths]
        return pack_sequence(parts, enforce_sorted=False), (len(lengths),)
    if layout == "unbatched":
        return numbers(draw, (steps, size), dtype, SCALES), ()
    batch = 0 if layout == "empty" else draw(st.integers(1, 3))
    shape = (batch, steps, size) if batch_first else (steps, batch, size)
    return numbers(draw, shape, dtype, SCALES), (batch,)


def with_states(
    draw: Draw, module: nn.Module, inputs: tuple[Any, ...], shapes: list[Shape], dtype: torch.dtype
) -> Call:
    """A call that leaves out the states before, gives them in order, or gives them by name."""
    how = one(draw, "none", "given", "named")
    if how == "none":
        return Call(module, inputs)
    made = tuple(numbers(draw, shape, dtype, SCALES) for shape in shapes)
    states = made if len(made) > 1 else made[0]
    return Call(module, (*inputs, states)) if how == "given" else Call(module, inputs, {"hx": states})


CALLS: dict[str, Make] = {
    **{kind.__name__: partial(cell, kind=kind) for kind in CELLS},
    **{kind.__name__: partial(network, kind=kind) for kind in NETWORKS},
}
