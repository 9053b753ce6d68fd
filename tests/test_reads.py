"""What numbers in sight were computed from: the same, result by result, as the trace's steps read."""

from __future__ import annotations

import itertools

import pytest

from torchreel.assets.examples import example
from torchreel.scenes import catalogue
from torchreel.scenes.trace.proof import Trace
from torchreel.scenes.trace.reads import Reads, reads

KINDS = [
    "Conv2d",
    "Conv2d:padding",
    "ConvTranspose1d",
    "MaxPool2d",
    "MaxUnpool2d",
    "Fold",
    "Unfold",
    "GroupNorm",
]
KINDS += [
    "LSTMCell",
    "Softmax",
    "CTCLoss",
    "Embedding",
    "EmbeddingBag",
    "Bilinear",
    "AdaptiveAvgPool2d",
    "MSELoss",
]


def traced(label: str) -> Trace:
    operator, _, name = label.partition(":")
    return catalogue.operator(operator).trace_example(example(operator, name or None))


def everything(trace: Trace) -> dict[str, list[tuple[int, ...]]]:
    return {name: list(itertools.product(*map(range, trace.shape(name)))) for name in trace.tensors}


def by_steps(trace: Trace, seen: dict[str, list[tuple[int, ...]]]) -> Reads:
    """Step by step, which is slow and plain."""
    numbers = {name: {index: number for number, index in enumerate(everything(trace)[name])} for name in seen}
    found: dict[str, dict[int, dict[str, set[int]]]] = {}
    for name in dict.fromkeys(rule.tensor for rule in trace.rules):
        for step in trace.steps(name):
            for source, index in step.reads:
                if step.index in seen.get(name, ()) and index in seen.get(source, ()):
                    of_result = found.setdefault(name, {}).setdefault(numbers[name][step.index], {})
                    of_result.setdefault(source, set()).add(numbers[source][index])
    return {
        name: {result: {source: sorted(read) for source, read in of.items()} for result, of in listed.items()}
        for name, listed in found.items()
    }


@pytest.mark.parametrize("label", KINDS)
def test_reads_are_those_of_the_steps(label: str) -> None:
    trace = traced(label)
    seen = everything(trace)
    found = reads(trace, seen)
    assert found
    assert found == by_steps(trace, seen)


@pytest.mark.parametrize("label", ["Conv2d", "GroupNorm"])
def test_only_what_is_seen_is_listed(label: str) -> None:
    trace = traced(label)
    seen = {name: indices[::2] for name, indices in everything(trace).items()}
    assert reads(trace, seen) == by_steps(trace, seen)
    assert reads(trace, {}) == {}


def test_what_is_too_much_is_left_out_as_a_whole() -> None:
    """A result is never listed with a part of what it reads."""
    trace = traced("GroupNorm")
    seen = everything(trace)
    whole = reads(trace, seen)
    first = next(iter(whole))
    size = sum(len(listed) for of in whole[first].values() for listed in of.values())
    assert reads(trace, seen, most=size) == {first: whole[first]}
    assert reads(trace, seen, most=size - 1) == {}
