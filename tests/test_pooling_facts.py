"""What captions may claim of windows, counted by hand: which cells each window reads, and what it makes of them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from torchreel.scenes import catalogue
from torchreel.scenes.trace.proof import Trace
from torchreel.tests.strategies.draws import Call
from torchreel.tests.strategies.pooling import CALLS

Cell = tuple[int, ...]
WINDOWED = [name for name in CALLS if name[:5] in ("MaxPo", "AvgPo", "LPPoo")]


def traced(name: str, call: Call) -> Trace:
    """The trace of a drawn call."""
    return catalogue.operator(name).trace_call(call.module, {"input": call.inputs[0]}, {})


def each(value: Any, dims: int) -> tuple[int, ...]:
    """A setting as one int an axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims


class Reading:
    """The cells that each window of a call names, in plain Python: `taps` by output position."""

    def __init__(self, module: Any, x: Tensor, out: tuple[int, ...], dims: int) -> None:
        self.sizes, self.outs = tuple(x.shape[-dims:]), tuple(out[-dims:])
        self.kernel = each(module.kernel_size, dims)
        self.stride = each(module.kernel_size if module.stride is None else module.stride, dims)
        self.padding = each(getattr(module, "padding", 0), dims)
        self.dilation = each(getattr(module, "dilation", 1), dims)
        self.taps: dict[Cell, list[Cell]] = {
            at: [self._tap(at, k) for k in itertools.product(*map(range, self.kernel))]
            for at in itertools.product(*map(range, self.outs))
        }  # fmt: skip

    def _tap(self, at: Cell, k: Cell) -> Cell:
        axes = zip(at, k, self.stride, self.padding, self.dilation, strict=True)
        return tuple(i * stride - pad + tap * step for i, tap, stride, pad, step in axes)

    def inside(self, tap: Cell) -> bool:
        return all(0 <= at < size for at, size in zip(tap, self.sizes, strict=True))

    def reads(self) -> list[int]:
        """How many windows read each cell of the input."""
        count = dict.fromkeys(itertools.product(*map(range, self.sizes)), 0)
        for taps in self.taps.values():
            for tap in taps:
                if tap in count:
                    count[tap] += 1
        return list(count.values())


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(WINDOWED))
def test_what_is_said_of_windows_is_true_of_the_cells_they_read(data: st.DataObject, name: str) -> None:
    call = CALLS[name](data.draw)
    made, dims = traced(name, call), int(name[-2])
    facts = catalogue.operator(name).facts(made)
    found = Reading(call.module, call.inputs[0], made.shape("output"), dims)
    count = found.reads()
    outside = [tap for taps in found.taps.values() for tap in taps if not found.inside(tap)]
    assert facts["windows_overlap"] == any(n > 1 for n in count)
    assert facts["skips"] == any(n == 0 for n in count)
    assert facts["one_window"] == (len(found.taps) == 1)
    assert facts["one_cell"] == (len(next(iter(found.taps.values()))) == 1)
    gaps = any(k > 1 and d > 1 for k, d in zip(found.kernel, found.dilation, strict=True))
    assert facts["dilated"] == gaps
    if facts["side_by_side"]:
        assert not facts["windows_overlap"]
        assert found.stride == found.kernel
        assert not gaps
    # Padding is what lies round the input and is read; what lies beyond it is neither.
    assert facts["padded"] == any(
        any(
            at < 0 or size <= at < size + pad
            for at, size, pad in zip(tap, found.sizes, found.padding, strict=True)
        )
        for tap in outside
    )
    whole = [
        (size + 2 * pad - d * (k - 1) - 1) // s + 1
        for size, pad, d, k, s in zip(
            found.sizes, found.padding, found.dilation, found.kernel, found.stride, strict=True
        )
    ]
    assert facts["ceil_adds_a_window"] == (tuple(max(0, n) for n in whole) != found.outs)
    assert facts["keeps_size"] == (found.outs == found.sizes)
    assert facts["shrinks"] == (
        found.outs != found.sizes
        and all(out <= size for out, size in zip(found.outs, found.sizes, strict=True))
    )
    assert facts["plain_numbers"] == all(map(math.isfinite, call.inputs[0].flatten().tolist()))


@settings(max_examples=100, deadline=None)
@given(data=st.data(), name=st.sampled_from([name for name in CALLS if name.startswith("MaxPool")]))
def test_a_border_of_0_would_win_where_a_window_over_padding_has_none_above(
    data: st.DataObject, name: str
) -> None:
    call = CALLS[name](data.draw)
    made, dims, x = traced(name, call), int(name[-2]), call.inputs[0]
    found = Reading(call.module, x, made.shape("output"), dims)
    planes = x.reshape(-1, *x.shape[-dims:])
    wins = False
    for plane, taps in itertools.product(planes, found.taps.values()):
        held = [float(plane[tap]) for tap in taps if found.inside(tap)]
        beside = [tap for tap in taps if not found.inside(tap) and _padding(found, tap)]
        wins = wins or bool(beside and held and not any(map(math.isnan, held)) and max(held) < 0)
    assert catalogue.operator(name).facts(made)["zero_would_win"] == wins


def _padding(found: Reading, tap: Cell) -> bool:
    axes = zip(tap, found.sizes, found.padding, strict=True)
    return any(at < 0 or size <= at < size + pad for at, size, pad in axes)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from([name for name in CALLS if name.startswith("LPPool")]))
def test_what_is_said_of_powers_is_true_of_the_values_in_the_windows(data: st.DataObject, name: str) -> None:
    call = CALLS[name](data.draw)
    made, dims, x = traced(name, call), int(name[-2]), call.inputs[0]
    facts, p = catalogue.operator(name).facts(made), float(call.module.norm_type)
    found = Reading(call.module, x, made.shape("output"), dims)
    held = [[tap for tap in taps if found.inside(tap)] for taps in found.taps.values()]
    cells = math.prod(found.kernel)
    finite = not math.isinf(p)
    assert facts["scaled"] == (finite and any(len(taps) < cells for taps in held))
    assert facts["first_scaled"] == (finite and bool(held) and len(held[0]) < cells)
    kinds = (facts[name] for name in ("sum_pooling", "square", "infinite", "smallest", "norm"))
    assert tuple(kinds) == (p == 1, p == 2, p == math.inf, p == -math.inf, p >= 1)
    assert facts["pairs"] == (cells == 2)
    assert facts["nonnegative"] == all(value >= 0 for value in x.flatten().tolist())
    planes, outputs = x.reshape(-1, *x.shape[-dims:]), made.output.reshape(-1, len(held))
    longest = [[max(abs(float(plane[tap])) for tap in taps) for taps in held] for plane in planes]
    nans = [[any(bool(plane[tap].isnan()) for tap in taps) for taps in held] for plane in planes]
    pairs = [
        (float(value), most, nan)
        for row, mosts, no in zip(outputs, longest, nans, strict=True)
        for value, most, nan in zip(row, mosts, no, strict=True)
    ]
    assert facts["no_longer"] == all(not nan and value >= most for value, most, nan in pairs)
    if facts["close"] and facts["nonnegative"] and not facts["scaled"]:
        for value, most, nan in pairs:
            if not nan and 1e-2 < most < 1e2:
                assert value <= 1.21 * most, "close to the largest"
    if facts["sum_pooling"] and not facts["scaled"]:
        for plane, row in zip(planes, outputs, strict=True):
            for value, taps in zip(row, held, strict=True):
                added = sum(float(plane[tap]) for tap in taps)
                if math.isfinite(added) and abs(added) < 1e4:
                    torch.testing.assert_close(float(value), added, rtol=2e-2, atol=2e-2)
