"""States of recurrent cells and networks that fit the input and the sizes of a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.fitting import Texts, made

_STATES = ("h_0", "c_0")


def cell_states(settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]) -> Texts:
    """States `(N, hidden_size)` or `(hidden_size,)` beside steps `(T, N, input_size)`, one step or one vector."""
    x = inputs["input"]
    if x.ndim not in (1, 2, 3):
        return {}
    shape = (*(x.shape[1:-1] if x.ndim == 3 else x.shape[:-1]), settings["hidden_size"])
    return _states(dict.fromkeys(_STATES, shape), inputs, own, (*x.shape[:-2], None, x.shape[-1]))


def network_states(settings: Mapping[str, Any], inputs: Mapping[str, Tensor], own: Collection[str]) -> Texts:
    """States `(layers · directions, N, hidden_size)`; h has proj_size features where that is set."""
    x, hidden = inputs["input"], settings["hidden_size"]
    if x.ndim not in (2, 3):
        return {}
    first = bool(settings.get("batch_first")) and x.ndim == 3
    passes = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    batch = (x.shape[0 if first else 1],) if x.ndim == 3 else ()
    shapes = {
        "h_0": (passes, *batch, settings.get("proj_size") or hidden),
        "c_0": (passes, *batch, hidden),
    }
    steps = (None, x.shape[1], x.shape[-1]) if first else (x.shape[0], None, x.shape[-1])
    return _states(shapes, inputs, own, steps)


def _states(
    shapes: Mapping[str, tuple[int, ...]],
    inputs: Mapping[str, Tensor],
    own: Collection[str],
    steps: tuple[int | None, ...],
) -> Texts:
    """An example's states belong to its own input: with another one, or other sizes, they are torch's zeros.

    `steps` is the shape of the input with None in place of the batch, which is that of the user's states.
    """
    wanted = {name: shapes[name] for name in _STATES if name in inputs}
    given = [name for name in wanted if name in own]
    if not given:
        fits = all(tuple(inputs[name].shape) == shape for name, shape in wanted.items())
        return {} if fits and "input" not in own else dict.fromkeys(wanted)
    texts: Texts = {}
    state = inputs[given[0]]
    if "input" not in own and state.ndim == len(wanted[given[0]]) and state.ndim > 1:
        batch = state.shape[-2]
        if batch != wanted[given[0]][-2]:
            texts["input"] = made("randn", [batch if size is None else size for size in steps])
            wanted = {name: (*shape[:-2], batch, shape[-1]) for name, shape in wanted.items()}
    for name, shape in wanted.items():
        if name not in own and tuple(inputs[name].shape) != shape:
            texts[name] = made("zeros", shape)
    return texts
