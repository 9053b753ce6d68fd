"""What captions claim of normalization layers, found out another way: by calling the layer again with other numbers."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.captions import caption
from torchreel.assets.examples import example
from torchreel.scenes import registry
from torchreel.scenes.normalization.facts import normalization_facts
from torchreel.scenes.normalization.response.trace import response_facts
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace
from torchreel.tests.calls import check_call


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    """A layer and an input: one sample or more, one element a set or more, NaN, equal numbers, any mode."""
    torch.manual_seed(draw(st.integers(0, 999)))
    samples, channels, length = (
        draw(st.integers(1, 3)),
        draw(st.sampled_from((2, 4))),
        draw(st.integers(1, 3)),
    )
    affine, tracked = draw(st.booleans()), draw(st.booleans())
    momentum = draw(st.sampled_from((0.1, 0.0, 1.0, None)))
    made: list[nn.Module] = [
        nn.LayerNorm((channels, length), elementwise_affine=affine), nn.LayerNorm(length, bias=affine),
        nn.RMSNorm(length, elementwise_affine=affine), nn.GroupNorm(2, channels, affine=affine),
        nn.BatchNorm1d(channels, momentum=momentum, affine=affine, track_running_stats=tracked),
        nn.InstanceNorm1d(channels, momentum=momentum, affine=affine, track_running_stats=tracked),
    ]  # fmt: skip
    module = draw(st.sampled_from(made)).train(draw(st.booleans()))
    for parameter in module.parameters():
        nn.init.normal_(parameter) if draw(st.booleans()) else nn.init.ones_(parameter)
    x = torch.randn(samples, channels, length)
    if draw(st.booleans()):
        x = x.round()
    if draw(st.integers(0, 4)) == 0:
        x = torch.full_like(x, draw(st.sampled_from((0.0, 3.0))))
    if draw(st.integers(0, 4)) == 0:
        x.view(-1)[0] = draw(st.sampled_from((float("nan"), float("inf"))))
    return module, x


def traced(drawn: tuple[nn.Module, Tensor]) -> Trace | None:
    module, x = drawn
    try:
        copy.deepcopy(module)(x)
    except ValueError:  # torch takes no single element for the variance of a batch
        return None
    return check_call(module, x)


@settings(max_examples=60, deadline=None)
@given(calls())
def test_what_is_said_of_other_samples_is_what_another_call_gives(drawn: tuple[nn.Module, Tensor]) -> None:
    trace = traced(drawn)
    if trace is None:
        return
    facts, (module, x) = normalization_facts(trace), drawn
    before = copy.deepcopy(module)(x).detach()
    if len(x) > 1:
        other = x.clone()
        other[-1] = torch.randn_like(x[-1]) * 3 + 7
        after = copy.deepcopy(module)(other).detach()
        same = torch.equal(before[:-1].nan_to_num(), after[:-1].nan_to_num())
        assert same or facts["across_samples"] or not bool(before.isfinite().all()) or _has_zero(module)
        assert not (facts["across_samples"] and same)
    if facts["apart"] and not isinstance(module, nn.BatchNorm1d):
        other = x.clone()
        other[0, 0] += 5.0
        after = copy.deepcopy(module)(other).detach()
        assert bool((after[-1, -1] == before[-1, -1]).all() or before[-1, -1].isnan().any())


def _has_zero(module: nn.Module) -> bool:
    return any(bool((parameter == 0).any()) for parameter in module.parameters())


@settings(max_examples=60, deadline=None)
@given(calls())
def test_what_is_said_of_the_numbers_is_what_torch_gives(drawn: tuple[nn.Module, Tensor]) -> None:
    trace = traced(drawn)
    if trace is None:
        return
    facts, (module, x) = normalization_facts(trace), drawn
    output, kind = copy.deepcopy(module)(x).detach(), type(module)
    if facts["equal"]:
        members = _members(module, x)
        assert all(bool((one == one[0]).all()) for one in members)
    if facts["single"]:
        assert all(len(one) == 1 for one in _members(module, x))
    if facts["standardized"]:
        for one in _members(module, output):
            assert abs(float(one.mean())) < 2e-3 and abs(float(one.var(correction=0)) - 1) < 2e-2
    if facts["zeros"]:
        assert kind is nn.RMSNorm and not x.any()
    assert facts["fresh"] == all(
        bool((value == (1 if name == "weight" else 0)).all()) for name, value in module.named_parameters()
    )
    kept = getattr(module, "running_mean", None) is not None
    assert facts["frozen"] == (kept and not module.training)
    said = caption(kind.__name__, "default", "alt", "en", facts)
    names = {name for name, _ in module.named_parameters()}
    if kind is not nn.InstanceNorm1d:
        assert ("weight" in said) == ("weight" in names) and ("bias" in said) == ("bias" in names)
    assert "train mode" not in said and ("eval mode" in said) == facts["frozen"]
    if kind is nn.RMSNorm:
        assert ("cells of a row" in said) == (
            x.ndim > 1 and bool(names) and len(module.normalized_shape) == 1
        )  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(calls())
def test_the_legend_of_the_statistics_is_how_they_come_about(drawn: tuple[nn.Module, Tensor]) -> None:
    trace = traced(drawn)
    if trace is None:
        return
    module, x = drawn
    scene: Any = registry.find(type(module).__name__)
    said = scene(Request(trace, example(type(module).__name__), "en")).definitions()
    frozen = not module.training and getattr(module, "running_mean", None) is not None
    if "noise" in trace.tensors:
        assert said == []
    elif isinstance(module, nn.RMSNorm):
        size = x.shape[-1]
        assert said[0] == f"q = Σ x² / {size}" and said[1].startswith("r = √(q + ")
        squares = x.double().reshape(-1, size).square().sum(1) / size
        torch.testing.assert_close(trace.tensors["mean_square"].reshape(-1), squares, equal_nan=True)  # type: ignore[union-attr]
    elif frozen:
        assert len(said) == 1 and said[0].startswith("s = √(σ² + ")
    else:
        sets = [one.double() for one in _members(module, x)]
        assert said[0] == f"μ = Σ x / {len(sets[0])}" and said[1] == f"σ² = Σ (x − μ)² / {len(sets[0])}"
        found = [tensor.reshape(-1).tolist() for tensor in (trace.tensors["mean"], trace.tensors["var"])]  # type: ignore[union-attr]
        for own, mean, var in zip(sets, *found, strict=True):
            if own.isfinite().all():
                assert mean == pytest.approx(float(own.sum()) / len(own), abs=1e-9)
                assert var == pytest.approx(float(((own - mean) ** 2).sum()) / len(own), abs=1e-9)


def _members(module: nn.Module, x: Tensor) -> list[Tensor]:
    """The numbers that share a mean, by torch's own definition of each layer."""
    if isinstance(module, nn.BatchNorm1d):
        return [x[:, channel].reshape(-1) for channel in range(x.shape[1])]
    if isinstance(module, nn.GroupNorm):
        return list(x.reshape(len(x) * module.num_groups, -1))
    if isinstance(module, nn.InstanceNorm1d):
        return [x[n, c] for n, c in itertools.product(range(x.shape[0]), range(x.shape[1]))]
    size = len(module.normalized_shape)  # type: ignore[arg-type]
    return list(x.reshape(-1, *x.shape[x.ndim - size :]).flatten(1))


