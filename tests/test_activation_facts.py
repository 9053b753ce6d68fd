"""What captions claim of activations, found out another way: from settings by hand, from the numbers torch gives."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.captions import LANGUAGES, caption
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.scenes import registry
from torchreel.scenes.activation.adaptive.trace import Routes
from torchreel.scenes.activation.curve.facts import curve_facts
from torchreel.scenes.activation.curve.listing import listed, spread
from torchreel.scenes.activation.curve.overview_trace import FAMILIES, MODULES
from torchreel.scenes.activation.softmax.trace import row_shift, softmax_dim, softmax_facts
from torchreel.scenes.trace.proof import Trace
from torchreel.tests.calls import check_call
from torchreel.tests.strategies.activation import MODULES as ELEMENT_WISE
from torchreel.tests.strategies.activation import adaptive, along_an_axis, element_wise, glu, prelu, softmax2d

FEW = settings(max_examples=25, deadline=None)
Call = tuple[nn.Module, Tensor]


def traced(module: nn.Module, *x: Tensor) -> Trace | None:
    """The call's trace; None for a call that torch refuses."""
    try:
        copy.deepcopy(module)(*(one.clone() for one in x))
    except (IndexError, RuntimeError):
        return None
    return check_call(module, *x)


def plain(module: nn.Module) -> Callable[[float], float]:
    """The function of one number, by its own words in torch's documentation."""
    at: Any = module
    rules: dict[type[nn.Module], Callable[[float], float]] = {
        nn.LeakyReLU: lambda x: x if x > 0 else at.negative_slope * x,
        nn.ELU: lambda x: x if x > 0 else at.alpha * (math.exp(x) - 1),
        nn.Hardshrink: lambda x: x if x > at.lambd or x < -at.lambd else 0.0,
        nn.Softshrink: lambda x: x - at.lambd if x > at.lambd else x + at.lambd if x < -at.lambd else 0.0,
        nn.Threshold: lambda x: x if x > at.threshold else at.value,
        nn.Hardtanh: lambda x: min(max(x, at.min_val), at.max_val),
        nn.Softplus: lambda x: (
            x if x * at.beta > at.threshold else math.log1p(math.exp(x * at.beta)) / at.beta
        ),
    }
    return rules[type(module)]


@pytest.mark.parametrize(
    "name", ["LeakyReLU", "ELU", "Hardshrink", "Softshrink", "Threshold", "Hardtanh", "Softplus"]
)
@FEW
@given(data=st.data())
def test_what_is_said_of_a_function_is_what_it_does_to_numbers(name: str, data: st.DataObject) -> None:
    module, (x,) = element_wise(data.draw, name)[:2]
    trace = traced(module, x)
    if trace is None or not x.is_floating_point():
        return
    facts, f = curve_facts(trace), plain(module)
    some = [k / 8 for k in range(-64, 65)]
    if name == "LeakyReLU":
        assert facts["leaks"] == all(x < f(x) < 0 for x in some if x < 0)
    if name == "ELU":
        assert facts["bends_left"] == (abs(f(-40.0) - f(-80.0)) < 1e-9 and abs(f(-40.0)) > 1e-9)
    if name in ("Hardshrink", "Softshrink"):
        assert facts["shrinks"] == (f(1e-4) == f(-1e-4) == 0)
        assert facts["shifts"] == (f(1e4) != 1e4)
    if name == "Hardtanh":
        assert facts["like_tanh"] == all(f(x) in (x, -1.0, 1.0) for x in some)
    if name == "Softplus":
        assert facts["above_relu"] == all(f(x) >= max(0.0, x) for x in some)
    if name in ("Hardshrink", "Threshold", "Softplus"):
        low, high = (float(trace.sample("curve.x")[at]) for at in (0, -1))
        ends = {"Hardshrink": (-1, 1), "Threshold": (1,), "Softplus": (1,)}[name]
        bound = {"Hardshrink": "lambd"}.get(name, "threshold")
        places = [end * getattr(module, bound) / getattr(module, "beta", 1) for end in ends]
        steps = [abs(f(at + 1e-9) - f(at - 1e-9)) for at in places if low < at < high]
        assert facts["jumps"] or not any(step > 1.1e-2 for step in steps)
        assert not facts["jumps"] or any(step > 0.9e-2 for step in steps)


