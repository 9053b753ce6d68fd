"""Padding traces copy what torch copies for any valid call, refuse a wrong one, and every call is drawn."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.check import Reading
from torchreel.render.check.layout import RULES
from torchreel.render.check.stage import watch_scene
from torchreel.scenes import registry
from torchreel.scenes.padding.axes import Axis, axes_of, mode_of
from torchreel.scenes.padding.canvas import ends
from torchreel.scenes.padding.pads import CircularPad1d, ReflectionPad2d
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call

MODES = ("Reflection", "Replication", "Zero", "Constant", "Circular")
CLASSES = [getattr(nn, f"{mode}Pad{dims}d") for mode in MODES for dims in (1, 2, 3)]
SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0])
KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64)


def _most(mode: str, size: int, other: int) -> int:
    """The largest side torch takes where the other one is `other`."""
    return {"Reflection": size - 1, "Circular": size + min(0, other)}.get(mode, 3)


@st.composite
def paddings(draw: st.DrawFn, kind: type[nn.Module]) -> tuple[nn.Module, Tensor]:
    """A module with sides that add and cut off, and an input that it takes, with or without a batch."""
    mode, dims = kind.__name__.split("Pad")[0], int(kind.__name__[-2])
    sizes = draw(st.lists(st.integers(1, 5), min_size=dims, max_size=dims))
    sides: list[int] = []
    for size in reversed(sizes):
        before = draw(st.integers(1 - size, min(3, _most(mode, size, 0))))
        after = draw(st.integers(max(1 - size, 1 - size - before), min(3, _most(mode, size, before))))
        assume(before <= max(0, _most(mode, size, after)) or mode != "Circular")
        sides += [before, after]
    lead = draw(st.sampled_from([(2,), (1, 2), (2, 1), (0, 2)]))
    value = draw(st.sampled_from([0.0, -99, 2.5, math.inf, math.nan]))
    dtype = draw(st.sampled_from(KINDS))
    assume(math.isfinite(value) or dtype.is_floating_point)
    module = kind(tuple(sides), value) if mode == "Constant" else kind(tuple(sides))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    x = 9 * torch.randn(*lead, *sizes, generator=generator)
    if dtype.is_floating_point and draw(st.booleans()):
        x = SPECIAL[torch.randint(len(SPECIAL), (*lead, *sizes), generator=generator)]
    return module, x.to(dtype)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_valid_call_copies_what_torch_copies(kind: type[nn.Module], data: st.DataObject) -> None:
    module, x = data.draw(paddings(kind))
    traced = check_call(module, x)
    assert len(list(zip(range(5), traced.steps("output"), strict=False))) == min(5, traced.output.numel())


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_changed_element_is_refused(kind: type[nn.Module]) -> None:
    dims = int(kind.__name__[-2])
    x = torch.arange(2.0 * 3**dims).reshape(2, *(3,) * dims)
    proved = trace(kind(1, 7) if "Constant" in kind.__name__ else kind(1), x)
    changed = proved.tensors["output"].clone()  # type: ignore[union-attr]
    changed.view(-1)[-1] += 1
    with pytest.raises(TraceError, match=r"output\[.*torch gives"):
        dataclasses.replace(proved, tensors={**proved.tensors, "output": changed})


def trace(module: Any, x: Tensor) -> Trace:
    return check_call(module, x)


def sources(module: Any, x: Tensor, name: str = "column") -> list[float]:
    return [step.value for step in trace(module, x).steps(name)]


LINE = torch.tensor([[5.0, 6, 7, 8]])


def test_reflection_skips_the_edge_replication_repeats_it_circular_wraps() -> None:
    assert sources(nn.ReflectionPad1d((3, 2)), LINE) == [3, 2, 1, 0, 1, 2, 3, 2, 1]
    assert sources(nn.ReplicationPad1d((3, 2)), LINE) == [0, 0, 0, 0, 1, 2, 3, 3, 3]
    assert sources(nn.CircularPad1d((3, 2)), LINE) == [1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_what_is_cut_off_stays_behind_the_mirror_but_does_not_wrap_around() -> None:
    assert sources(nn.ReflectionPad1d((-1, 3)), LINE) == [1, 2, 3, 2, 1, 0]
    assert sources(nn.ReplicationPad1d((2, -4)), LINE) == [0, 0]
    assert sources(nn.CircularPad1d((-1, 3)), LINE) == [1, 2, 3, 1, 2, 3]


def test_the_formula_of_a_place_says_how_it_comes_about() -> None:
    proved = trace(nn.ReflectionPad2d((1, 2, 2, 1)), torch.arange(9.0).reshape(1, 3, 3))
    drawn = {
        (name, at): "".join(token.text for token in proved.step(name, (at,)).tokens(lambda _, v: f"{v:g}"))
        for name, at in (("column", 0), ("column", 5), ("row", 3))
    }
    assert drawn == {
        ("column", 0): "1 − 0",
        ("column", 5): "2·(3 − 1) − (5 − 1)",
        ("row", 3): "3 − 2",
    }


def test_a_constant_is_written_as_the_dtype_holds_it() -> None:
    proved = trace(nn.ConstantPad1d(1, 2.7), torch.ones(1, 2, dtype=torch.int64))
    assert [step.value for step in proved.steps("output")] == [2, 1, 1, 2]
    border = proved.step("output", (0, 0))
    assert list(border.reads) == []


def test_the_input_may_be_given_by_name() -> None:
    assert check_call(nn.ReflectionPad1d(1), input=LINE).output.tolist() == [[6, 5, 6, 7, 8, 7]]
    assert check_call(nn.ZeroPad1d(1), input=LINE).output.tolist() == [[0, 5, 6, 7, 8, 0]]


def test_what_torch_leaves_undefined_is_refused() -> None:
    with pytest.raises(UserError, match="keep 0 of 4 cells"):
        trace(nn.CircularPad1d((-4, 4)), LINE)


@pytest.mark.parametrize(
    "name, given, text, said",
    [
        ("ReflectionPad1d", [4, 0], "[[1, 2, 3, 4]]", r"left=4 is too much for W=4: the mirror .*left <= 3"),
        ("CircularPad2d", [0, 0, 1, 5], None, r"bottom=5 is too much for H=3: .*bottom <= 3"),
        ("ReplicationPad1d", [-3, -3], None, "leave nothing of W=4"),
        ("ZeroPad3d", [1, 2], None, r"tuple of 6 ints: \(left, right, top, bottom, front, back\)"),
        ("ConstantPad1d", "1", None, "should be an integer or a tuple of 2 integers"),
        ("ReflectionPad2d", 1, "[[1, 2], [3, 4]]", r"expected 3D or 4D .*size \[2, 2\]"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(name: str, given: Any, text: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        registry.find(name).operator.trace_example(example(name), {"padding": given}, text)
    assert "\n" not in str(refused.value)


def test_an_axis_knows_what_is_border_kept_and_cut_off() -> None:
    axis = Axis(5, -2, 1)
    assert (axis.out, axis.first, axis.end, axis.kept) == (4, 2, 5, 3)
    assert (axis.span, axis.out_span) == (range(6), range(2, 6))
    assert axis.borders() == ([], [5])
    assert Axis(3, 2, 0).borders() == ([-1, -2], [])


def test_a_long_axis_is_drawn_by_its_two_ends() -> None:
    assert ends(range(-2, 3), 9) == (-2, -1, 0, 1, 2)
    assert ends(range(-2, 40), 5) == (-2, -1, None, 38, 39)


@pytest.mark.parametrize(
    "name, given, text",
    [
        ("ReflectionPad2d", [2, 0, 0, 1], None),
        ("CircularPad2d", 20, "torch.randn(2, 3, 40, 40)"),
        ("ReplicationPad2d", [-2, 2, 3, -2], "[[[float('nan'), -1e5], [float('inf'), 0.5]]]"),
        ("ZeroPad1d", [-5, 5], "torch.randn(2, 5)"),
        ("ConstantPad1d", [100, -7], "torch.randn(1, 300)"),
        ("ReflectionPad1d", 0, "[[1]]"),
        ("ConstantPad2d", 1, "torch.zeros(0, 1, 4, 4)"),
        ("ReplicationPad3d", 3, "torch.randn(2, 3, 20, 30, 40)"),
        ("CircularPad3d", [1, -2, -1, 1, 1, -1], "torch.randn(1, 3, 2, 4)"),
        ("ZeroPad3d", 1, "[[[[1e6]]]]"),
    ],
)
def test_any_call_is_drawn_by_the_layout_rules(name: str, given: Any, text: str | None) -> None:
    scene = registry.find(name)
    chosen = example(name)
    proved = scene.operator.trace_example(chosen, {"padding": given}, text)
    read = Reading(watch_scene(scene, Request(proved, chosen, "en", "light")))
    assert 8 <= round(read.duration, 3) <= 30
    assert [text for rule in RULES if rule != "title_whole" for text in read.broken[rule]] == []


@pytest.mark.parametrize("scene, name", [(ReflectionPad2d, "default"), (CircularPad1d, "crop")])
def test_every_element_of_the_output_is_on_stage_at_the_end(scene: Any, name: str) -> None:
    chosen = example(scene.operator.name, name)
    proved = scene.operator.trace_example(chosen)
    sections = watch_scene(scene, Request(proved, chosen, "zh", "light")).scene.sections
    shown = {number.index for number in sections[-1].numbers if number.tensor == "output"}
    assert len(shown) == proved.output.numel()


@pytest.mark.parametrize(
    "name, first, middle",
    [
        ("ReflectionPad2d", [8, 7, 6, 7, 8, 7, 6], [5, 4, 3, 4, 5, 4, 3]),
        ("ReplicationPad2d", [0, 0, 0, 1, 2, 2, 2], [3, 3, 3, 4, 5, 5, 5]),
        ("ZeroPad2d", [0, 0, 0, 0, 0, 0, 0], [0, 0, 3, 4, 5, 0, 0]),
        ("ConstantPad2d", [-99] * 7, [-99, -99, 3, 4, 5, -99, -99]),
    ],
)
def test_even_is_the_handbooks_call(name: str, first: list[int], middle: list[int]) -> None:
    proved = registry.find(name).operator.trace_example(example(name, "even"))
    assert proved.output[0, 0].tolist() == first
    assert proved.output[0, 3].tolist() == middle


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(CLASSES))
def test_what_is_said_of_a_padding_is_true_of_the_cells_of_the_output(
    data: st.DataObject, kind: type[nn.Module]
) -> None:
    """An input whose elements all differ says which of them the output has, and what is none of them."""
    module, x = data.draw(paddings(kind))
    x = torch.arange(1.0, x.numel() + 1).reshape(x.shape)
    made: Any = registry.find(kind.__name__).operator.trace_call(module, {"input": x}, {})
    facts, dims = made_facts(made), int(kind.__name__[-2])
    if not x.numel():
        return
    here, there = made.shape("input")[-dims:], made.shape("output")[-dims:]
    sides = [module.padding[2 * k : 2 * k + 2] for k in reversed(range(dims))]  # type: ignore[index]
    kept = set(
        itertools.product(
            *(range(max(0, -low), n + min(0, high)) for n, (low, high) in zip(here, sides, strict=True))
        )
    )
    assert facts["cuts"] == (len(kept) < math.prod(here))
    assert facts["adds"] == (len(kept) < math.prod(there))
    assert facts["line"] == (dims == 1)
    assert facts["around"] == all(low > 0 and high > 0 for low, high in sides)
    written = " × ".join(map(str, here)) + " × ".join(map(str, there))
    assert facts["short_sizes"] == (len(written) <= 21)
    plane, output = x[(0,) * (x.ndim - dims)], made.output[(0,) * (x.ndim - dims)]
    for at in kept:
        assert output[tuple(i + low for i, (low, _) in zip(at, sides, strict=True))] == plane[at], (
            "it keeps its place"
        )


@settings(max_examples=100, deadline=None)
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_the_border_is_what_the_sentence_of_its_mode_says(data: st.DataObject, mode: str) -> None:
    """Mirrored without the edge, the edge's value, the other side, one value: counted on a line of places."""
    size, before, after = (
        data.draw(st.integers(2, 6)),
        data.draw(st.integers(0, 5)),
        data.draw(st.integers(0, 5)),
    )
    most = _most(mode, size, 0)
    before, after = min(before, most), min(after, most)
    module = getattr(nn, f"{mode}Pad1d")((before, after), *([7.0] if mode == "Constant" else []))
    line = module(torch.arange(float(size)).reshape(1, 1, size)).flatten().tolist()
    for place, value in zip(range(-before, size + after), line, strict=True):
        outside = -place if place < 0 else place - size + 1
        if not (place < 0 or place >= size):
            assert value == place
        elif mode == "Reflection":
            assert value == (outside if place < 0 else size - 1 - outside), "as far inside as outside"
        elif mode == "Replication":
            assert value == (0 if place < 0 else size - 1), "the edge, however far"
        elif mode == "Circular":
            assert value == (size - outside if place < 0 else outside - 1), "back on the other side"
        else:
            assert value == (7.0 if mode == "Constant" else 0.0), "one value"


