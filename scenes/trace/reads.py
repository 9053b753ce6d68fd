"""Which elements each result was computed from, for all results that a reader can point at, in a few batches."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Index, Ref, cells, unravelled
from torchreel.scenes.trace.proof import Rule, Trace

Reads = dict[str, dict[int, dict[str, list[int]]]]

MOST = 1 << 16
_BATCH = 1 << 16


def reads(trace: Trace, seen: Mapping[str, Collection[Index]], most: int = MOST) -> Reads:
    """What the steps of the results among `seen` read of `seen`: tensor -> element -> tensor -> elements.

    Elements are counted in row-major order. A result that reads nothing of what is seen is not listed; where all of it
    would be more than `most` elements, the tensors that come last in the trace are not, each of them as a whole, so
    that whatever is listed is listed with all that it reads.
    """
    results = dict.fromkeys(rule.tensor for rule in trace.rules if seen.get(rule.tensor))
    if not results:
        return {}
    flat = {
        name: _numbers(torch.tensor(list(indices), dtype=torch.int64), trace.shape(name))
        for name, indices in seen.items()
        if name in trace.tensors and indices
    }
    found: Reads = {}
    for name in results:
        of_tensor = _of_tensor(trace, name, flat)
        most -= sum(len(listed) for one in of_tensor.values() for listed in one.values())
        if most < 0:
            break
        if of_tensor:
            found[name] = of_tensor
    return found


def _of_tensor(trace: Trace, name: str, flat: Mapping[str, Tensor]) -> dict[int, dict[str, list[int]]]:
    sets: dict[int, dict[str, set[int]]] = {}
    for rule in trace.rules:
        if rule.tensor == name:
            for result, source, element in _pairs(trace, rule, flat):
                sets.setdefault(result, {}).setdefault(source, set()).add(element)
    return {
        result: {source: sorted(elements) for source, elements in sorted(of_result.items())}
        for result, of_result in sorted(sets.items())
    }


def _pairs(trace: Trace, rule: Rule, flat: Mapping[str, Tensor]) -> Iterator[tuple[int, str, int]]:
    """Every `(result, tensor, element)` of a rule, results and elements by their numbers."""
    for chosen, results in _cells(trace, rule, flat[rule.tensor]):
        terms = rule.formula(chosen[:1]).terms
        size = max(1, _BATCH // terms)
        for start in range(0, len(chosen), size):
            formula = rule.formula(chosen[start : start + size])
            for number, result in enumerate(results[start : start + size].tolist()):
                # One by one, for a formula in pieces reads what is in the piece that holds for this cell.
                for ref in formula.cell(number).refs():
                    if ref.tensor in flat:
                        read = _read(ref, trace.shape(ref.tensor), flat[ref.tensor])
                        yield from ((result, ref.tensor, element) for element in read)


def _cells(trace: Trace, rule: Rule, wanted: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The cells of a rule's grid that write `wanted` elements, `(B, ndim)`, with the elements' numbers `(B,)`."""
    shape = trace.shape(rule.tensor)
    over = shape if rule.over is None else rule.over
    if rule.target is None and tuple(over) == tuple(shape):
        numbers = wanted.unique()
        yield unravelled(numbers, shape), numbers
        return
    count = math.prod(over)
    for start in range(0, count, _BATCH):
        batch = cells(over, start, min(start + _BATCH, count))
        results = _numbers(batch if rule.target is None else rule.target(batch), shape)
        hit = torch.isin(results, wanted)
        if bool(hit.any()):
            yield batch[hit], results[hit]


def _read(ref: Ref, shape: tuple[int, ...], wanted: Tensor) -> list[int]:
    """The `wanted` elements that a single cell reads, padding and what does not exist left out."""
    index = (
        ref.index.reshape(-1, len(shape))
        if shape
        else ref.index.new_zeros(math.prod(ref.index.shape[:-1]), 0)
    )
    read = ((index >= 0) & (index < torch.tensor(shape, dtype=torch.int64))).all(-1)
    if ref.skip is not None:
        read = read & ~ref.skip.reshape(-1)
    elements = _numbers(index, shape)
    found: list[int] = elements[read & torch.isin(elements, wanted)].tolist()
    return found


def _numbers(index: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Indices `(..., ndim)` as numbers in row-major order, `(...)`."""
    flat = torch.zeros(index.shape[:-1], dtype=torch.int64)
    for axis, size in enumerate(shape):
        flat = flat * size + index[..., axis]
    return flat
