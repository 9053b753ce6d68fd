"""Element-wise losses: proved for any call, drawn on curves that agree with their numbers, by the layout rules."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.check.check import faults
from torchreel.render.check.stage import proved, watch
from torchreel.scenes import registry
from torchreel.scenes.loss.elementwise.facts import facts as trace_facts
from torchreel.scenes.loss.elementwise.laws_trace import LAWS
from torchreel.scenes.loss.elementwise.trace import MOST_SHOWN, LossCells, Span, places, shown
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0, 30.0, -100.0])
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (5,), (0,), (3, 4), (2, 0), (2, 3, 2))
REDUCTIONS = ({"reduction": "none"}, {"reduction": "sum"}, {"reduction": "mean"},
              {"size_average": False}, {"reduce": False})  # fmt: skip
PLAIN = REDUCTIONS[:3]
CLASSES = ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss",
           "PoissonNLLLoss", "GaussianNLLLoss", "SoftMarginLoss", "HingeEmbeddingLoss")  # fmt: skip
NAMES = [(name, each) for name in CLASSES for each in examples()[name]]


class Calls:
    """What a drawn call is made of: one shape and type, values of several kinds, and how the losses are joined."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.shape = draw(st.sampled_from(SHAPES))
        self.dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
        self.special = draw(st.booleans())
        self.generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))

    def number(self, *values: float) -> float:
        return self.draw(st.sampled_from(values))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def reduced(self, legacy: bool = True) -> dict[str, object]:
        return dict(self.draw(st.sampled_from(REDUCTIONS if legacy else PLAIN)))

    def any(self, shape: tuple[int, ...] | None = None) -> Tensor:
        shape = self.shape if shape is None else shape
        if self.special:
            return SPECIAL[torch.randint(len(SPECIAL), shape, generator=self.generator)].to(self.dtype)
        return (torch.randn(shape, generator=self.generator) * 2).to(self.dtype)

    def share(self, shape: tuple[int, ...] | None = None) -> Tensor:
        shape = self.shape if shape is None else shape
        return torch.rand(shape, generator=self.generator).to(self.dtype)

    def among(self, *values: float) -> Tensor:
        chosen = torch.randint(len(values), self.shape, generator=self.generator)
        return torch.tensor(values)[chosen].to(self.dtype)

    def weights(self, *names: str) -> dict[str, Tensor]:
        """Some of the named weights, for the last dimension."""
        return {name: self.share(self.shape[-1:]) * 3 for name in names if self.flag()}


def smaller(calls: Calls) -> Tensor:
    """A target of the same shape, or one that is broadcast."""
    return calls.any(calls.shape[1:] if calls.flag() else None)


def called(name: str, calls: Calls) -> tuple[nn.Module, tuple[Tensor | float, ...]]:
    """A valid call of a class."""
    joined = calls.reduced(legacy=name not in ("GaussianNLLLoss", "HuberLoss"))
    match name:
        case "L1Loss" | "MSELoss":
            return getattr(nn, name)(**joined), (calls.any(), smaller(calls))
        case "SmoothL1Loss":
            return nn.SmoothL1Loss(beta=calls.number(0.0, 0.5, 1.0), **joined), (calls.any(), smaller(calls))
        case "HuberLoss":
            return nn.HuberLoss(delta=calls.number(0.5, 1.0, 3.0), **joined), (calls.any(), smaller(calls))
        case "BCELoss":
            target = calls.share() if calls.flag() else calls.among(0.0, 1.0)
            given = calls.among(0.0, 1.0, 0.25) if calls.flag() else calls.share()
            return nn.BCELoss(**calls.weights("weight"), **joined), (given, target)
        case "BCEWithLogitsLoss":
            target = calls.any() if calls.flag() else calls.among(0.0, 1.0)
            module = nn.BCEWithLogitsLoss(**calls.weights("weight", "pos_weight"), **joined)
            return module, (calls.any(), target)
        case "KLDivLoss":
            if calls.flag():
                joined = {"reduction": "batchmean"}
            target = calls.any() if calls.flag() else calls.among(0.0, 0.5, 1.0)
            return nn.KLDivLoss(log_target=calls.flag(), **joined), (calls.any(), target)
        case "PoissonNLLLoss":
            module = nn.PoissonNLLLoss(calls.flag(), calls.flag(), eps=calls.number(1e-8, 0.5), **joined)
            return module, (calls.any(), calls.any())
        case "GaussianNLLLoss":
            shapes = [calls.shape, *([calls.shape[:-1], (*calls.shape[:-1], 1)] if calls.shape else [])]
            var = 0.5 if calls.flag() else calls.share(calls.draw(st.sampled_from(shapes)))
            module = nn.GaussianNLLLoss(full=calls.flag(), eps=calls.number(1e-6, 0.3), **joined)
            return module, (calls.any(), calls.any(), var)
        case "SoftMarginLoss":
            return nn.SoftMarginLoss(**joined), (calls.any(), calls.among(-1.0, 1.0, 0.5))
    module = nn.HingeEmbeddingLoss(margin=calls.number(0.5, 1.0), **joined)
    return module, (calls.any(), calls.among(-1.0, 1.0, 0.0))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_valid_call_is_proved(name: str, data: st.DataObject) -> None:
    module, inputs = called(name, Calls(data.draw))
    check_call(module, *inputs)


