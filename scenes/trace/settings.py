"""What a module was made with: the constructor's arguments, read back from it and written as a reader types them.

torch keeps most arguments under their own names, some in another form: sizes as one number for each axis, a bias as a
parameter. Titles, words and the ledger speak of arguments, so a caller's module has to say them like an example does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.copying import torchs_class

_EACH_AXIS = {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "output_ratio"}
# These are sizes of one thing, and one number would be another thing or none.
_AS_GIVEN = {("Fold", "output_size")}
_AFFINE = ("affine", "elementwise_affine")
# torch's older names for other arguments, which it does not keep.
_NOT_KEPT = {"size_average", "reduce", "min_value", "max_value"}
_FEW = 4


@dataclass(frozen=True)
class Spelled:
    """An argument that has no literal, such as a function or a tensor, by what a reader calls it."""

    text: str

    def __repr__(self) -> str:
        return self.text

    @property
    def __name__(self) -> str:
        return self.text


def settings_of(module: nn.Module, always: Collection[str] = ()) -> dict[str, Any]:
    """The constructor's arguments by torch's names, in its order: those without a default, and those unlike it.

    `always` are named although they do not differ. Sizes that are the same on all axes are one number, a stride of the
    kernel's size is left out as torch allows, and no function or tensor is written by its `repr`.
    """
    return dict(_settings(module, always))


def _settings(module: nn.Module, always: Collection[str]) -> Iterator[tuple[str, Any]]:
    parameters = constructor_parameters(torchs_class(type(module)) or type(module))
    for name, parameter in parameters.items():
        if name in _NOT_KEPT or not _is_kept(module, name):
            continue
        read = _READ.get((_class(module), name), _READ.get(name, _attribute))
        value = _readable(name, read(module, name), (_class(module), name) in _AS_GIVEN)
        required = parameter.default is parameter.empty
        if required or name in always or not _follows(module, name, value, parameter.default):
            yield name, value


def _follows(module: nn.Module, name: str, value: Any, default: Any) -> bool:
    """Whether an argument need not be given: it is torch's default, or what torch makes of none."""
    if default is None:
        return value is None or (name == "stride" and value == _same_on_all_axes(module.kernel_size))
    return bool(value == default)


def _is_kept(module: nn.Module, name: str) -> bool:
    """Whether a module says anything of an argument; without weights there is no bias to speak of."""
    no_weights = any(getattr(module, affine, True) is False for affine in _AFFINE)
    return not (name == "bias" and no_weights) and (hasattr(module, name) or (_class(module), name) in _READ)


def _class(module: nn.Module) -> str:
    return (torchs_class(type(module)) or type(module)).__name__


def _attribute(module: nn.Module, name: str) -> Any:
    return getattr(module, name)


def _has_bias(module: nn.Module, name: str) -> bool:
    given = module.bias
    return given if isinstance(given, bool) else given is not None


def _without_last(module: nn.Module, name: str) -> tuple[int, ...]:
    """torch adds the number of classes to the cutoffs that it was given."""
    return tuple(getattr(module, name)[:-1])


def _norm(module: nn.Module, name: str) -> Any:
    return module.norm


def _distance(module: nn.Module, name: str) -> Any:
    """The caller's function; without one torch takes the module of the Euclidean distance."""
    given = getattr(module, name)
    return None if isinstance(given, nn.PairwiseDistance) and settings_of(given) == {} else given


_READ: dict[Any, Callable[[nn.Module, str], Any]] = {
    "bias": _has_bias,
    "cutoffs": _without_last,
    "distance_function": _distance,
    ("PairwiseDistance", "p"): _norm,
}


def _readable(name: str, value: Any, as_given: bool) -> Any:
    if isinstance(value, Tensor):
        numbers = [round(number, 4) for number in value.reshape(-1).tolist()] if value.numel() <= _FEW else []
        short = value.ndim == 1 and numbers
        return Spelled(
            f"torch.tensor({numbers})" if short else f"tensor of {' x '.join(map(str, value.shape))}"
        )
    if callable(value):
        return Spelled(getattr(value, "__name__", type(value).__name__))
    if name in _EACH_AXIS and not as_given:
        return _same_on_all_axes(value)
    if isinstance(value, (tuple, list)):
        return value[0] if name == "normalized_shape" and len(value) == 1 else tuple(value)
    return value


def _same_on_all_axes(value: Any) -> Any:
    if not isinstance(value, (tuple, list)):
        return value
    return value[0] if len(set(value)) == 1 and value[0] is not None else tuple(value)
