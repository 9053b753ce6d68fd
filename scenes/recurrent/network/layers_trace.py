"""The layers of a recurrent network, each run alone as torch runs it: what it read, and what it put out."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from torchreel.scenes.trace.operator import Call


class Pass(NamedTuple):
    """One direction of one layer; `number` counts them as `h_n` does, `suffix` is that of torch's parameters."""

    layer: int
    reverse: bool
    number: int
    suffix: str


def passes(module: Any) -> list[Pass]:
    """All passes of a network, in the order of `h_n`."""
    directions = 2 if module.bidirectional else 1
    return [
        Pass(layer, bool(way), layer * directions + way, f"_l{layer}{'_reverse' if way else ''}")
        for layer in range(module.num_layers)
        for way in range(directions)
    ]


class Layers:
    """What each layer of a call reads and puts out, in torch's own numbers, `(T, N, features)` or packed data."""

    def __init__(self, call: Call, source: Any, states: dict[str, Tensor]) -> None:
        self.module, self.source, self.states = call.module, source, states
        self.packed = isinstance(source, PackedSequence)
        self.outputs: list[Tensor] = []
        self.masks: list[Tensor | None] = []
        call.replay(self._run)

    def _run(self) -> None:
        module, x = self.module, self._first()
        for layer in range(module.num_layers):
            y = self._layer(layer, x)
            self.outputs.append(y)
            if layer < module.num_layers - 1 and module.training and module.dropout:
                state = torch.get_rng_state()
                x = torch.dropout(y, module.dropout, True)
                torch.set_rng_state(state)
                self.masks.append(torch.dropout(torch.ones_like(y), module.dropout, True))
            else:
                x = y
                self.masks.append(None)

    def _first(self) -> Tensor:
        """The input as the layers see it: time first, with a batch."""
        if self.packed:
            return self.source.data
        x = self.source if self.source.ndim == 3 else self.source[:, None]
        return x.transpose(0, 1) if self.module.batch_first and self.source.ndim == 3 else x

    def _layer(self, layer: int, x: Tensor) -> Tensor:
        module = self.module
        one = [each for each in passes(module) if each.layer == layer]
        weights = [w for each in one for w in _weights(module, each.suffix)]
        hx = [self._state(name, slice(one[0].number, one[-1].number + 1)) for name in self.states]
        kind = {"RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}.get(module.mode, module.mode.lower())
        settings = (weights, module.bias, 1, 0.0, False, module.bidirectional)
        state = tuple(hx) if len(hx) > 1 else hx[0]
        run = getattr(torch, kind)
        if self.packed:
            output: Tensor = run(x, self.source.batch_sizes, state, *settings)[0]
        else:
            output = run(x, state, *settings, False)[0]
        return output

    def _state(self, name: str, which: slice) -> Tensor:
        state = self.states[name]
        state = (state if state.ndim == 3 else state[:, None])[which]
        if self.packed and self.source.sorted_indices is not None:
            state = state[:, self.source.sorted_indices]
        return state.contiguous()

    def like_output(self, tensor: Tensor) -> Tensor:
        """A layer's tensor in the layout of the network's output."""
        if self.packed:
            return tensor
        if self.source.ndim == 2:
            return tensor[:, 0]
        return tensor.transpose(0, 1) if self.module.batch_first else tensor


def _weights(module: Any, suffix: str) -> list[Tensor]:
    kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    kinds += ["weight_hr"] if getattr(module, "proj_size", 0) else []
    return [getattr(module, kind + suffix).detach() for kind in kinds]