@pytest.mark.parametrize("name", CLASSES)
def test_a_changed_result_is_refused(name: str) -> None:
    trace = proved(name, "default")
    changed = trace.tensors["output"] + 0.1  # type: ignore[operator]
    with pytest.raises(TraceError, match=r"output\[.*torch gives"):
        dataclasses.replace(trace, tensors={**trace.tensors, "output": changed})


def drawn(trace: Trace) -> Span:
    """The curves of a clip."""
    return LAWS[trace.name].drawn(trace.module)


def on_its_curve(trace: Trace) -> None:
    """Each of the shown elements lies on the curve that has its own target, factor or variance."""
    span, shape = drawn(trace), trace.shape("loss")
    height = "unweighted" if "unweighted" in trace.tensors else "loss"
    _, numbers = span.curves(trace.tensors, shape)  # type: ignore[arg-type]
    along = trace.sample("curve.x")
    chosen = torch.tensor(span.elements(trace.tensors, shape), dtype=torch.int64)  # type: ignore[arg-type]
    spots = LossCells(trace.tensors, places(chosen, shape), torch.float64)  # type: ignore[arg-type]
    xs, ys = (spots.value(name) for name in (span.x, height))
    assert len(numbers) == math.prod(shown(shape)) <= MOST_SHOWN
    for x, y, number in zip(xs.tolist(), ys.tolist(), numbers, strict=True):
        curve = trace.sample(f"curve.{number}")
        right = min(max(1, int((along <= x).sum())), len(along) - 1)
        near = curve[max(0, right - 2) : right + 2]
        assert float(near.min()) - 2e-3 <= y <= float(near.max()) + 2e-3, (x, y, number)


@pytest.mark.parametrize("name, each", NAMES)
def test_each_loss_lies_on_its_own_curve(name: str, each: str) -> None:
    on_its_curve(proved(name, each))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(400,), (9,), (30, 1), (3, 40), (2, 3, 9)]), st.integers(0, 99), st.booleans())