@pytest.mark.parametrize("momentum, x, fact", [
    (0.0, torch.randn(3, 2), "stays"), (1.0, torch.randn(3, 2), "replaced"), (None, torch.randn(3, 2), "averaged"),
    (0.1, torch.randn(3, 2), ""), (0.0, torch.full((3, 2), torch.nan), ""),
])  # fmt: skip
def test_what_momentum_makes_of_the_buffers(momentum: float | None, x: Tensor, fact: str) -> None:
    module = nn.BatchNorm1d(2, momentum=momentum)
    facts = normalization_facts(check_call(module, x))
    assert [name for name in ("stays", "replaced", "averaged") if facts[name]] == ([fact] if fact else [])
    module(x)
    kept: Any = module.running_mean
    if fact == "stays":
        assert not kept.any()
    if fact in ("replaced", "averaged"):
        torch.testing.assert_close(kept, x.mean(0))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 4),
    st.sampled_from((0.0, 0.5, -0.1)),
    st.sampled_from((0.75, 0.0, -1.0)),
    st.integers(1, 4),
)
def test_neighbours_damp_where_it_is_said(size: int, alpha: float, beta: float, channels: int) -> None:
    module = nn.LocalResponseNorm(size, alpha, beta)
    x = torch.ones(1, channels, 1)
    facts = response_facts(check_call(module, x))
    louder = x.clone()
    louder[0, -1] = 3.0
    after = module(louder)[0, max(0, channels - 2), 0]
    if facts["damps"]:
        assert float(after) < float(module(x)[0, max(0, channels - 2), 0]) or size == 2
    if facts["alone"]:
        assert channels == 1 or torch.equal(module(x)[0, :-1], module(louder)[0, :-1])


