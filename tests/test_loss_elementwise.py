"""Element-wise losses: proved for any call, drawn on curves that agree with their numbers, by the layout rules."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example, examples
from torchreel.render.check.check import Reading
from torchreel.render.check.stage import proved, watch_scene
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import TraceError
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


@pytest.mark.parametrize("name, each", [(name, each) for name, each in NAMES if name != "KLDivLoss"])
def test_each_loss_lies_on_the_curve_that_is_drawn(name: str, each: str) -> None:
    trace = proved(name, each)
    spot = next(axis for axis in ("difference", "agreement", "input") if axis in trace.tensors)
    height = "unweighted" if "unweighted" in trace.tensors else "loss"
    xs, ys = trace.sample(spot), trace.sample(height)
    curves = [trace.sample(key) for key in trace.tensors if key.startswith("curve.") and key[6:].isdigit()]
    along = trace.sample("curve.x")
    for x, y in zip(xs, ys, strict=True):
        left = max(0, int((along <= x).sum()) - 1)
        pairs = [(curve[left], curve[min(left + 1, len(curve) - 1)]) for curve in curves]
        assert any(min(a, b) - 2e-3 <= y <= max(a, b) + 2e-3 for a, b in pairs), (x, y)


@pytest.mark.parametrize(
    "name, each, divisor",
    [
        ("L1Loss", "default", 15),
        ("KLDivLoss", "default", 3),
        ("KLDivLoss", "mean", 15),
        ("BCELoss", "weight", 3),
    ],
)
def test_a_mean_divides_by_what_the_clip_says(name: str, each: str, divisor: int) -> None:
    trace = proved(name, each)
    assert trace.value("output", ()) == pytest.approx(trace.value("total", ()) / divisor, rel=1e-5)
    assert trace.step("output", ()).tokens(lambda tensor, value: "", 2)[-1].text == str(divisor)


def test_smooth_l1_is_huber_divided_by_beta() -> None:
    smooth, huber = proved("SmoothL1Loss", "beta"), proved("HuberLoss", "delta")
    torch.testing.assert_close(smooth.tensors["loss"], huber.tensors["loss"] / 0.5)  # type: ignore[operator]


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
        ("BCELoss", {}, "[2.0, 0.5, 0.1]", "between 0 and 1"),
        ("BCELoss", {}, "[0.1, 0.5]", "different to the input size"),
        ("L1Loss", {"reduction": "average"}, None, "average is not a valid value for reduction"),
        ("HuberLoss", {"delta": -1.0}, None, "delta"),
        ("SmoothL1Loss", {"beta": -1.0}, None, "beta"),
        ("MSELoss", {}, "torch.zeros(4)", "must match"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    name: str, overrides: dict[str, object], given: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        registry.find(name).operator.trace_example(example(name), overrides, given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name, each, overrides, given",
    [
        ("L1Loss", "default", {}, "torch.randn(40, 3, 5)"),
        ("MSELoss", "none", {}, "torch.randn(60, 3, 5) * 1e6"),
        ("MSELoss", "default", {"reduction": "sum"}, "2.5"),
        ("L1Loss", "sum", {}, "torch.zeros(2, 0, 3, 5)"),
        ("HuberLoss", "default", {"delta": 1.9}, None),
        ("KLDivLoss", "mean", {}, "torch.randn(30, 3, 5)"),
        ("HuberLoss", "default", {"delta": 1e9}, "torch.full((3, 5), float('nan'))"),
        ("SmoothL1Loss", "default", {"beta": 0.0}, None),
        ("BCEWithLogitsLoss", "default", {"reduction": "sum"}, "[float('inf'), 1e9, -1e9]"),
        ("KLDivLoss", "default", {"reduction": "none"}, "torch.full((3, 5), float('-inf'))"),
        ("PoissonNLLLoss", "default", {"full": True}, "[300.0, -300.0, 0.0, float('nan')]"),
        ("GaussianNLLLoss", "default", {"eps": 50.0}, "[1e5, 0.0, 1.0, 2.0]"),
        ("SoftMarginLoss", "default", {}, "[[100.0, -100.0]]"),
        ("HingeEmbeddingLoss", "margin", {"margin": -5.0}, "[-9.0, 0.0, 9.0, 1.0]"),
    ],
)
def test_any_call_is_drawn_by_the_layout_rules(
    name: str, each: str, overrides: dict[str, object], given: str | None
) -> None:
    scene, chosen = registry.find(name), example(name, each)
    trace = scene.operator.trace_example(chosen, overrides, given)
    show = watch_scene(scene, Request(trace, chosen, "en", "light"))
    broken = {
        rule: found[:2] for rule, found in Reading(show).broken.items() if found and rule != "title_whole"
    }
    assert broken == {}
    assert 3 <= show.scene.time <= 15.5