def test_of_many_elements_those_shown_reach_over_the_whole_range(
    shape: tuple[int, ...], seed: int, special: bool
) -> None:
    """The least and the largest finite difference are among them, each element once, and both branches of Huber."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3
    if special:
        values.view(-1)[::4] = math.nan
    trace = torchreel.trace(nn.HuberLoss(), values, torch.zeros(shape))
    numbers = drawn(trace).elements(trace.tensors, shape)  # type: ignore[arg-type]
    flat = values.reshape(-1).tolist()
    finite = [value for value in flat if math.isfinite(value)]
    found = [flat[number] for number in numbers]
    assert len(set(numbers)) == len(numbers) == MOST_SHOWN
    assert min(finite) in found and max(finite) in found
    if len(finite) >= MOST_SHOWN:
        assert all(map(math.isfinite, found))
        for kind in (abs(min(finite)) > 1, abs(max(finite)) > 1):
            assert not kind or any(abs(value) > 1 for value in found)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_each_column_has_a_curve_with_its_own_factor(data: st.DataObject) -> None:
    factors = data.draw(st.lists(st.sampled_from([0.25, 0.67, 1.0, 4.0]), min_size=1, max_size=4))
    rows = data.draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    target = (torch.rand(rows, len(factors), generator=generator) > 0.5).float()
    given_ = torch.randn(rows, len(factors), generator=generator)
    on_its_curve(torchreel.trace(nn.BCEWithLogitsLoss(pos_weight=torch.tensor(factors)), given_, target))


@pytest.mark.parametrize(
    "name, each, divisor",
    [
        ("L1Loss", "default", 5),
        ("L1Loss", "handbook", 15),
        ("KLDivLoss", "default", 2),
        ("KLDivLoss", "mean", 6),
        ("BCELoss", "weight", 4),
    ],
)
def test_a_mean_divides_by_what_the_clip_says(name: str, each: str, divisor: int) -> None:
    trace = proved(name, each)
    assert trace.value("output", ()) == pytest.approx(trace.value("total", ()) / divisor, rel=1e-5)
    assert trace.step("output", ()).tokens(lambda tensor, value: "", 2)[-1].text == str(divisor)


def test_smooth_l1_is_huber_divided_by_beta() -> None:
    smooth, huber = proved("SmoothL1Loss", "handbook"), proved("HuberLoss", "handbook")
    torch.testing.assert_close(smooth.tensors["loss"], huber.tensors["loss"])
    inputs = proved("SmoothL1Loss", "default").inputs
    smooth, huber = (
        torchreel.trace(one, **inputs) for one in (nn.SmoothL1Loss(beta=0.5), nn.HuberLoss(delta=0.5))
    )
    torch.testing.assert_close(smooth.tensors["loss"], huber.tensors["loss"] / 0.5)  # type: ignore[operator]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_captions_claim_is_true_of_the_call(name: str, data: st.DataObject) -> None:
    module, inputs = called(name, Calls(data.draw))
    trace = torchreel.trace(module, *inputs)
    facts, target = trace_facts(trace), torch.as_tensor(trace.tensors["target"])
    assert facts["weighted"] == (getattr(module, "weight", None) is not None)
    factors = getattr(module, "pos_weight", None)
    assert facts["pos_weighted"] == (factors is not None)
    assert facts["single_factor"] == (factors is not None and len(set(factors.reshape(-1).tolist())) == 1)
    assert facts["hard_targets"] == set(target.reshape(-1).tolist()).issubset({0.0, 1.0})
    assert facts["log_target"] == getattr(module, "log_target", False)
    assert facts["has_parabola"] == (name in ("HuberLoss", "SmoothL1Loss") and vars(module).get("beta") != 0)
    switch = {"HuberLoss": "delta", "SmoothL1Loss": "beta"}.get(name)
    assert facts["has_line"] == (switch is None or getattr(module, switch) != math.inf)
    for setting in ("log_input", "full"):
        assert facts[setting] == vars(module).get(setting, False)
    assert facts["eps_counts"] == (vars(module).get("eps", 0) >= 0.3)
    columns = trace.output.shape if module.reduction == "none" else trace.shape("loss")
    assert facts["several_columns"] == (len(columns) > 0 and columns[-1] > 1)
    if name == "GaussianNLLLoss":
        assert facts["eps_used"] == any(one < module.eps for one in trace.sample("var").tolist())
    if facts["distributions"]:
        rows = torch.as_tensor(trace.tensors["loss"])
        assert all(sum(row) >= -1e-9 for row in rows.reshape(-1, rows.shape[-1]).tolist())


def test_a_logarithm_does_not_fall_below_minus_100() -> None:
    trace = torchreel.trace(nn.BCELoss(reduction="none"), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert trace.tensors["loss"].tolist() == [100.0, 100.0]  # type: ignore[union-attr]
    assert trace.step("loss", (0,)).formula.symbols() == "−max(log(input), −100)"


def test_beyond_the_margin_nothing_is_lost() -> None:
    trace = proved("HingeEmbeddingLoss", "margin")
    assert trace.value("loss", (2,)) == 0
    assert trace.value("input", (2,)) > 2


@pytest.mark.parametrize(
    "name, overrides, given, said",
    [
        ("BCELoss", {}, "[2.0, 0.5, 0.1, 0.3]", "between 0 and 1"),
        ("L1Loss", {"reduction": "average"}, None, "average is not a valid value for reduction"),
        ("HuberLoss", {"delta": -1.0}, None, "delta"),
        ("SmoothL1Loss", {"beta": -1.0}, None, "beta"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    name: str, overrides: dict[str, object], given: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        registry.find(name).operator.trace_example(example(name), overrides, given)
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name, each, overrides, given",
    [
        ("L1Loss", "default", {}, "torch.randn(40, 3, 5)"),
        ("MSELoss", "none", {}, "torch.randn(60, 5) * 1e6"),
        ("MSELoss", "default", {"reduction": "sum"}, "2.5"),
        ("HuberLoss", "default", {"delta": 1e9}, "torch.full((3, 5), float('nan'))"),
        ("SmoothL1Loss", "default", {"beta": 0.0}, None),
        ("BCELoss", "weight", {"reduction": "none"}, None),
        ("BCEWithLogitsLoss", "default", {"reduction": "sum"}, "[float('inf'), 1e9, -1e9, float('nan')]"),
        ("BCEWithLogitsLoss", "handbook", {"pos_weight": [0.67, 0.82, 4]}, None),
        ("KLDivLoss", "mean", {}, "torch.randn(30, 2, 3)"),
        ("KLDivLoss", "default", {"reduction": "none"}, "torch.full((2, 3), float('-inf'))"),
        ("PoissonNLLLoss", "default", {"full": True}, "[300.0, -300.0, 0.0, float('nan')]"),
        ("PoissonNLLLoss", "log_input", {"eps": 0.5}, None),
        ("GaussianNLLLoss", "default", {"eps": 50.0}, "[1e5, 0.0, 1.0, 2.0]"),
        ("SoftMarginLoss", "default", {}, "[100.0, -100.0, 0.0, 1.0]"),
        ("HingeEmbeddingLoss", "margin", {"margin": -5.0}, "[-9.0, 0.0, 9.0, 1.0]"),
    ],
)
def test_any_call_is_drawn_by_the_laws(
    name: str, each: str, overrides: dict[str, object], given: str | None
) -> None:
    assert faults(name, each, overrides, given) == []


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, [2, 1, 0.5, 1]])
@pytest.mark.parametrize("pos_weight", [None, [3.0], [0.67, 0.82, 4, 1]])
def test_weight_factor_and_reduction_go_together(
    reduction: str, weight: list[float] | None, pos_weight: list[float] | None
) -> None:
    given = {"weight": weight, "pos_weight": pos_weight}
    changes = {"reduction": reduction, **{name: value for name, value in given.items() if value}}
    assert faults("BCEWithLogitsLoss", "default", changes) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["BCELoss", "BCEWithLogitsLoss", "HingeEmbeddingLoss", "SoftMarginLoss"])
def test_the_two_targets_have_the_same_colours_in_every_loss(name: str, theme: str) -> None:
    show = watch(example(name), proved(name, "default"), "en", theme)
    panel, look = show.scene.panel, show.scene.look  # type: ignore[attr-defined]
    for number in range(panel.count):
        hue = look.theme.channel(0 if panel.value("target", number) == 1 else 1)
        grid = panel.left.grids["target"][0]
        assert grid.fill((number, 0)) == look.theme.tint(hue, 0.24)
        if name != "SoftMarginLoss":
            assert panel.graph.color(panel.numbers[number]) == hue


def test_of_no_elements_the_clip_says_that_there_is_none() -> None:
    trace = torchreel.trace(nn.L1Loss(reduction="sum"), torch.zeros(2, 0, 5), torch.zeros(2, 0, 5))
    show = watch(example("L1Loss", "sum"), trace, "en", "light")
    assert [section.name for section in show.scene.sections] == ["nothing"]


def test_the_alternative_text_tells_the_reduction_that_is_drawn() -> None:
    for reduction, said in (("sum", "The losses are added up."), ("none", "as they are")):
        trace = registry.find("L1Loss").operator.trace_example(
            example("L1Loss"), {"reduction": reduction}, None
        )
        show = watch(example("L1Loss"), trace, "en", "light")
        assert said in show.scene.alt["en"]


def test_what_lies_outside_the_graph_is_said_and_another_element_is_told() -> None:
    made = torchreel.trace(nn.L1Loss(), torch.tensor([math.inf, 2.0, 3.0]), torch.zeros(3))
    show = watch(example("L1Loss"), made, "en", "light")
    assert show.scene.figure().index != (0,)  # type: ignore[union-attr]
    assert any(text.mobject.text == "no dot: outside the graph" for text in show.stages[-1].texts)


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        ([0.123456, 0.5], ["0.123", "0.5"]),
        ([0.123456, 0.123312], ["0.1235", "0.1233"]),
        ([2.5e-10, 1.0], ["2.5e−10", "1"]),
    ],
)
def test_curves_are_named_with_no_more_digits_than_tell_them_apart(
    targets: list[float], named: list[str]
) -> None:
    made = torchreel.trace(nn.BCELoss(), torch.tensor([0.2, 0.7]), torch.tensor(targets))
    scene: Any = watch(example("BCELoss"), made, "en", "light").scene
    names = [name.split(":")[0] for name in scene.panel.graph.names.curves]
    assert {f"y = {one}" for one in named} <= {*names}


@settings(max_examples=20)
@given(st.lists(st.floats(-(2.0**40), 2.0**40, width=32), min_size=1, max_size=8))
def test_every_element_up_to_a_million_has_its_dot(xs: list[float]) -> None:
    made = torchreel.trace(nn.MSELoss(), torch.tensor(xs), torch.zeros(len(xs)))
    scene: Any = watch(example("MSELoss"), made, "en", "light").scene
    for number in range(scene.panel.count):
        is_far = abs(scene.panel.value("difference", number)) > 1e6
        assert (len(scene.panel.mark(number)) == 0) == is_far