def placed(rule: str, **places: int) -> int:
    """A place as a law writes it, computed."""
    for bars in re.findall(r"\|[^|]+\|", rule):
        rule = rule.replace(bars, f"abs({bars[1:-1]})")
    rule = rule.replace("−", "-").replace("mod", "%")
    known = {"min": min, "max": max, "abs": abs}
    return int(eval(rule, {}, {**known, **places}))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_law_says_of_every_element_which_one_of_the_input_it_is(
    kind: type[nn.Module], data: st.DataObject
) -> None:
    module, x = data.draw(paddings(kind))
    x = torch.arange(1.0, x.numel() + 1).reshape(x.shape)
    mode, sides = mode_of(kind.__name__), tuple(module.padding)  # type: ignore[arg-type]
    output = module(x)
    axes = axes_of(sides, x.shape)[::-1]
    for index in itertools.product(*map(range, output.shape)):
        own = index[-len(axes) :]
        read = [placed(axis.source(mode, "j"), j=place) for axis, place in zip(axes, own, strict=True)]
        if all(0 <= at < axis.size for at, axis in zip(read, axes, strict=True)):
            assert output[index] == x[(*index[: -len(axes)], *read)]
        else:
            filled = torch.tensor(getattr(module, "value", 0.0))
            assert mode == "constant" and torch.equal(output[index].nan_to_num(7), filled.nan_to_num(7))


