"""Recurrent cells: gates, each from its own rows of the weights, decide what the memory keeps, takes in and shows."""

from __future__ import annotations

from torchreel.scenes.recurrent import operators
from torchreel.scenes.recurrent.chain.families import GruChain, LstmChain, RnnChain

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class RNNCell(RnnChain):
    """Two steps of a plain recurrent cell."""

    operator = operators.RNNCell


class LSTMCell(LstmChain):
    """Two steps of an LSTM cell."""

    operator = operators.LSTMCell


class GRUCell(GruChain):
    """Two steps of a GRU cell."""

    operator = operators.GRUCell