@pytest.mark.parametrize("name", ["default", "handbook", "running_stats", "eval"])
def test_alternative_texts_say_the_mode(name: str) -> None:
    chosen = example("BatchNorm2d", name)
    operator = registry.find("BatchNorm2d")
    scene_facts = operator.operator.facts(operator.operator.trace_example(chosen))
    assert scene_facts["frozen"] == (not chosen.train)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.integers(-3, 9), min_size=1, max_size=4),
    factor=st.sampled_from([1, 2, 3]),
    shift=st.sampled_from([0, 5, 10]),
)
def test_rows_are_called_related_where_doubling_keeps_the_result_and_adding_10_does_not(
    rows: list[int], factor: int, shift: int
) -> None:
    first = torch.tensor(rows, dtype=torch.float32)
    x = torch.stack([first, factor * first, first + shift])
    module = nn.RMSNorm(len(rows))
    made = check_call(module, x)
    one, doubled, shifted = (row / row.square().mean().sqrt() for row in x)
    doubling = torch.equal(x[1], 2 * x[0]) and torch.allclose(one, doubled, 1e-3, 1e-3)
    adding = torch.equal(x[2], x[0] + 10) and not torch.allclose(one, shifted, 1e-2, 1e-2)
    finite = all(row.isfinite().all() for row in (one, doubled, shifted))
    assert normalization_facts(made)["related"] == (doubling and adding and finite)


@settings(max_examples=40, deadline=None)
@given(call=calls())
def test_what_is_said_of_rows_and_of_a_weight_alone(call: tuple[nn.Module, Tensor]) -> None:
    (module, x), trace = call, traced(call)
    if trace is None:
        return
    facts = normalization_facts(trace)
    own = {name for name, _ in module.named_parameters()}
    assert facts["scaled"] == (own == {"weight"})
    if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        row = x.reshape(-1, x.shape[-1])
        one = module(row).reshape(x.shape) if len(module.normalized_shape) == 1 else None
        assert facts["rows"] == (one is not None and torch.allclose(one, module(x), equal_nan=True))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-4, 4), min_size=2, max_size=4),
    st.sampled_from([0, 2, 3]),
    st.sampled_from([0, 10, 9]),
)
def test_a_row_twice_as_large_and_one_shifted(row: list[int], times: int, shift: int) -> None:
    rows = [row, [times * value for value in row], [value + shift for value in row]]
    trace = check_call(nn.RMSNorm(len(row)), torch.tensor(rows, dtype=torch.float32))
    said = caption("RMSNorm", "default", "done_rms", "en", normalization_facts(trace))
    if "twice" in said:
        assert rows[1:] == [[2 * value for value in row], [value + 10 for value in row]]
        first, second, third = trace.output.tolist()
        assert first == pytest.approx(second, abs=1e-3) and first != pytest.approx(third, abs=1e-3)
