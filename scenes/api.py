"""torchreel from Python: the proved trace of any call of a supported module."""

from __future__ import annotations

import difflib
import inspect
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import peek_interpreter_stack
from torch.nn.modules.lazy import LazyModuleMixin

from torchreel.assets.errors import UserError
from torchreel.scenes import catalogue
from torchreel.scenes.functions import arguments_of, as_module, name_of
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.calling import first_line, unseen
from torchreel.scenes.trace.copying import altered, torchs_class
from torchreel.scenes.trace.functions import Spelling
from torchreel.scenes.trace.lazy import materialized
from torchreel.scenes.trace.operator import Operator
from torchreel.scenes.trace.proof import Trace

_PLAIN = "Trace outside of it, with dense tensors of real numbers on the CPU."


def trace(module: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """What `module(*inputs, **kwargs)` computes, as checked data: tensors, and the rule by which each was filled.

    The call is run once, on copies, so that the module's parameters, buffers and hooks, the inputs and torch's random
    state stay as they are; `trace.output` is what the call returns, in the same structure, and `trace.module` is the
    module as forward found it. Any valid call of a supported class is taken: batched or not, any sizes and settings,
    train and eval, floating-point type and special values.

    A module counts as its class of `torch.nn` where nothing that computes is changed: a subclass may add attributes and
    methods, and weights may come from parametrizations or from the hooks of `torch.nn.utils` (weight_norm,
    spectral_norm, pruning). Hooks are part of the call, those that torch runs for all modules too: they run on the copy
    (one that writes down what it sees writes down this call), and one that changes the input or the output is refused,
    since the operator's steps do not explain what it does.

    Raises `torchreel.UserError` for a class that is not supported and for a call that torch refuses, and
    `torchreel.TraceError` for one whose steps do not add up to torch's result; no other exception.
    """
    return called(module, inputs, kwargs).trace


def _none(operator: Operator) -> Collection[str]:
    return ()


@dataclass(frozen=True)
class Called:
    """A caller's call: its trace, how the operator is spelled if not by its class, and what there is to say."""

    trace: Trace
    spelling: Spelling | None = None
    notes: tuple[str, ...] = ()


def called(
    what: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    prove_all: bool = False,
    always: Callable[[Operator], Collection[str]] = _none,
) -> Called:
    """The call `what(*inputs, **kwargs)`, traced as `trace` does; `what` may be a function such as `F.conv2d` too.

    A lazy module counts as what it becomes at this call. `always` says which arguments are named even where they are
    torch's defaults.
    """
    with unseen():
        if isinstance(what, nn.Module):
            return _module_called(what, inputs, kwargs, prove_all, always)
        if isinstance(what, type) or not callable(what):
            supported(what)
        _check_surroundings(name_of(what))
        same = as_module(what, inputs, kwargs)
        made = _module_called(same.module, same.inputs, same.call, prove_all, always)
        return replace(made, spelling=Spelling(name_of(what), frozenset(arguments_of(what))))


def _module_called(
    module: nn.Module,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    prove_all: bool,
    always: Callable[[Operator], Collection[str]],
) -> Called:
    operator = supported(module)
    _check_surroundings(operator.name)
    with _on_cpu():
        became, found = materialized(module, inputs, kwargs)
        _check_module(operator.name, became)
        named, rest = _bound(operator.name, became, inputs, kwargs)
        for name, value in {**named, **rest}.items():
            _check_tensor(operator.name, name, value)
        by_name = named.keys() & kwargs.keys()
        trace = operator.trace_call(became, named, rest, by_name, always(operator), prove_all)
    notes = [f"{name} was found from the input: {value}." for name, value in found.items()]
    return Called(trace, notes=tuple(notes))


def spelled_out(operator: Operator) -> list[str]:
    """The arguments that an operator's clip names although they are torch's defaults, since it is about them."""
    from torchreel.assets.examples import example  # a trace alone needs no examples

    parameters = constructor_parameters(operator.module) if operator.module else {}
    told = example(operator.name)
    own = {name: parameters[name].default for name in told.kwargs if name in parameters}
    return [name for name, default in own.items() if name in told.focus or default == told.kwargs[name]]


def supported(module: Any) -> Operator:
    """The operator of a module's class; a class that has none is a `UserError` that says which are near."""
    if not isinstance(module, nn.Module):
        given = getattr(module, "__name__", None) or type(module).__name__
        raise UserError(f"trace expects a torch.nn module such as nn.Conv2d(1, 1, 3), not {given}.")
    base, known = torchs_class(type(module)), catalogue.names_known()
    if base is not None and isinstance(module, LazyModuleMixin):
        base = module.cls_to_become
    layers = [name for name in known if hasattr(nn, name)]
    if base is None:
        raise UserError(_own_class(type(module), None))
    if base.__name__ not in layers:
        raise UserError(_unsupported(base.__name__, layers))
    changed = altered(module)
    if changed is not None:
        raise UserError(_own_class(type(module), base, changed))
    return catalogue.operator(base.__name__)


def _unsupported(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f" Near: {', '.join(near)}." if near else ""
    return f"nn.{name} is not supported.{hint} 'torchreel list' shows all {len(known)}."


def _own_class(kind: type, base: type | None, changed: str = "forward") -> str:
    if base is None:
        return (
            f"{kind.__name__} is a class of its own: what its forward does is unknown. "
            "Trace the torch.nn modules it is made of."
        )
    whose = f"this {kind.__name__}" if kind is base else kind.__name__
    return (
        f"{whose} is a class of its own: its {changed} is not that of nn.{base.__name__}, so what it adds is unknown. "
        f"Trace its parts, or an nn.{base.__name__} itself."
    )


def _bound(
    name: str, module: nn.Module, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments by forward's names: those given in order or required, and the further ones given by name."""
    signature = inspect.signature(type(module).forward)
    try:
        bound = signature.bind(module, *inputs, **kwargs)
    except TypeError as error:
        raise UserError(f"{name}: {first_line(error)}") from error
    given = dict(list(bound.arguments.items())[1:])
    leading = [
        key
        for key in given
        if key not in kwargs or signature.parameters[key].default is inspect.Parameter.empty
    ]
    return {key: given[key] for key in leading}, {key: given[key] for key in given if key not in leading}


def _check_surroundings(operator: str) -> None:
    """Inside torch.func's transforms and under fake tensors nothing that a trace makes would have numbers."""
    if peek_interpreter_stack() is not None:
        raise UserError(f"{operator}: a call cannot be traced inside torch.func (vmap, grad, jvp). {_PLAIN}")
    if torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is not None:
        raise UserError(f"{operator}: a call cannot be traced inside FakeTensorMode. {_PLAIN}")


@contextmanager
def _on_cpu() -> Iterator[None]:
    """What a trace makes for itself is on the CPU, whatever torch's default device is."""
    with torch.device("cpu") if torch.get_default_device().type != "cpu" else nullcontext():
        yield


def _check_module(operator: str, module: nn.Module) -> None:
    for name, tensor in itertools.chain(module.named_parameters(), module.named_buffers()):
        _check_tensor(operator, name, tensor)


def _check_tensor(operator: str, name: str, value: Any) -> None:
    if isinstance(value, (tuple, list)):
        for one in value:
            _check_tensor(operator, name, one)
    if not isinstance(value, Tensor):
        return
    kind = _unusual(value)
    if kind is not None:
        raise UserError(
            f"{operator}: {name} should be a dense tensor of real numbers on the CPU, not {kind}."
        )


def _unusual(tensor: Tensor) -> str | None:
    """What a tensor is, if its numbers are not at hand one by one; None for a plain one."""
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return f"a {type(tensor).__name__}"
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.device.type == "meta":
        return "one on the meta device, which has no numbers"
    plain = tensor.device.type == "cpu" and tensor.layout == torch.strided
    if plain and not tensor.is_quantized and not tensor.is_complex():
        return None
    layout = (
        ""
        if tensor.layout == torch.strided
        else f"{str(tensor.layout).removeprefix('torch.').removeprefix('_')} "
    )
    return f"{layout}{tensor.dtype} on {tensor.device}"
