"""Functions and the modules whose call is the same: `F.relu(x)` is `nn.ReLU()(x)`.

A family says by `Function`s which functions are its operators' calls. Arguments find their places by name: what the
constructor takes goes there, `weight`, `bias` and running statistics are what the module holds, the rest is given to
forward. Only what torch calls differently in the two is declared.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.calling import first_line, plain
from torchreel.scenes.trace.lookup import shown

Arguments = Mapping[str, Any]

# Where a function may be found, and how a reader writes that place.
PLACES = MappingProxyType(
    {"F": nn.functional, "torch": torch, "Tensor": Tensor, "torch.special": torch.special}
)

_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
_TRAINING = dict.fromkeys(("train", "use_input_stats"), "training")
# Says how torch computes or warns, and nothing of what is computed.
_SILENT = {"cudnn_enable", "cudnn_enabled", "_stacklevel"}
_WRONG = (TypeError, ValueError, RuntimeError, AssertionError, ArithmeticError, LookupError)


class ModuleCall(NamedTuple):
    """`module(*inputs, **call)`, which is the call of a function; `operator` is the name of the module's class."""

    operator: str
    module: nn.Module
    inputs: tuple[Any, ...]
    call: dict[str, Any]


@dataclass(frozen=True)
class Spelling:
    """How a caller spells an operator that is called as a function, and the arguments that the function takes."""

    name: str
    takes: frozenset[str]


def _nothing(arguments: Arguments) -> Arguments:
    return {}


@dataclass(frozen=True)
class Function:
    """Functions whose call is that of one module.

    A name without a dot is looked for in all of `PLACES`, in-place spelling included (`relu`: `F.relu`, `torch.relu_`,
    `Tensor.relu`…), but for those in `but`, which are something else. `operator` is the module's class, or tells it
    from the arguments, and then `operators` are all it may tell. `renamed` gives arguments the module's names, `state`
    are those that the module holds, and `settings` computes further arguments from those of the function.
    """

    operator: str | Callable[[Arguments], str]
    names: tuple[str, ...]
    settings: Callable[[Arguments], Arguments] = _nothing
    renamed: Mapping[str, str] = field(default_factory=dict)
    state: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def spelled(self) -> Iterator[str]:
        """Every name there is in this version of torch, as `F.relu`."""
        for name in self.names:
            candidates = (
                [name] if "." in name else [f"{place}.{name}{end}" for place in PLACES for end in ("", "_")]
            )
            yield from (one for one in candidates if one not in self.but and found(one) is not None)

    def all_operators(self) -> tuple[str, ...]:
        """The operators it may be a call of."""
        return (self.operator,) if isinstance(self.operator, str) else self.operators


def found(name: str) -> Callable[..., Any] | None:
    """The function of a name such as `F.relu`, None if this version of torch has none."""
    place, _, last = name.rpartition(".")
    function = getattr(PLACES[place], last, None)
    return function if callable(function) else None


def module_call(function: Function, name: str, args: tuple[Any, ...], kwargs: Arguments) -> ModuleCall:
    """The module and its call that do what `name(*args, **kwargs)` does; `name` is one of the function's.

    Tensors that the module holds are copies; the inputs are those given. A call that no module makes is a `UserError`.
    """
    given, left_out = bound(name, args, kwargs)
    _check_tensors(name, function, given)
    try:
        operator = function.operator if isinstance(function.operator, str) else function.operator(given)
        arguments = {
            _TRAINING.get(key, function.renamed.get(key, key)): value for key, value in given.items()
        }
        arguments |= function.settings(given)
        return _Placed(name, operator, arguments, function.state, left_out).call()
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(name) else f"{name}: {error}") from error
    except _WRONG as error:
        raise UserError(f"{name}: {first_line(error)}") from error


def by_dims(operators: Mapping[int, str]) -> Callable[[Arguments], str]:
    """The operator for the number of the input's dimensions."""

    def chosen(arguments: Arguments) -> str:
        given = arguments["input"]
        if given.ndim not in operators:
            known = ", ".join(map(str, operators))
            raise UserError(f"an input of {given.ndim} dimensions has no module. Give one of {known}.")
        return operators[given.ndim]

    return chosen


def shaped(arguments: Arguments, name: str, shape: str) -> torch.Size:
    """The shape of a tensor that has as many dimensions as the words of `shape`; another one is a `UserError`."""
    tensor = arguments[name]
    if tensor.ndim != len(shape.split(", ")):
        raise UserError(f"{name} should be of shape ({shape}), not {tuple(tensor.shape)}.")
    return tensor.shape


def single(arguments: Arguments, *names: str) -> dict[str, Any]:
    """Sizes as the modules take them: a list of one number, which functions take for all axes, is that number."""
    given = {name: arguments[name] for name in names if name in arguments}
    return {
        name: value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
        for name, value in given.items()
    }


