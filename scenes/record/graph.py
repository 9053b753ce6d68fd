"""How tensors run through a net: which call made what another one reads, with a small picture of what was made.

An edge is the identity of a tensor: the newest call that returned it is its source. Functions that only show a tensor
in another shape are no stations of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from torchreel.scenes.record.calls import RecordedCall, tensors

# Views and copies: the same numbers, in another order or elsewhere.
_PASSES_ON = frozenset(
    """view reshape view_as reshape_as contiguous to clone detach float double half cpu type type_as transpose permute t
    unsqueeze squeeze expand expand_as movedim swapaxes swapdims unbind chunk split tensor_split unflatten narrow select
    __getitem__ requires_grad_ numpy_T T mT""".split()  # noqa: SIM905
)
_SIGNS = {
    **dict.fromkeys(("add", "add_", "__add__", "__radd__", "__iadd__"), "+"),
    **dict.fromkeys(("sub", "sub_", "__sub__", "__rsub__", "__isub__"), "−"),
    **dict.fromkeys(("mul", "mul_", "__mul__", "__rmul__", "__imul__"), "×"),
    **dict.fromkeys(("div", "div_", "__truediv__", "__rtruediv__", "__itruediv__"), "÷"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "cat"),
    **dict.fromkeys(("matmul", "mm", "bmm", "__matmul__", "__rmatmul__"), "matmul"),
}
_PICTURE = 24


@dataclass(eq=False)
class Stop:
    """One station of the net: an input, a leaf call, or a function.

    `place` is the module that called it, by its path. `sources` are the stations whose results it reads, in order;
    `shape` is its first result's, `picture` that result made small, `(C, H, W)` with at most 8 channels of at most
    24 x 24 numbers, None where there is none to show.
    """

    name: str
    call: RecordedCall | None = None
    sources: tuple[Stop, ...] = ()
    place: str = ""
    number: int = 0
    shape: tuple[int, ...] = ()
    picture: Tensor | None = None
    readers: list[Stop] = field(default_factory=list)

    @property
    def is_input(self) -> bool:
        """Whether it is what the net was given."""
        return self.call is None and self.name == "input"


class Graph:
    """The stations of a run in the order in which they were passed; `classes` names each module's class by its path."""

    def __init__(self, classes: Mapping[str, str] | None = None) -> None:
        self.nodes: list[Stop] = []
        self.classes = dict(classes or {})
        self._made: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def sources(self, given: Iterable[Tensor]) -> tuple[Stop, ...]:
        """The stations that made some tensors, each once; a tensor that nobody made is an input of the net."""
        found: dict[Stop, None] = {}
        for tensor in given:
            if tensor in self._made:
                found[self._made[tensor]] = None
            elif not isinstance(tensor, nn.Parameter) and tensor.ndim:
                found[self._input(tensor)] = None
        return tuple(found)

    def add_call(self, call: RecordedCall, sources: tuple[Stop, ...], output: Any, place: str) -> None:
        """A leaf call, with what it read and returned; `place` is where it was made, if its path does not say so."""
        self._add(
            Stop(call.name, call, sources, call.path.rpartition(".")[0] if call.path else place), output
        )

    def add_function(self, name: str, sources: tuple[Stop, ...], output: Any, place: str) -> None:
        """A function that the module at `place` called itself."""
        made = [one for one in tensors(output) if isinstance(one, Tensor)]
        if not made or not sources:
            return
        short = name.rpartition(".")[2]
        if len(sources) == 1 and (short in _PASSES_ON or name.endswith(".__get__")):
            for tensor in made:
                self._made[tensor] = sources[0]
            return
        self._add(Stop(_SIGNS.get(short, short.strip("_")), None, sources, place), output)

    def _input(self, tensor: Tensor) -> Stop:
        return self._add(Stop("input"), tensor)

    def _add(self, node: Stop, output: Any) -> Stop:
        made = list(tensors(output))
        for tensor in made:
            self._made[tensor] = node
        for source in node.sources:
            source.readers.append(node)
        if made:
            node.shape, node.picture = tuple(made[0].shape), small(made[0])
        node.number = len(self.nodes)
        self.nodes.append(node)
        return node


@torch.no_grad()
def small(tensor: Tensor) -> Tensor | None:
    """The first sample of a tensor as a picture of means `(C, H, W)`, at most 8 x 24 x 24; None without numbers."""
    if tensor.numel() == 0 or tensor.is_complex() or tensor.is_quantized:
        return None
    sample = tensor.detach()[0] if tensor.ndim > 1 else tensor.detach()
    planes = sample.reshape(-1, *sample.shape[-2:]) if sample.ndim > 1 else sample.reshape(1, 1, -1)
    height, width = (min(_PICTURE, length) for length in planes.shape[-2:])
    return nn.functional.adaptive_avg_pool2d(planes[:8].float(), (height, width))
