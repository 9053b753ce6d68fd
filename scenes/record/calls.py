"""One recorded call: what it was, where it was made, and all that is needed to make it again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence

from torchreel.assets.errors import UserError
from torchreel.scenes.api import Called, called, spelled_out
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.calling import aside, plain
from torchreel.scenes.trace.copying import copied, torchs_class
from torchreel.scenes.trace.settings import settings_of

_SMALL = 1 << 18
# Arguments that say how large a layer is, and nothing of what it does.
_SIZES = frozenset(
    """in_channels out_channels in_features out_features in1_features in2_features num_features num_channels
    normalized_shape num_embeddings embedding_dim input_size hidden_size proj_size num_parameters n_classes
    cutoffs""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Site:
    """The line of the caller's code that made a call."""

    file: str
    line: int
    function: str


@dataclass(eq=False)
class Kept:
    """What a call was made with, as it was then: large parameters are the module's own, all else is a copy."""

    what: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    random: Tensor
    versions: list[tuple[Tensor, int]] = field(default_factory=list)

    @classmethod
    def of(cls, what: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Kept:
        large = [one for one in _parameters(what) if one.numel() > _SMALL]
        own = copied(what, large) if isinstance(what, nn.Module) else what
        given = plain(tuple(args)), {name: plain(value) for name, value in kwargs.items()}
        return cls(own, *given, torch.get_rng_state(), [(one, one._version) for one in large])

    @property
    def bytes(self) -> int:
        """The memory that is held for this call alone."""
        shared = {id(one) for one, _ in self.versions}
        own = self.what.state_dict(keep_vars=True).values() if isinstance(self.what, nn.Module) else ()
        mine = [one for one in own if id(one) not in shared and not is_lazy(one)]
        return sum(one.nbytes for one in [*mine, *tensors(self.args), *tensors(self.kwargs)])

    def called(self, name: str, prove_all: bool = False) -> Called:
        """The call, made again and proved. A `UserError` says where the weights are other ones by now."""
        if any(one._version != version for one, version in self.versions):
            raise UserError(
                f"{name}: its weights have changed since the call was recorded; save the reel before."
            )
        with aside():
            torch.set_rng_state(self.random)
            return called(self.what, self.args, self.kwargs, prove_all, spelled_out)


@dataclass(eq=False)
class RecordedCall:
    """One leaf call of a recorded run.

    `number` counts from 1 in the order of the calls, `path` is the module's place in the net (`layer1.0.conv1`; with
    `-2` where it is called again), `name` the class or function, `settings` its arguments as a reader types them,
    `inputs` and `output` are shapes in words, `kind` is the same for calls that differ in sizes alone, `distinct` for
    calls that differ in values alone. `times` is how often it was made at this line, where that was counted. `why_not`
    says why a call has no clip, and is empty where it has one.
    """

    number: int
    path: str
    name: str
    settings: str
    inputs: str
    kind: str
    distinct: str
    size: int
    parameters: int
    site: Site | None
    inside: str = ""
    output: str = ""
    times: int = 1
    why_not: str = ""
    kept: Kept | None = None

    @property
    def label(self) -> str:
        """The call in a file's name: `003-layer1.0.conv1-Conv2d`."""
        parts = [f"{self.number:03}", *([self.path] if self.path else []), self.name.replace(".", "_")]
        return "-".join(parts)

    @property
    def is_supported(self) -> bool:
        """Whether there is a clip of it."""
        return not self.why_not


def _parameters(what: Any) -> list[nn.Parameter]:
    """A module's parameters; one that is lazy has none before its first call, and a function never has any."""
    if not isinstance(what, nn.Module):
        return []
    return [one for one in what.parameters() if not is_lazy(one)]


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors of an argument or a result."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from tensors(one)


def shapes(value: Any) -> str:
    """The shapes of an argument or a result: `(1, 3, 8, 8)`, or several in brackets."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, PackedSequence):
        return f"packed {tuple(value.data.shape)}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={shapes(one)}" for name, one in value.items())
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(shapes, value))})"
    return str(value) if isinstance(value, (bool, int, float, str, type(None))) else type(value).__name__


def settings_in_words(module: nn.Module) -> tuple[str, str]:
    """A module's arguments as a reader types them, and those of them that are no sizes."""
    base = torchs_class(type(module))
    if base is None:
        return "", ""
    found = settings_of(module)
    order = list(constructor_parameters(base))
    whole = ", ".join(f"{name}={value!r}" for name, value in found.items())
    kind = {name: value for name, value in found.items() if name not in _SIZES and name != "groups"}
    if found.get("groups", 1) != 1:
        kind["groups"] = "each channel" if found["groups"] == found.get("in_channels") else "several"
    return whole, ", ".join(f"{name}={kind[name]}" for name in order if name in kind)


def size_of(value: Any) -> int:
    """The number of elements of all tensors."""
    return sum(math.prod(one.shape) for one in tensors(value))