@pytest.mark.parametrize("name", sorted(ELEMENT_WISE))
@FEW
@given(data=st.data())
def test_no_sentence_is_chosen_against_the_numbers(name: str, data: st.DataObject) -> None:
    module, (x,) = element_wise(data.draw, name)[:2]
    trace = traced(module, x)
    if trace is None:
        return
    facts = curve_facts(trace)
    known, given = (
        np.array(trace.sample("input", 1 << 20).tolist()),
        np.array(trace.sample("output", 1 << 20).tolist()),
    )
    if name == "RReLU":
        assert facts["draws"] == module.training
        bound: Any = module
        left = (known <= 0) & np.isfinite(known) & (np.abs(known) > 1e-3) & (np.abs(known) < 1e30)
        slopes = given[left] / known[left]
        assert ((slopes > bound.lower - 1e-2) & (slopes < bound.upper + 1e-2)).all()
    if name == "CELU":
        f, g = nn.ELU(module.alpha), nn.CELU(module.alpha)  # type: ignore[arg-type]
        line = torch.linspace(-3, 3, 13)
        assert facts["has_corner"] == (not torch.allclose(f(line), g(line)))
    if name in ("Sigmoid", "Hardsigmoid"):
        assert ((given >= 0) & (given <= 1) | np.isnan(known)).all()
    if name in ("Tanh", "Softsign"):
        assert ((np.abs(given) <= 1) | np.isnan(known) | np.isinf(known)).all()
    if name in ("ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "RReLU"):
        kept = known > 0 if name != "ReLU6" else (known > 0) & (known < 6)
        assert (given[kept] == known[kept]).all()
    if name == "ReLU":
        assert (given[known <= 0] == 0).all()


@FEW
@given(data=st.data())
def test_slopes_are_many_where_channels_differ(data: st.DataObject) -> None:
    module, (x,) = prelu(data.draw)[:2]
    trace = traced(module, x)
    if trace is None:
        return
    weights = [float(one) for one in module.weight.detach().reshape(-1)]  # type: ignore[operator]
    shown = trace.tensors["curve.channels"].tolist()  # type: ignore[union-attr]
    assert curve_facts(trace)["many"] == (len({weights[channel] for channel in shown}) > 1)
    assert len(shown) == min(4, len(weights)) and {0, len(weights) - 1} <= set(shown)


AXES = (nn.Softmax, nn.Softmin, nn.LogSoftmax)


@pytest.mark.parametrize("kind", [*AXES, nn.Softmax2d], ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_shares_are_what_they_are_said_to_be(kind: Any, data: st.DataObject) -> None:
    module, (x,) = (softmax2d(data.draw) if kind is nn.Softmax2d else along_an_axis(data.draw, kind))[:2]
    if data.draw(st.booleans()):
        x = x.contiguous().clone()
        x.view(-1)[:1] = data.draw(st.sampled_from([math.inf, -math.inf, -1e4, 60000.0]))
    trace = traced(module, x)
    if trace is None:
        return
    facts = softmax_facts(trace)
    dim = softmax_dim(module, x.ndim)
    if not x.numel():
        assert not any(facts[name] for name in ("sums_to_one", "has_logarithms", "positive"))
        return
    numbers = np.array(x.double().tolist(), dtype=float).reshape(tuple(x.shape) or (1,))
    rows = np.moveaxis(numbers, dim, -1).reshape(-1, x.shape[dim] if x.ndim else 1)
    results = np.array(copy.deepcopy(module)(x).double().tolist(), dtype=float).reshape(
        tuple(x.shape) or (1,)
    )
    made = np.moveaxis(results, dim, -1).reshape(rows.shape)
    rows = -rows if kind is nn.Softmin else rows
    spoilt = [bool(np.isnan(row).any() or row.max() in (math.inf, -math.inf)) for row in rows]
    if kind is nn.LogSoftmax:
        assert facts["has_logarithms"] == (not any(spoilt))
        made = np.exp(made)
    else:
        assert facts["sums_to_one"] == (not any(spoilt))
    if not any(spoilt):
        tolerance = 4 * rows.shape[1] * torch.finfo(x.dtype).eps + 1e-6
        if kind is nn.LogSoftmax:
            tolerance *= 1 + np.abs(rows[np.isfinite(rows)]).max(initial=1.0)
        assert np.abs(made.sum(1) - 1).max() < max(tolerance, 1e-5)
    with np.errstate(invalid="ignore"):
        shifted = [
            math.exp(one - row.max()) if one - row.max() < 1 else math.nan for row in rows for one in row
        ]
    assert facts["positive"] == (not any(spoilt) and min(shifted) > 0)
    assert facts["one_slice"] == (len(rows) == 1 and x.ndim < 2)
    assert facts["rows"] == (
        x.ndim == 2 and [len(row) for row in rows] == [x.shape[1]] * x.shape[0] and dim == 1
    )


@FEW
@given(
    st.lists(st.sampled_from([0.0, 1.0, -2.5, 1e8, 3e7, 0.1, math.inf, math.nan]), min_size=1, max_size=4),
    st.sampled_from([0.0, 100.0, 1.0, -0.1, 1e8, math.inf]),
    st.booleans(),
)
def test_a_shift_is_told_where_the_shifted_rows_are_equal(row: list[float], by: float, spoil: bool) -> None:
    x = torch.tensor([row, [one + by for one in row]])
    if spoil:
        x[1, 0] += 1
    shift = row_shift(x)
    if shift is None:
        return
    first, second = (np.array(one, dtype=float) for one in x.tolist())
    assert np.isfinite([*first, *second]).all()
    assert (first + shift == second).all()
    assert (first - first.max() == second - second.max()).all()
    assert torch.equal(*torch.softmax(x.double(), 1))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_an_adaptive_log_softmax_is_told_as_it_is(data: st.DataObject) -> None:
    module, (x, target) = adaptive(data.draw)[:2]
    wide: Any = copy.deepcopy(module).double()
    if x.ndim == 1:
        x, target = x[None], target[None]
    if x.dtype != torch.float64:
        x, module = x.double(), wide
    trace = check_call(module, x, target)
    edges = [0, *wide.cutoffs]
    expected = []
    for row, label in zip(np.array(x.tolist()), target.tolist(), strict=True):
        cluster = max(k for k, edge in enumerate(edges[:-1]) if label >= edge)
        head = _log_softmax(_weighted(wide.head, row))
        if not cluster:
            expected.append(head[label])
            continue
        first, second = wide.tail[cluster - 1]
        tail = _log_softmax(_weighted(second, _weighted(first, row)))
        expected.append(head[edges[1] + cluster - 1] + tail[label - edges[cluster]])
    routes = Routes.of(wide, target)
    assert [bool(one) for one in routes.cluster] == [label >= edges[1] for label in target.tolist()]
    found = np.array(trace.sample("output").tolist())
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert float(trace.value("loss", ())) == pytest.approx(
        -np.mean(expected), rel=1e-6, abs=1e-6, nan_ok=True
    )


def _weighted(layer: Any, row: np.ndarray) -> np.ndarray:
    found = np.array(layer.weight.tolist()) @ row
    return found if layer.bias is None else found + np.array(layer.bias.tolist())


def _log_softmax(row: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return row - row.max() - np.log(np.exp(row - row.max()).sum())


@FEW
@given(data=st.data())
def test_the_larger_b_the_more_of_a_passes(data: st.DataObject) -> None:
    module, (x,) = glu(data.draw)[:2]
    trace = traced(module, x)
    if trace is None or not trace.output.numel():
        return
    b, gate = (np.array(trace.sample(name, 1 << 20).tolist()) for name in ("b", "gate"))
    order = np.argsort(b[~np.isnan(b)], kind="stable")
    assert (np.diff(gate[~np.isnan(b)][order]) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.integers(1, 8).filter(lambda most: most > 1),
    st.integers(0, 99),
)
def test_of_many_elements_those_are_listed_that_cover_the_range(
    shape: list[int], most: int, seed: int
) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    places = listed(x, most)
    assert places == sorted(set(places)) and len(places) == min(most, x.numel())
    if x.numel():
        values = x.reshape(-1)[places]
        assert {float(values.min()), float(values.max())} == {float(x.min()), float(x.max())}
        ranks = sorted(int((x < value).sum()) for value in values)
        gaps = np.diff(ranks) if len(ranks) > 1 else np.zeros(1)
        assert gaps.max() - gaps.min() <= 1


@given(st.integers(1, 5), st.integers(1, 70), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_channels_that_have_no_curve_are_not_listed(samples: int, channels: int, most: int) -> None:
    shown = spread(channels, 4)
    x = torch.arange(samples * channels * 2.0).reshape(samples, channels, 2)
    assert {place // 2 % channels for place in listed(x, most, shown)} <= set(shown)
    assert shown[0] == 0 and shown[-1] == channels - 1 and len(shown) == min(4, channels)


def test_a_nan_is_among_the_listed() -> None:
    x = torch.arange(100.0)
    x[40] = math.nan
    assert listed(x, 5)[-1] != 40 and 40 in listed(x, 5)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_overview_says_how_many_functions_it_has(lang: str) -> None:
    said = {"en": "Twenty-three activation functions", "zh": "二十三个激活函数"}[lang]
    assert caption("Activations", "overview", "alt", lang).startswith(said)
    assert (len(MODULES), len(FAMILIES)) == (23, 6)


def test_a_figure_takes_no_settings() -> None:
    with pytest.raises(UserError, match=r"^Activations has no argument 'x'\. It takes inputs alone\.$"):
        registry.find("Activations").operator.trace_example(example("Activations"), {"x": 1})


def words(name: str, key: str, facts: Mapping[str, bool]) -> str:
    return caption(name, "default", key, "en", facts, threshold="1")


def test_a_softplus_that_jumps_is_not_called_smooth() -> None:
    operator = registry.find("Softplus").operator
    facts = operator.facts(operator.trace_example(example("Softplus"), {"beta": 10.0, "threshold": 0.4}))
    assert "smooth" not in words("Softplus", "start", facts)
    assert "smooth" in words("Softplus", "start", {**facts, "jumps": False})


@pytest.mark.parametrize(
    ("x", "spoils"),
    [([-math.inf, 0.0], False), ([math.inf, 0.0], True), ([math.nan, 0.0], True), ([0.0, -1e4], False)],
)
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_an_infinity_that_spoils_nothing_is_not_blamed(name: str, x: list[float], spoils: bool) -> None:
    operator = registry.find(name).operator
    facts = operator.facts(operator.trace_example(example(name), {}, str(x).replace("nan", "float('nan')")))
    assert ("makes its slice NaN" in words(name, "done", facts)) == spoils
    assert ("positive" in words(name, "exp", facts)) == (min(x) > -700 and not spoils)
