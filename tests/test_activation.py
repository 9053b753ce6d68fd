"""Element-wise activations: proved for any call, with their regimes and slopes and what makes each of them special."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.layout import large_enough, no_overlap, shapes_inside, texts_inside
from torchreel.render.check.stage import watch_scene
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

SIZES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
POSITIVE = st.sampled_from([0.1, 0.5, 1.0, 2.5])
FACTOR = st.sampled_from([-2.0, -0.1, 0.0, 0.01, 0.5, 1.0, 3.0])
INPLACE = st.booleans()
LOWER = st.sampled_from([-0.1, 0.125])
SPECIAL = [
    math.nan,
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    0.5,
    -0.5,
    0.1,
    3.0,
    -3.0,
    6.0,
    20.0,
    -100.0,
    1e38,
    -1e38,
    1e-40,
]
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]

Make = Callable[[Callable[..., Any]], nn.Module]
MODULES: dict[type[nn.Module], Make] = {
    nn.CELU: lambda draw: nn.CELU(draw(st.sampled_from([-1.0, 0.5, 1.0, 2.0])), draw(INPLACE)),
    nn.ELU: lambda draw: nn.ELU(draw(FACTOR), draw(INPLACE)),
    nn.GELU: lambda draw: nn.GELU(draw(st.sampled_from(["none", "tanh"]))),
    nn.Hardshrink: lambda draw: nn.Hardshrink(draw(FACTOR)),
    nn.Hardsigmoid: lambda draw: nn.Hardsigmoid(draw(INPLACE)),
    nn.Hardswish: lambda draw: nn.Hardswish(draw(INPLACE)),
    nn.Hardtanh: lambda draw: nn.Hardtanh(draw(st.sampled_from([-5, -1, 0.1])), draw(st.sampled_from([0.3, 1, 5])),
                                          draw(INPLACE)),
    nn.LeakyReLU: lambda draw: nn.LeakyReLU(draw(FACTOR), draw(INPLACE)),
    nn.LogSigmoid: lambda draw: nn.LogSigmoid(),
    nn.Mish: lambda draw: nn.Mish(draw(INPLACE)),
    nn.ReLU: lambda draw: nn.ReLU(draw(INPLACE)),
    nn.ReLU6: lambda draw: nn.ReLU6(draw(INPLACE)),
    nn.RReLU: lambda draw: nn.RReLU(draw(LOWER), 0.5, draw(INPLACE)).train(draw(INPLACE)),
    nn.SELU: lambda draw: nn.SELU(draw(INPLACE)),
    nn.SiLU: lambda draw: nn.SiLU(draw(INPLACE)),
    nn.Sigmoid: lambda draw: nn.Sigmoid(),
    nn.Softplus: lambda draw: nn.Softplus(draw(st.sampled_from([-1, 0.5, 1, 3])), draw(st.sampled_from([1, 20, 500]))),
    nn.Softshrink: lambda draw: nn.Softshrink(draw(st.sampled_from([0.0, 0.1, 0.5, 3.0]))),
    nn.Softsign: lambda draw: nn.Softsign(),
    nn.Tanh: lambda draw: nn.Tanh(),
    nn.Tanhshrink: lambda draw: nn.Tanhshrink(),
    nn.Threshold: lambda draw: nn.Threshold(draw(FACTOR), draw(FACTOR), draw(INPLACE)),
}  # fmt: skip


def tensors(draw: Callable[..., Any], shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Random numbers, or special ones, sometimes as a view with its own strides."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    wide = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    if draw(st.booleans()):
        special = torch.tensor(SPECIAL, dtype=torch.float64)
        wide = special[torch.randint(len(SPECIAL), shape, generator=generator)]
    x = wide.to(dtype)
    return x.transpose(0, -1) if shape and draw(st.booleans()) else x


@pytest.mark.parametrize("kind", MODULES, ids=lambda kind: kind.__name__)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_call_is_torchs_own(kind: type[nn.Module], data: st.DataObject) -> None:
    module = MODULES[kind](data.draw)
    kinds = DTYPES[:3] if kind is nn.RReLU else DTYPES  # torch has no RReLU for float16
    x = tensors(data.draw, data.draw(SIZES), data.draw(st.sampled_from(kinds)))
    traced = check_call(module, x)
    assert traced.shape("regime") == traced.shape("output") == tuple(x.shape)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_prelu_has_a_slope_a_channel(data: st.DataObject) -> None:
    shape = data.draw(SIZES)
    channels = shape[1] if len(shape) > 1 and shape[1] else 1
    module = nn.PReLU(data.draw(st.sampled_from([1, channels])))
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    with torch.no_grad():
        module.weight.copy_(torch.linspace(-0.5, 0.7, module.weight.numel()))
    x = tensors(lambda strategy: data.draw(strategy) if strategy is not INPLACE else False, shape, dtype)
    check_call(module.to(dtype), x.contiguous() if x.shape == shape else x.transpose(0, -1))


@pytest.mark.parametrize(
    "kind", [nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.Softsign, nn.Tanhshrink]
)
def test_whole_numbers_are_taken_where_torch_takes_them(kind: type[nn.Module]) -> None:
    check_call(kind(), torch.tensor([[-7, 0, 3], [9, 1, -1]]))


def test_a_threshold_of_whole_numbers_loses_its_decimals() -> None:
    traced = check_call(nn.Threshold(0.5, 20.7), torch.tensor([-3, 0, 1]))
    assert traced.output.tolist() == [20, 20, 1]


@pytest.mark.parametrize("kind", [nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish])
def test_a_gate_lies_between_0_and_1_and_multiplies(kind: type[nn.Module]) -> None:
    x = torch.tensor([-30.0, -2.0, 0.0, 0.5, 4.0, 1e4])
    traced = torchreel.trace(kind(), x)
    gate = traced.tensors["gate"]
    assert bool(((gate >= 0) & (gate <= 1)).all())  # type: ignore[operator, union-attr]
    torch.testing.assert_close((x.double() * gate).float(), kind()(x))  # type: ignore[operator]


def test_a_gate_is_read_off_before_the_output_is_made_of_it() -> None:
    traced = torchreel.trace(nn.SiLU(), torch.tensor([-2.0]))
    assert traced.step("gate", (0,)).formula.symbols() == "σ(input)"
    assert list(traced.step("output", (0,)).reads) == [("input", (0,)), ("gate", (0,))]


@pytest.mark.parametrize(
    ("module", "x"), [(nn.Threshold(3, 2), 1.0), (nn.Hardshrink(), 0.25), (nn.Softshrink(), -0.25)]
)
def test_what_takes_the_place_of_x_still_reads_it(module: nn.Module, x: float) -> None:
    step = torchreel.trace(module, torch.tensor([x])).step("output", (0,))
    assert list(step.reads) == [("input", (0,))]
    assert step.formula.symbols() == f"{abs(step.value):g}"


def test_a_changed_value_is_refused() -> None:
    traced = torchreel.trace(nn.LeakyReLU(0.1), torch.tensor([-2.0, 3.0]))
    with pytest.raises(TraceError, match=r"output\[0\]; torch gives 7"):
        dataclasses.replace(traced, tensors={**traced.tensors, "output": torch.tensor([7.0, 3.0])})


def test_rrelu_records_the_slopes_it_drew() -> None:
    torch.manual_seed(3)
    module, x = nn.RReLU().train(), torch.tensor([[-4.0, 2.0], [-1.0, -0.5]])
    traced = torchreel.trace(module, x)
    drawn = traced.tensors["a"]
    torch.testing.assert_close(traced.output, torch.where(x > 0, x, x * drawn))  # type: ignore[operator]
    assert len({round(float(value), 6) for value in drawn[x <= 0]}) == 3  # type: ignore[index]


def test_the_formula_bar_states_the_piece_that_holds() -> None:
    step = torchreel.trace(nn.LeakyReLU(0.1), torch.tensor([-2.0, 3.0])).step("output", (0,))
    assert step.formula.symbols() == "0.1·input"
    assert "".join(token.text for token in step.tokens(lambda tensor, value: f"{value:g}")) == "0.1·-2"


def moment(kind: nn.Module) -> list[float]:
    traced = torchreel.trace(kind, torch.zeros(1))
    found: list[float] = traced.tensors["moments"][1].tolist()  # type: ignore[index]
    return found


def test_selu_keeps_mean_0_and_variance_1() -> None:
    assert moment(nn.SELU()) == pytest.approx([0, 1], abs=1e-6)


def test_logsigmoid_does_not_overflow_where_two_steps_do() -> None:
    x = torch.tensor([-1e38, -1e4, -110.0])
    assert torch.log(torch.sigmoid(x)).isinf().all()
    assert torchreel.trace(nn.LogSigmoid(), x).output.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("kind", "bounds", "limit"),
    [("ELU", slice(0, 1), -1.0), ("Sigmoid", slice(0, 1), 0.0)],
)
def test_the_left_end_comes_near_its_limit(kind: str, bounds: slice, limit: float) -> None:
    traced = registry.find(kind).operator.trace_example(example(kind))
    assert traced.tensors["curve.output"][0, bounds].item() == pytest.approx(limit, abs=0.02)  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "place", "depth"), [("SiLU", -1.28, -0.28), ("Mish", -1.19, -0.31), ("GELU", -0.75, -0.17)]
)
def test_smooth_gates_dip_below_zero_where_their_captions_say(kind: str, place: float, depth: float) -> None:
    traced = registry.find(kind).operator.trace_example(example(kind))
    x, y = traced.tensors["curve.x"], traced.tensors["curve.output"][0]  # type: ignore[index]
    assert float(y.min()) == pytest.approx(depth, abs=0.01)
    assert float(x[y.argmin()]) == pytest.approx(place, abs=0.06)  # type: ignore[index]


def test_a_jump_is_recorded_with_the_side_that_owns_it() -> None:
    traced = torchreel.trace(nn.Threshold(3.0, 2.0), torch.tensor([1.0]))
    x, value, other = traced.tensors["curve.jumps"][0].tolist()  # type: ignore[index]
    assert (x, value) == (3, 2)
    assert other == pytest.approx(3, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("CELU", {"alpha": 0.0}, "ZeroDivisionError|cannot be 0"),
        ("Softshrink", {"lambd": -1.0}, "lambda must be"),
        ("PReLU", {"num_parameters": 2}, "parameter numbers|channel"),
        ("GELU", {"approximate": "erf"}, "approximate"),
    ],
)
def test_what_torch_refuses_is_said_in_one_line(kind: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        registry.find(kind).operator.trace_example(example(kind), settings)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "settings", "given"),
    [
        ("ReLU", {}, "torch.randn(4, 8, 16)"),
        ("ReLU", {}, "[nan, inf, -inf, 1e30, -1e-30]"),
        ("GELU", {}, "[[nan], [nan]]"),
        ("PReLU", {"num_parameters": 3}, "torch.randn(2, 3, 2)"),
        ("SELU", {}, "1e6 * torch.randn(3, 3)"),
        ("Hardshrink", {"lambd": -1.0}, None),
        ("Softplus", {"beta": -1.0, "threshold": 1.0}, None),
        ("Threshold", {"threshold": 100.0, "value": -100.0}, None),
        ("Hardtanh", {"min_val": -1000.0, "max_val": 0.001}, "[0.5]"),
        ("LeakyReLU", {"negative_slope": -3.0}, "torch.zeros(1)"),
        ("LogSigmoid", {}, "torch.zeros(0, 3)"),
        ("RReLU", {"lower": 0.0, "upper": 2.0}, "-1 * torch.rand(3, 4)"),
        ("Softplus", {"beta": 10.0, "threshold": 0.4}, "[0.03, 0.05, 0.1, 0.3, 0.4, 0.5]"),
        ("LeakyReLU", {"negative_slope": 2.0}, "[-1, 2]"),
        ("LeakyReLU", {"negative_slope": -2.0}, "[-4.6, 5.4]"),
        ("Mish", {}, "3680.5894"),
        ("ELU", {"alpha": 0.0}, None),
        ("ReLU6", {}, "[7.0]"),
        ("Softshrink", {"lambd": 0.0}, None),
        ("Softshrink", {}, "torch.arange(-5, 5.1, 0.3)"),
        ("PReLU", {"num_parameters": 64}, "torch.randn(2, 64, 5, 5)"),
    ],
)
def test_any_call_is_drawn_within_the_rules(kind: str, settings: dict[str, Any], given: str | None) -> None:
    chosen = example(kind)
    scene = registry.find(kind)
    traced: Trace = scene.operator.trace_example(chosen, settings, given)
    show = watch_scene(scene, Request(traced, chosen, "en", "light"))
    assert 8 <= show.scene.time <= 30
    rules = (texts_inside, no_overlap, shapes_inside, large_enough)
    assert [text for stage in show.stages for rule in rules for text in rule(stage)] == []


def drawn(kind: str, name: str, settings: dict[str, Any], given: str | None = None) -> Any:
    chosen, scene = example(kind, name), registry.find(kind)
    return watch_scene(
        scene, Request(scene.operator.trace_example(chosen, settings, given), chosen, "en", "light")
    ).scene


def test_what_is_left_out_is_said() -> None:
    scene = drawn("PReLU", "default", {"num_parameters": 64}, "torch.randn(2, 64, 5, 5)")
    assert scene.notes() == ["7 of 3200 elements are listed", "4 of 64 channels are shown"]


@pytest.mark.parametrize(("name", "said"), [("default", False), ("eval", True)])
def test_the_title_says_that_rrelu_evaluates(name: str, said: bool) -> None:
    assert ((".eval()", True) in drawn("RReLU", name, {}).call()) is said


def facts(kind: str, **settings: Any) -> Mapping[str, bool]:
    operator = registry.find(kind).operator
    return operator.facts(operator.trace_example(example(kind), settings))


@pytest.mark.parametrize("slope", [-2.0, -0.1, 0.0, 0.01, 0.5, 1.0, 3.0])
def test_a_slope_leaks_if_it_is_a_part_of_the_one_on_the_right(slope: float) -> None:
    assert facts("LeakyReLU", negative_slope=slope)["leaks"] is (0 < slope < 1)


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_an_elu_levels_out_unless_alpha_is_0(alpha: float) -> None:
    assert facts("ELU", alpha=alpha)["bends_left"] is (alpha != 0)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_an_elu_has_a_corner_where_celu_differs_from_it(alpha: float) -> None:
    x = torch.linspace(-3, 3, 13)
    differs = not torch.allclose(nn.ELU(alpha)(x), nn.CELU(alpha)(x))
    assert facts("CELU", alpha=alpha)["has_corner"] is differs


@pytest.mark.parametrize(
    ("settings", "jumps", "above"),
    [
        ({}, False, True),
        ({"beta": 10.0, "threshold": 0.4}, True, True),
        ({"beta": -1.0, "threshold": 20.0}, False, False),
        ({"beta": 1.0, "threshold": 20.0}, False, True),
    ],
)
def test_softplus_jumps_where_its_threshold_comes_early(
    settings: dict[str, float], jumps: bool, above: bool
) -> None:
    found = facts("Softplus", **settings)
    assert (found["jumps"], found["above_relu"]) == (jumps, above)


@pytest.mark.parametrize("lambd", [-1.0, 0.0, 0.5, 3.0])
def test_shrinkage_is_what_it_does_to_small_and_large_numbers(lambd: float) -> None:
    assert facts("Hardshrink", lambd=lambd)["shrinks"] is (lambd > 0)
    if lambd >= 0:
        assert facts("Softshrink", lambd=lambd)["shifts"] is (lambd > 0)


@pytest.mark.parametrize(("low", "high", "like"), [(-1.0, 1.0, True), (-5.0, 5.0, False), (0.0, 1.0, False)])
def test_hardtanh_is_like_tanh_between_its_limits_alone(low: float, high: float, like: bool) -> None:
    assert facts("Hardtanh", min_val=low, max_val=high)["like_tanh"] is like


def test_rrelu_draws_in_training_alone() -> None:
    operator = registry.find("RReLU").operator
    assert [
        operator.facts(operator.trace_example(example("RReLU", name)))["draws"]
        for name in ("default", "eval")
    ] == [
        True,
        False,
    ]
