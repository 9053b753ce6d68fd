"""Calling a module without leaving a trace on it: its parameters, buffers and hooks and torch's random state stay.

What is traced is the call itself: hooks and parametrizations run, once, on a copy of the module, as torch runs them. A
hook that computes a weight (pruning, the old weight_norm and spectral_norm) is part of what the module is; a hook that
changes what goes in or comes out is not what the operator does, and the call is refused.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torchs

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.copying import Weights, bare, copied, lasting, stripped

__all__ = [
    "Call",
    "Inputs",
    "Run",
    "bare",
    "by_name",
    "finished",
    "first_line",
    "forward",
    "is_unseen",
    "plain",
    "unseen",
    "witnessed",
]

Inputs = Mapping[str, Any]
Run = Callable[[Any, Inputs, Mapping[str, Any]], Any]
T = TypeVar("T")
_ALLOCATOR = re.compile(r"can't allocate memory: you tried to allocate (\d+) bytes")


@dataclass(frozen=True)
class Call:
    """One finished torch call.

    `module` is as forward found it, `after` a copy as the call left it (running statistics). `inputs` are
    forward's arguments by name, `call` the further keyword arguments, `kwargs` the constructor's where they are known,
    `output` is torch's return value, `state` torch's random state when forward began.
    """

    module: Any
    inputs: Inputs
    kwargs: Mapping[str, Any]
    call: Mapping[str, Any]
    output: Any
    after: Any = None
    state: Tensor | None = None

    def replay(self, function: Callable[[], T]) -> T:
        """What `function` returns where torch's random numbers are those that the call drew."""
        with aside():
            if self.state is not None:
                torch.set_rng_state(self.state)
            return function()


@contextmanager
def aside() -> Iterator[None]:
    """Leave torch's random state as it is, record no gradients, print no warnings."""
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Unseen(threading.local):
    depth = 0


_unseen = _Unseen()


@contextmanager
def unseen() -> Iterator[None]:
    """What is called meanwhile, in this thread, is our own work: nobody who records a run notes it."""
    _unseen.depth += 1
    try:
        yield
    finally:
        _unseen.depth -= 1


def is_unseen() -> bool:
    """Whether a call that is made now is our own work."""
    return _unseen.depth > 0


def forward(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> Any:
    """The plain call."""
    return module(*inputs.values(), **call)


def by_name(module: Any, inputs: Inputs, call: Mapping[str, Any]) -> Any:
    """The call with every input by its name, for one that may leave out an input before another."""
    return module(**inputs, **call)


def finished(
    name: str,
    module: nn.Module | None,
    inputs: Inputs,
    call: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    run: Run = forward,
) -> Call:
    """Run a copy of a `module` of torchreel's own making on copies of `inputs`.

    Whatever torch raises is a `UserError` in torch's words, headed by `name`.
    """
    given = {key: plain(value) for key, value in inputs.items()}
    state = torch.get_rng_state()
    with aside():
        try:
            after = bare(module, sharing=True)
            output = run(after, {key: plain(value) for key, value in given.items()}, call)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{name}: {first_line(error)}") from error
    return Call(module, given, kwargs, call, output, after, state)


def witnessed(
    name: str, module: nn.Module, inputs: Inputs, call: Mapping[str, Any], by_name: Collection[str] = ()
) -> Call:
    """Call a copy of the caller's `module` just as the caller would, with all hooks, and watch forward.

    `by_name` are the inputs that the caller gives by name. Raises `UserError` for what torch or a hook raises, and for
    hooks that change the arguments or the result.
    """
    with aside():
        try:
            witness = _Witness(name, copied(module))
        except Exception as error:
            raise UserError(f"{name}: the module cannot be copied ({first_line(error)})") from error
        given = {key: plain(value) for key, value in inputs.items()}
        further = {key: plain(value) for key, value in call.items()}
        args = tuple(value for key, value in given.items() if key not in by_name)
        output = witness.call(args, {**{key: given[key] for key in given if key in by_name}, **further})
    return Call(witness.before, given, {}, further, output, witness.after, witness.state)


class _Witness:
    """Stands in for the forward of a copy: notes what it is given, what it finds in the module and what it returns."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name, self.module, self.weights = name, module, Weights(module)
        self.state: Tensor | None = None
        self.before, self.after = module, module
        self.given: Any = None
        self.returned: Any = None
        self.stage = "pre-hook"
        vars(module)["forward"] = self._forward

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the module returns, where its hooks only look."""
        try:
            output = self.module(*plain(args), **{key: plain(value) for key, value in kwargs.items()})
        except Exception as error:
            hooks = f"{self._hooks()} raised {type(error).__name__}: " if self.stage else ""
            raise UserError(f"{self.name}: {hooks}{first_line(error)}") from error
        self.stage = "pre-hook"
        if not same(self.given, (args, kwargs)):
            raise UserError(self._refusal("the input"))
        self.stage = "hook"
        if not same(self.returned, output):
            raise UserError(self._refusal("the output"))
        self.before = stripped(self.before, self.module, self.weights)
        self.after = stripped(self.module, self.module, self.weights)
        return output

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        del vars(self.module)["forward"]
        self.stage, self.state = "", torch.get_rng_state()
        self.given = (plain(args), {key: plain(value) for key, value in kwargs.items()})
        hooked = self.module._forward_hooks or torchs._global_forward_hooks
        shared = self.module.parameters() if lasting(self.module) and not hooked else ()
        self.before = copied(self.module, shared)
        result = type(self.module).forward(self.module, *args, **kwargs)
        self.returned = plain(result)
        self.stage = "hook"
        return result

    def _refusal(self, what: str) -> str:
        return (
            f"{self.name}: {self._hooks()} changes {what}, which no step of {self.name} explains. "
            "Remove it to trace the operator alone."
        )

    def _hooks(self) -> str:
        """The hooks of the present stage, by name; torch runs those of all modules before the module's own."""
        kind = "forward_pre_hooks" if self.stage == "pre-hook" else "forward_hooks"
        every = [*getattr(torchs, f"_global_{kind}").values(), *getattr(self.module, f"_{kind}").values()]
        names = [getattr(hook, "__name__", type(hook).__name__) for hook in every]
        return f"the forward {self.stage} {', '.join(names[:3])}"


def same(left: Any, right: Any) -> bool:
    """Whether two arguments or results are equal: structure, types, shapes and every element, NaN equal to NaN."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return (
            left.dtype == right.dtype
            and left.shape == right.shape
            and bool(((left == right) | ((left != left) & (right != right))).all())
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (tuple, list)) and type(left) is type(right) and len(left) == len(right):
        return all(map(same, left, right))
    return left is right or (type(left) is type(right) and bool(left == right))


def plain(value: Any) -> Any:
    """A copy of an argument, tensors in tuples, lists and packed sequences included, that needs no gradient."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple):
        parts = [plain(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return [plain(part) for part in value] if isinstance(value, list) else value


def first_line(error: BaseException) -> str:
    """What an error says, in one line with a full stop."""
    asked = _ALLOCATOR.search(str(error))
    if asked or isinstance(error, MemoryError):
        size = f" for {int(asked[1]) / 1e9:.3g} GB" if asked else ""
        return f"there is not enough memory{size}; use smaller sizes or a smaller input."
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
