"""The functions that are recurrent cells."""

from __future__ import annotations

from functools import partial
from typing import Any

from torchreel.scenes.trace.functions import Arguments, Function, shaped

_HELD = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}


def _cell(arguments: Arguments, **further: Any) -> Arguments:
    sizes = {
        "input_size": shaped(arguments, "w_ih", "gates · hidden_size, input_size")[1],
        "hidden_size": shaped(arguments, "w_hh", "gates · hidden_size, hidden_size")[1],
    }
    return {**sizes, "bias": arguments["b_ih"] is not None or arguments["b_hh"] is not None, **further}


def _long(arguments: Arguments) -> Arguments:
    return _cell(arguments, hx=tuple(arguments["hx"]))


FUNCTIONS = (
    *(
        Function(
            "RNNCell", (f"rnn_{one}_cell",), partial(_cell, nonlinearity=one), _HELD, tuple(_HELD.values())
        )
        for one in ("tanh", "relu")
    ),
    Function("LSTMCell", ("lstm_cell",), _long, _HELD, tuple(_HELD.values())),
    Function("GRUCell", ("gru_cell",), _cell, _HELD, tuple(_HELD.values())),
)
