"""Copies of modules: whole ones to call in the caller's stead, bare ones that hold what torch's class computes with.

A module may be more than its class: hooks, parametrizations and pruning compute its weight at every call, a subclass
may add attributes that cannot be copied. A whole copy has all of it and shares none of the caller's tensors; a bare one
is a module of torch's own class without hooks, whose parameters are those that the call computed with.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, is_lazy
from torch.nn.utils import parametrize

# What torch.nn.utils keeps beside a weight that its hooks compute.
_SOURCES = ("_orig", "_mask", "_g", "_v", "_u")
_OWN = ("_parameters", "_buffers", "_modules")
# A subclass may have its own of these: nothing that a call computes.
_HARMLESS = {"__init__", "extra_repr", "reset_parameters", "from_pretrained", "__getstate__", "__setstate__"}
_CALLING = ("__call__", "_call_impl", "_wrapped_call_impl", "_slow_forward", "forward", "__getattr__")


def copied(module: nn.Module | None, shared: Iterable[Tensor] = ()) -> Any:
    """A copy of a module with its hooks, which are functions of the caller's and are shared.

    A weight that a hook computed with gradients is copied by its values. Attributes that cannot be copied (a lock, a
    generator) are shared, and so are the tensors `shared`.
    """
    parts = list(module.modules()) if module is not None else []
    kept: dict[int, Any] = {id(tensor): tensor for tensor in shared}
    kept |= {id(hook): hook for part in parts for hook in _hooks(part)}
    kept |= {id(one): one.detach().clone() for part in parts for one in _computed(part)}
    kept |= {id(one): _as_empty(one) for part in parts for one in part.buffers(False) if is_lazy(one)}
    try:
        return copy.deepcopy(module, dict(kept))
    except Exception:
        kept |= {id(one): one for part in parts for one in _uncopyable(part, kept)}
        return copy.deepcopy(module, kept)


def _hooks(part: nn.Module) -> Iterator[Any]:
    for name, value in vars(part).items():
        if isinstance(value, dict) and name.endswith("_hooks"):
            yield from value.values()


def _computed(part: nn.Module) -> Iterator[Tensor]:
    """Tensors with a history of gradients, which `deepcopy` refuses."""
    for value in vars(part).values():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, Tensor) and not one.is_leaf:
                yield one


def _as_empty(buffer: Any) -> UninitializedBuffer:
    """Another buffer without numbers; torch copies parameters of that kind and not buffers."""
    return UninitializedBuffer(buffer.requires_grad, buffer.data.device, buffer.data.dtype)


def _uncopyable(part: nn.Module, kept: dict[int, Any]) -> Iterator[Any]:
    for name, value in vars(part).items():
        if name in _OWN or name.endswith("_hooks"):
            continue
        try:
            copy.deepcopy(value, dict(kept))
        except Exception:
            yield value


class Weights:
    """The tensors that parametrizations compute while a module is called, by part and name: the last of each."""

    def __init__(self, module: nn.Module) -> None:
        self._found: dict[nn.Module, dict[str, Tensor]] = {}
        for part in module.modules():
            if parametrize.is_parametrized(part):
                self._listen(part)

    def _listen(self, part: Any) -> None:
        found = self._found[part] = {}
        for name, one in part.parametrizations.items():
            one.register_forward_hook(
                lambda _module, _args, value, name=name: found.__setitem__(name, value.detach().clone())
            )

    def of(self, part: nn.Module) -> dict[str, Tensor]:
        """What the call computed with: parametrized tensors, and those that a hook has set as plain attributes."""
        set_by_hooks = {name: value for name, value in vars(part).items() if isinstance(value, Tensor)}
        return {**set_by_hooks, **self._found.get(part, {})}


def bare(module: nn.Module | None, sharing: bool = False) -> Any:
    """A copy of a module without its hooks; `sharing` those parameters that a call leaves alone."""
    if module is None:
        return None
    return stripped(copied(module, module.parameters() if sharing and lasting(module) else ()))


def lasting(module: nn.Module) -> bool:
    """Whether calls leave the parameters as they are: embeddings with `max_norm` shorten theirs."""
    return all(getattr(part, "max_norm", None) is None for part in module.modules())


def stripped(module: nn.Module, called: nn.Module | None = None, weights: Weights | None = None) -> nn.Module:
    """The module itself, made one of torch's own class without hooks and parametrizations.

    The tensors that those computed in `called`, which may be a copy, become its parameters.
    """
    parts = zip(module.modules(), (called or module).modules(), strict=True)
    found = [(part, weights.of(other) if weights else {}) for part, other in parts]
    for part, computed in found:
        for name in [name for name in vars(part) if name.endswith("_hooks")]:
            vars(part)[name] = OrderedDict()
        if computed and parametrize.is_parametrized(part):
            del part._modules["parametrizations"]
        for name, value in computed.items():
            _settle(part, name, value)
        part.__class__ = torchs_class(type(part)) or type(part)
    return module


def _settle(part: nn.Module, name: str, value: Tensor) -> None:
    """Make a computed tensor a parameter like any other, in the place of those that it was computed from."""
    vars(part).pop(name, None)
    for source in _SOURCES:
        part._parameters.pop(name + source, None)
        part._buffers.pop(name + source, None)
    part._parameters[name] = nn.Parameter(value.detach().clone(), requires_grad=value.is_floating_point())


def torchs_class(kind: type) -> type[nn.Module] | None:
    """The class of `torch.nn` that `kind` is or derives from, None if there is none but `Module` itself."""
    named = (base for base in kind.__mro__ if getattr(nn, base.__name__, None) is base)
    found = next(named, None)
    return None if found is nn.Module else found


def altered(module: nn.Module) -> str | None:
    """The first method that computes and is not that of a module's class of `torch.nn`, None if all are."""
    kind = type(module)
    base = torchs_class(kind) or nn.Module
    family = [one for one in base.__mro__ if one not in (nn.Module, object)]
    names = {name for one in family for name, value in vars(one).items() if callable(value)} - _HARMLESS
    names |= set(_CALLING)
    own = [vars(one) for one in kind.__mro__[: kind.__mro__.index(base)]]
    return next(
        (name for name in sorted(names) if any(name in found for found in (*own, vars(module)))), None
    )