class _Placed:
    """A function's arguments, each where a module has its place for it."""

    def __init__(
        self, name: str, operator: str, arguments: dict[str, Any], state: tuple[str, ...], left_out: set[str]
    ) -> None:
        self.name, self.operator, self.kind = name, operator, getattr(nn, operator)
        self.arguments, self.left_out = arguments, left_out
        self.state = {key: plain(arguments[key]) for key in state}
        self.takes = inspect.signature(self.kind).parameters
        self.forward = inspect.signature(self.kind.forward).parameters

    def call(self) -> ModuleCall:
        settings: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for key, value in self.arguments.items():
            if key in self.state:
                settings |= {key: value is not None} if key in self.takes else {}
            elif key in self.takes and key not in ("device", "dtype"):
                settings |= {} if self._as_usual(key, value) else {key: _setting(value)}
            elif key == "input" or key in self.forward:
                given[self._first if key == "input" else key] = value
            elif not self._says_nothing(key, value):
                what = key if isinstance(value, Tensor) else f"{key}={shown(value)}"
                raise UserError(f"{what} is no argument of nn.{self.operator}. Leave it out.")
        if self.name.endswith("_") and "inplace" in self.takes:
            settings["inplace"] = True
        return ModuleCall(self.operator, self._built(settings), *self._ordered(given))

    @property
    def _first(self) -> str:
        """What forward calls its input; some modules have another name for it."""
        return list(self.forward)[1]

    def _as_usual(self, key: str, value: Any) -> bool:
        """Whether the constructor assumes the same where the function's argument is left out."""
        return key in self.left_out and _alike(value, self.takes[key].default)

    def _says_nothing(self, key: str, value: Any) -> bool:
        return key in self.left_out or key in ("training", "dtype") or key in _SILENT or value is None

    def _built(self, settings: dict[str, Any]) -> nn.Module:
        """The module: sizes alone are allocated, no random number is drawn, then it holds what the call gives it."""
        with warnings.catch_warnings(), torch.device("meta"):
            warnings.simplefilter("ignore")
            module = self.kind(**settings)
        for key, value in self.state.items():
            if key in module._buffers:
                module._buffers[key] = value
            else:
                module._parameters[key] = value if value is None else _parameter(value)
        if "num_batches_tracked" in module._buffers and module.num_batches_tracked is not None:
            module.num_batches_tracked = torch.tensor(0, device="cpu")
        return module.train(bool(self.arguments.get("training", True)))

    def _ordered(self, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Forward's arguments in order as far as they are tensors or have to be given, the others by name."""
        inputs: list[Any] = []
        call: dict[str, Any] = {}
        for place, (key, parameter) in enumerate(list(self.forward.items())[1:]):
            needed = parameter.default is parameter.empty
            if key not in given or (not needed and given[key] is None):
                continue
            if needed or (_is_data(given[key]) and len(inputs) == place):
                inputs.append(self._typed(given[key]))
            else:
                call[key] = given[key]
        return tuple(inputs), call

    def _typed(self, value: Any) -> Any:
        """An input in the type that the call asks for, as torch converts it before anything else."""
        dtype = self.arguments.get("dtype")
        return value if dtype is None else value.to(dtype)


def _is_data(value: Any) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, tuple) and all(map(_is_data, value)))


def _setting(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, torch.Size)) else plain(value)


def _alike(value: Any, default: Any) -> bool:
    """Whether two defaults say the same: one size for all axes is written out by some functions."""
    if isinstance(value, list):
        value = value[0] if value and value.count(value[0]) == len(value) else None
    return type(value) is type(default) and bool(value == default)


def _parameter(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=value.is_floating_point())


def _check_tensors(name: str, function: Function, given: Arguments) -> None:
    for key, value in given.items():
        held = function.renamed.get(key, key) in function.state
        if (held or key == "input") and not isinstance(value, Tensor) and not (held and value is None):
            raise UserError(f"{name}: {key} should be a tensor, not {shown(value)}.")


def bound(name: str, args: tuple[Any, ...], kwargs: Arguments) -> tuple[dict[str, Any], set[str]]:
    """All arguments of a call by the function's names, defaults included, and the names of those left out."""
    signature = signature_of(name)
    given = {key: value for key, value in kwargs.items() if key != "out" or value is not None}
    if "out" in given:
        raise UserError(f"{name}: out= writes into another tensor, which no module does. Leave it out.")
    known = signature.parameters
    if not inspect.isfunction(found(name)):
        renamed = {key: _ALIASES.get(key, key) for key in given if key not in known}
        given = {renamed.get(key, key): value for key, value in given.items()}
    try:
        arguments = signature.bind(*args, **given)
    except TypeError as error:
        raise UserError(f"{name}: {first_line(error)}") from error
    left_out = known.keys() - arguments.arguments.keys()
    arguments.apply_defaults()
    return dict(arguments.arguments), left_out


@cache
def signature_of(name: str) -> inspect.Signature:
    """What a function takes; those written in C++ have it in the schemas that torch's own parser is made from."""
    function = found(f"{name}_with_indices") or found(name)
    assert function is not None
    if inspect.isfunction(function):
        signature = inspect.signature(function)
        parameters = [
            one.replace(name="input") if one.name == "self" else one for one in signature.parameters.values()
        ]
        return signature.replace(parameters=parameters)
    packet = getattr(torch.ops.aten, function.__name__)
    schemas = [getattr(packet, overload)._schema for overload in packet.overloads()]
    return inspect.Signature(list(_parameters(next(one for one in schemas if _by_numbers(one)))))


def _by_numbers(schema: Any) -> bool:
    """Whether an overload is the one without named dimensions and without a tensor to write into."""
    return not any("Dimname" in str(one.type) or one.is_out for one in schema.arguments)


def _parameters(schema: Any) -> Iterator[inspect.Parameter]:
    for one in schema.arguments:
        name = "input" if one.name == "self" else one.name
        kind = inspect.Parameter.KEYWORD_ONLY if one.kwarg_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = one.default_value if one.has_default_value() else inspect.Parameter.empty
        if name == "reduction" and default is not inspect.Parameter.empty:
            default = 0  # The schema says 1 by a name, which torch's parser reads as 0: no reduction.
        yield inspect.Parameter(name, kind, default=default)