@pytest.mark.parametrize(
    ("module", "shape", "law"),
    [
        (nn.ReflectionPad1d((3, 1)), (1, 1, 4), "y_{j} = x_{v},   v = min(|j − 3|, 9 − j)"),
        (nn.ReplicationPad1d((3, 1)), (2, 3, 4), "y_{n,c,j} = x_{n,c,v},   v = max(0, min(j − 3, 3))"),
        (nn.CircularPad1d((3, 1)), (2, 4), "y_{c,j} = x_{c,v},   v = (j − 3) mod 4"),
        (nn.ZeroPad2d((1, 2, 2, 1)), (1, 3, 3), "y_{i,j} = x_{i − 2,j − 1} or 0"),
        (nn.ZeroPad2d(-1), (1, 3, 3), "y = x_{i + 1,j + 1}"),
        (
            nn.ReplicationPad3d((0, 0, 1, 0, 0, 2)), (1, 1, 2, 3, 4),
            "y_{d,i,j} = x_{t,u,j},   t = min(d, 1),   u = max(0, i − 1)",
        ),
        (nn.ConstantPad1d(1, -1.0), (2, 3, 1, 1, 4), "y_{·,·,n,c,j} = x_{·,·,n,c,j − 1} or −1"),
    ],
)  # fmt: skip
def test_the_law_counts_as_the_numbers_below_it_do(
    module: nn.Module, shape: tuple[int, ...], law: str
) -> None:
    scene, chosen = registry.find(type(module).__name__), example(type(module).__name__)
    proved = scene.operator.trace_call(module, {"input": torch.ones(shape)}, {})
    said = watch_scene(scene, Request(proved, chosen, "en", "light")).scene.said
    assert next(one.text for one in said if one.kind == "law") == law


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("ReflectionPad1d", (1, 1, 4), 2),
        ("ReflectionPad1d", (1, 2, 4), 0),
        ("CircularPad2d", (1, 3, 3), 2),
        ("ReplicationPad2d", (1, 3, 3), 0),
        ("CircularPad3d", (1, 2, 2, 3), 0),
    ],
)
def test_no_line_comes_out_from_behind_a_cell(name: str, shape: tuple[int, ...], count: int) -> None:
    """A line that leaves under another number seems to lead from that one."""
    scene, chosen = registry.find(name), example(name)
    module = getattr(nn, name)((1, 2, 2, 1, 1, 1)[: 2 * int(name[-2])])
    proved = scene.operator.trace_call(
        module, {"input": torch.arange(1.0, 99)[: math.prod(shape)].reshape(shape)}, {}
    )
    stage = watch_scene(scene, Request(proved, chosen, "en", "light")).stages[-1]
    assert sum(isinstance(piece.mobject, Path) for piece in stage.pieces) == count


def made_facts(made: Trace) -> dict[str, bool]:
    """The facts of a padding."""
    return dict(registry.find(made.name).operator.facts(made))
