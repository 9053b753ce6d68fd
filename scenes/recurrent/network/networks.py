"""Recurrent networks: what `output` collects, and what is left in `h_n` and `c_n`."""

from __future__ import annotations

from torchreel.scenes.recurrent import operators
from torchreel.scenes.recurrent.chain.families import GruChain, LstmChain, RnnChain
from torchreel.scenes.recurrent.network.story import NetworkScene

__all__ = ["GRU", "LSTM", "RNN", "NetworkScene"]


class RNN(NetworkScene, RnnChain):
    """A plain recurrent network."""

    operator = operators.RNN


class LSTM(NetworkScene, LstmChain):
    """An LSTM network: two states are handed on, one of them is put out."""

    operator = operators.LSTM


class GRU(NetworkScene, GruChain):
    """A GRU network."""

    operator = operators.GRU
