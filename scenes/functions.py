"""From a function such as `F.conv2d` to the operator whose call it is, and from its arguments to the module's.

A family's `functions.py` says which functions are its operators' (`scenes.trace.functions`); it is found by its place,
as the operators are, so that a new operator needs no list here. The functions of `torch.nn.functional` that are no
operator's call are refused with a reason.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from torch.overrides import resolve_name

from torchreel.assets.errors import UserError
from torchreel.scenes.catalogue import families
from torchreel.scenes.trace.functions import Function, ModuleCall, found, module_call, signature_of

__all__ = ["ModuleCall", "Named", "arguments_of", "as_module", "functions", "name_of"]

_NO_MODULE = "torch.nn has no module for it"
_NOT_YET = "there is no operator nn.{} yet"
_ATTENTION = _NOT_YET.format("MultiheadAttention")
_RESIZED = _NOT_YET.format("Upsample")
_HELPER = "it checks arguments and computes nothing"
_UNNAMED = "it takes its weights as a list without names. Trace the nn.{} itself"

# Why a function is no operator's call.
EXCLUDED: Mapping[str, str] = MappingProxyType(
    {
        "F.affine_grid": _NO_MODULE,
        "F.assert_int_or_pair": _HELPER,
        "F.conv_tbc": _NO_MODULE,
        "F.grid_sample": _NO_MODULE,
        "F.grouped_mm": _NO_MODULE,
        "F.gumbel_softmax": _NO_MODULE,
        "F.interpolate": _RESIZED,
        "F.linear_cross_entropy": "it is nn.Linear and nn.CrossEntropyLoss in one. Trace F.linear and F.cross_entropy",
        "F.multi_head_attention_forward": _ATTENTION,
        "F.normalize": _NO_MODULE,
        "F.one_hot": _NO_MODULE,
        "F.pdist": f"{_NO_MODULE}; F.pairwise_distance compares vectors one by one",
        "F.scaled_dot_product_attention": _NO_MODULE,
        "F.scaled_grouped_mm": _NO_MODULE,
        "F.scaled_mm": _NO_MODULE,
        "F.upsample": _RESIZED,
        "F.upsample_bilinear": _RESIZED,
        "F.upsample_nearest": _RESIZED,
        "Tensor.unfold": "it takes slices of one axis, which is not what nn.Unfold does",
        "torch.embedding_bag": "it returns three tensors more than nn.EmbeddingBag. Trace F.embedding_bag",
        "torch.convolution": "it is all convolutions in one. Trace F.conv2d or F.conv_transpose2d",
        "torch.gru": _UNNAMED.format("GRU"),
        "torch.lstm": _UNNAMED.format("LSTM"),
        "torch.rnn_relu": _UNNAMED.format("RNN"),
        "torch.rnn_tanh": _UNNAMED.format("RNN"),
    }
)


class Named(NamedTuple):
    """A function by the name that a reader types, and what its family says of it."""

    name: str
    function: Function


@cache
def functions() -> Mapping[Callable[..., Any], Named]:
    """Every function that is an operator's call. One object may have several names: it has the first of them."""
    table: dict[Callable[..., Any], Named] = {}
    for family in families():
        for function in _declared(family):
            for name in function.spelled():
                table.setdefault(_function(name), Named(name, function))
    return MappingProxyType(table)


def name_of(function: Callable[..., Any]) -> str:
    """What a reader calls a function: `F.relu`, `torch.relu`, `Tensor.relu`; of others the name that torch gives."""
    if function in functions():
        return functions()[function].name
    known = resolve_name(function) or getattr(function, "__name__", None) or type(function).__name__
    return known.replace("torch.nn.functional.", "F.").replace("torch.Tensor.", "Tensor.")


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """The names of what a function takes, where it is an operator's call."""
    return list(signature_of(functions()[function].name).parameters)


def as_module(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ModuleCall:
    """The module and its call that compute what `function(*args, **kwargs)` computes, bit for bit.

    The module holds copies of the weights and running statistics among the arguments; the inputs are those given.
    A function or a call that no supported module makes is a `UserError`.
    """
    named = functions().get(function) if callable(function) and _hashable(function) else None
    if named is None:
        raise UserError(_refusal(function))
    return module_call(named.function, named.name, tuple(args), kwargs)


def _hashable(function: Any) -> bool:
    return type(function).__hash__ is not None


def _declared(family: str) -> tuple[Function, ...]:
    try:
        return importlib.import_module(f"torchreel.scenes.{family}.functions").FUNCTIONS
    except ModuleNotFoundError as error:
        if error.name != f"torchreel.scenes.{family}.functions":
            raise
        return ()


def _function(name: str) -> Callable[..., Any]:
    function = found(name)
    assert function is not None
    return function


def _refusal(function: Any) -> str:
    name = name_of(function) if callable(function) and _hashable(function) else type(function).__name__
    reason = next((why for known, why in EXCLUDED.items() if found(known) is function), None)
    if reason is not None:
        return f"{name} is not supported: {reason}."
    known = {one.name.rpartition(".")[2]: one.name for one in functions().values()}
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=3, cutoff=0.75)
    hint = f" Near: {', '.join(known[one] for one in near)}." if near else ""
    return f"{name} is not a function that one supported torch.nn module computes.{hint}"
