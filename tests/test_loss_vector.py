"""The losses of vectors are torch's own for any valid call, and their clips show where nothing is lost."""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render.check.check import faults, faults_of
from torchreel.scenes.loss.operator import DISTANCES
from torchreel.scenes.loss.vector.classes_trace import class_facts
from torchreel.scenes.registry import find
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.tests.calls import check_call
from torchreel.tests.strategies.loss import CALLS, far

REDUCTIONS = st.sampled_from(["none", "sum", "mean"])
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16])
WIDE = st.sampled_from([torch.float32, torch.float64])
LOSSES = [
    "CrossEntropyLoss",
    "NLLLoss",
    "MultiMarginLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MarginRankingLoss",
    "CosineEmbeddingLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]
SPECIAL = [math.nan, math.inf, -math.inf]


@st.composite
def tensors(draw: st.DrawFn, *shapes: tuple[int, ...], dtype: torch.dtype) -> list[Tensor]:
    """Random numbers of any size; some tensors hold NaN or an infinity."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    scale = draw(st.sampled_from([1.0, 10.0, 1000.0]))
    made = [(torch.randn(shape, generator=generator) * scale).to(dtype) for shape in shapes]
    if draw(st.integers(0, 4)) == 0 and made[0].numel():
        made[0].view(-1)[0] = draw(st.sampled_from(SPECIAL))
    return made


def numbers(draw: st.DrawFn, shape: tuple[int, ...], low: int, high: int) -> Tensor:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    return torch.randint(low, high, shape, generator=generator)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from([nn.CrossEntropyLoss, nn.NLLLoss]))
def test_class_losses_of_any_call(data: st.DataObject, kind: Callable[..., nn.Module]) -> None:
    draw, classes, dtype = data.draw, data.draw(st.integers(1, 4)), data.draw(DTYPES)
    space = draw(st.sampled_from([None, (), (2,), (2, 3)]))
    samples = draw(st.sampled_from([0, 1, 3]))
    shape = (classes,) if space is None else (samples, classes, *space)
    (scores,) = draw(tensors(shape, dtype=dtype))
    weight = torch.rand(classes, dtype=torch.float32).to(dtype) if draw(st.booleans()) else None
    soft = kind is nn.CrossEntropyLoss and draw(st.booleans())
    smooth = {"label_smoothing": draw(st.sampled_from([0.0, 0.3]))} if kind is nn.CrossEntropyLoss else {}
    ignored = -100 if soft else draw(st.sampled_from([-100, 0]))
    target = (
        draw(tensors(shape, dtype=dtype))[0].abs()
        if soft
        else numbers(draw, () if space is None else (samples, *space), 0, classes)
    )
    check_call(
        kind(weight=weight, ignore_index=ignored, reduction=draw(REDUCTIONS), **smooth), scores, target
    )


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_multi_margin_of_any_call(data: st.DataObject) -> None:
    draw, classes, dtype = data.draw, data.draw(st.integers(1, 4)), data.draw(WIDE)
    batch = draw(st.sampled_from([None, 1, 3]))
    (scores,) = draw(tensors((classes,) if batch is None else (batch, classes), dtype=dtype))
    target = numbers(draw, draw(st.sampled_from([(), (1,)])) if batch is None else (batch,), 0, classes)
    weight = torch.rand(classes, dtype=dtype) if draw(st.booleans()) else None
    margin = draw(st.sampled_from([0.0, 0.5, 2.0]))
    check_call(
        nn.MultiMarginLoss(draw(st.sampled_from([1, 2])), margin, weight, reduction=draw(REDUCTIONS)),
        scores,
        target,
    )


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_multi_label_losses_of_any_call(data: st.DataObject) -> None:
    draw, classes, dtype = data.draw, data.draw(st.integers(1, 4)), data.draw(WIDE)
    shape = draw(st.sampled_from([(classes,), (1, classes), (3, classes)]))
    (scores,) = draw(tensors(shape, dtype=dtype))
    check_call(nn.MultiLabelMarginLoss(reduction=draw(REDUCTIONS)), scores, numbers(draw, shape, -1, classes))
    weight = torch.rand(classes, dtype=dtype) if draw(st.booleans()) else None
    wanted = numbers(draw, shape, 0, 2).to(dtype) if draw(st.booleans()) else torch.rand(shape, dtype=dtype)
    check_call(nn.MultiLabelSoftMarginLoss(weight=weight, reduction=draw(REDUCTIONS)), scores, wanted)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_losses_of_pairs_of_any_call(data: st.DataObject) -> None:
    draw, dtype, reduction = data.draw, data.draw(DTYPES), data.draw(REDUCTIONS)
    margin = draw(st.sampled_from([0.0, 0.5, 2.0]))
    shape = draw(st.sampled_from([(), (0,), (3,), (2, 3)]))
    first, second = draw(tensors(shape, shape, dtype=dtype))
    target = torch.where(numbers(draw, shape, 0, 2) == 1, 1, -1)
    check_call(nn.MarginRankingLoss(margin, reduction=reduction), first, second, target)
    vectors = draw(st.sampled_from([(3,), (1, 3), (4, 2)]))
    first, second = draw(tensors(vectors, vectors, dtype=dtype))
    target = numbers(draw, vectors[:-1], -1, 2)
    check_call(nn.CosineEmbeddingLoss(min(margin, 1), reduction=reduction), first, second, target)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_triplet_losses_of_any_call(data: st.DataObject) -> None:
    draw, dtype = data.draw, data.draw(DTYPES)
    shape = draw(st.sampled_from([(3,), (0, 3), (2, 3), (2, 1, 4)]))
    points = draw(tensors(shape, shape, shape, dtype=dtype))
    common = {"margin": draw(st.sampled_from([0.5, 2.0])), "swap": draw(st.booleans())}
    common["reduction"] = draw(REDUCTIONS)
    order = draw(st.sampled_from([1.0, 2.0, 3.0, math.inf]))
    check_call(nn.TripletMarginLoss(p=order, **common), *points)
    known = [None, nn.PairwiseDistance(1, keepdim=True), torch.pairwise_distance, _far]
    distance = draw(st.sampled_from(known))
    check_call(nn.TripletMarginWithDistanceLoss(distance_function=distance, **common), *points)


def _far(one: Tensor, other: Tensor) -> Tensor:
    """A distance of one's own, with chance in it."""
    return (one - other).abs().sum(-1) + torch.rand(one.shape[:-1], dtype=one.dtype)


def proved(operator: str, name: str = "default") -> Trace:
    trace: Trace = find(operator).operator.trace_example(example(operator, name))
    return trace


@pytest.mark.parametrize("tensor", ["p", "q", "loss", "output"])
def test_a_changed_number_is_refused(tensor: str) -> None:
    trace = proved("CrossEntropyLoss", "weight")
    changed = trace.tensors[tensor] + 1  # type: ignore[operator]
    with pytest.raises(TraceError):
        dataclasses.replace(trace, tensors={**trace.tensors, tensor: changed})


def test_cross_entropy_has_a_minus_and_its_weighted_mean_divides_by_the_weights() -> None:
    trace = proved("CrossEntropyLoss", "weight")
    assert trace.step("loss", (1,)).formula.symbols() == "−w·log(p)"
    assert trace.step("output", ()).formula.symbols() == "(Σ loss) / (Σ w)"
    assert trace.tensors["w"].tolist() == [2, 3, 2]  # type: ignore[union-attr]
    loss = trace.tensors["loss"]
    assert trace.value("output", ()) == pytest.approx(float(loss.sum()) / 7)  # type: ignore[union-attr]


def test_an_ignored_sample_is_not_counted() -> None:
    trace = proved("CrossEntropyLoss", "ignore_index")
    assert trace.value("loss", (1,)) == 0
    assert trace.step("output", ()).formula.symbols() == "(Σ loss) / 2"


def test_smoothing_spreads_its_share() -> None:
    trace = proved("CrossEntropyLoss", "handbook")
    expected = torch.tensor([[0.1, 0.6, 0.1, 0.1, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(trace.tensors["q"], expected)
    assert trace.value("output", ()) == pytest.approx(1.51873851)


def test_targets_end_at_the_first_minus_one() -> None:
    trace = proved("MultiLabelMarginLoss")
    hinge = trace.tensors["hinge"]
    assert (hinge[0, 2:] == 0).all() and (hinge[0, :, [0, 3]] == 0).all()  # type: ignore[index, union-attr]
    assert trace.value("loss", (0,)) == pytest.approx(0.4)
    assert len(list(trace.step("loss", (0,)).reads)) == 6  # two right classes, each beside three wrong ones


@pytest.mark.parametrize(
    "operator",
    ["MultiMarginLoss", "MultiLabelMarginLoss", "CosineEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss",
     "TripletMarginWithDistanceLoss"],
)  # fmt: skip
def test_the_default_has_a_sample_in_the_dead_zone_and_one_outside(operator: str) -> None:
    loss = proved(operator).tensors["loss"]
    assert (loss == 0).any()  # type: ignore[union-attr]
    assert (loss > 0).any()  # type: ignore[union-attr, operator]


def test_swap_takes_the_smaller_distance() -> None:
    trace = proved("TripletMarginLoss", "swap")
    assert trace.value("between", (0,)) < trace.value("to_negative", (0,))
    assert "min(to_negative, between)" in trace.step("loss", (0,)).formula.symbols()


def words(operator: str, name: str, changes: dict[str, Any] | None = None, **inputs: Any) -> list[str]:
    """What a clip says in English, and its alternative text."""
    scene = find(operator)
    chosen = example(operator, name)
    chosen = dataclasses.replace(
        chosen, kwargs={**chosen.kwargs, **(changes or {})}, inputs={**chosen.inputs, **inputs}
    )
    told = scene(Request(scene.operator.trace_example(chosen), chosen, "en"))
    beats = list(told.story())
    return [*dict.fromkeys(told._sentences(beat, "en") for beat in beats), told.alt["en"]]


def test_weight_and_smoothing_together_are_told_together() -> None:
    trace = find("CrossEntropyLoss").operator.trace_example(
        dataclasses.replace(
            example("CrossEntropyLoss", "weight"), kwargs={"weight": [1, 2, 3], "label_smoothing": 0.1}
        )
    )
    losses = [trace.value("loss", (row,)) for row in range(3)]
    assert losses == pytest.approx([0.67, 1.35, 1.94], abs=0.005)
    assert trace.value("output", ()) == pytest.approx(0.79, abs=0.005)
    assert trace.step("loss", (0,)).formula.symbols() == "−(Σ weight·q·log(p))"
    said = words("CrossEntropyLoss", "weight", {"label_smoothing": 0.1})
    assert any("w·q" in one for one in said)
    assert not any("weight of its class" in one for one in said)


@pytest.mark.parametrize("operator", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_words_name_the_reduction_that_there_is(operator: str, reduction: str) -> None:
    said = words(operator, "default", {"reduction": reduction})
    named = {one.split(":")[0] for one in said} & {"mean", "sum", "none"}
    assert named == {reduction}
    assert not any(other in said[-1] for other in {"averaged", "without reduction", "reduced"})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_facts_of_a_loss_of_classes(data: st.DataObject) -> None:
    draw, classes, samples = data.draw, data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    (scores,) = draw(tensors((samples, classes), dtype=torch.float32))
    soft, smoothing = draw(st.booleans()), draw(st.sampled_from([0.0, 0.2]))
    target = numbers(draw, (samples,), 0, classes)
    given_target = nn.functional.one_hot(target, classes).float() if soft else target
    weight = torch.ones(classes) if draw(st.booleans()) else None
    ignored = -100 if soft else draw(st.sampled_from([-100, 0]))
    module = nn.CrossEntropyLoss(weight, ignore_index=ignored, label_smoothing=smoothing)
    facts = class_facts(torchreel.trace(module, scores, given_target))
    assert facts["soft"] == soft
    assert facts["smoothed"] == bool(smoothing)
    assert facts["weighted"] == (weight is not None)
    assert facts["ignores_some"] == (not soft and ignored in target.tolist())
    assert facts["several_samples"] == (samples != 1)
    assert facts["two_samples"] == (samples == 2)
    assert facts["reduction_mean"] and not facts["reduction_sum"] and not facts["reduction_none"]


def without_reduction(module: Any, inputs: Any) -> list[float]:
    """The losses one by one, as torch gives them."""
    plain = copy.deepcopy(module)
    plain.reduction = "none"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: list[float] = plain(*inputs).reshape(-1).tolist()
    return found


@pytest.mark.parametrize("operator", LOSSES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_captions_claim_is_true_of_any_call(operator: str, data: st.DataObject) -> None:
    module, inputs = CALLS[operator](data.draw)[:2]
    if getattr(module, "distance_function", None) is far:
        module.distance_function = torch.pairwise_distance
    trace = torchreel.trace(module, *inputs)
    facts, losses = find(operator).operator.facts(trace), without_reduction(module, inputs)
    for name in ("mean", "sum", "none"):
        assert facts[f"reduction_{name}"] == (module.reduction == name)
    assert facts["several_samples"] == (len(losses) > 1)
    assert facts["two_samples"] == (len(losses) == 2)
    assert facts["weighted"] == (dict(module.named_buffers()).get("weight") is not None)
    assert facts["squared"] == (getattr(module, "p", None) == 2)


@pytest.mark.parametrize("operator", LOSSES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_sign_before_the_result_says_what_torch_divides_by(operator: str, data: st.DataObject) -> None:
    module, inputs = CALLS[operator](data.draw)[:2]
    if getattr(module, "distance_function", None) is far:
        module.distance_function = torch.pairwise_distance
    trace = torchreel.trace(module, *inputs)
    losses = without_reduction(module, inputs)
    if not losses:
        return
    scene = find(operator)(Request(trace, example(operator), "en"))
    list(scene.story())
    sign = scene._operation()
    if module.reduction != "mean":
        assert sign == {"sum": "Σ", "none": ""}[module.reduction]
        return
    mean, by = float(trace.output), sign.removeprefix("Σ ÷ ")
    divisor = float(trace.tensors["w"].sum()) if by == "Σw" else float(by)
    if math.isfinite(mean) and divisor and all(map(math.isfinite, losses)):
        # torch adds up in its own type, so what cancels may leave a rounding error behind
        size = sum(map(abs, losses)) / abs(divisor)
        assert mean == pytest.approx(sum(losses) / divisor, rel=0.02, abs=0.02 * size + 1e-6)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_softmax_in_steps_reads_as_exponentials_over_their_sum(data: st.DataObject) -> None:
    module, inputs = CALLS["CrossEntropyLoss"](data.draw)[:2]
    tensors = torchreel.trace(module, *inputs).tensors
    scores, target = inputs
    axis = min(1, scores.ndim - 1)
    short = scores.shape[axis] <= 3 and all(abs(value) <= 9 for value in scores.double().flatten().tolist())
    hard = target.shape != scores.shape and not module.label_smoothing and module.weight is None
    assert ("exp" in tensors) == ("sum" in tensors) == (short and hard)
    if "exp" in tensors:
        rows = torch.movedim(tensors["exp"], axis, -1).reshape(-1, scores.shape[axis]).tolist()
        probabilities = torch.movedim(tensors["p"], axis, -1).reshape(-1, scores.shape[axis]).tolist()
        for row, given_row in zip(rows, probabilities, strict=True):
            assert given_row == pytest.approx([one / sum(row) for one in row])


def squares(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).pow(2).sum(-1)


@pytest.mark.parametrize(
    "function, name, said",
    [
        (None, "", "Two distances from the anchor."),
        (nn.PairwiseDistance(3), "PairwiseDistance", "Two distances from the anchor."),
        (nn.functional.pairwise_distance, "pairwise_distance", "Two distances from the anchor."),
        ("cos", "cos_distance", "Distance: 1 − cos of the angle to the anchor."),
        (squares, "squares", "Two distances, by the function that was given."),
        (
            lambda one, other: squares(one, other),
            "<lambda>",
            "Two distances, by the function that was given.",
        ),
        (nn.CosineSimilarity(), "CosineSimilarity", "Two distances, by the function that was given."),
        (functools.partial(squares), "partial", "Two distances, by the function that was given."),
    ],
)
def test_the_words_follow_the_distance_function(function: Any, name: str, said: str) -> None:
    scene = find("TripletMarginWithDistanceLoss")
    chosen = dataclasses.replace(
        example("TripletMarginWithDistanceLoss"),
        kwargs={} if function is None else {"distance_function": function},
    )
    told = scene(Request(scene.operator.trace_example(chosen), chosen, "en"))
    spoken = {told._sentences(beat, "en") for beat in told.story()}
    title = "".join(text for text, _ in told.call())
    assert said in spoken
    assert not any("cos" in one for one in spoken | {told.alt["en"]}) or function == "cos"
    assert "0x" not in title and (name in title)
    anchor, positive = (told.trace.tensors[name] for name in ("anchor", "positive"))
    assert isinstance(anchor, Tensor) and isinstance(positive, Tensor)
    cos = (anchor * positive).sum(-1) / (anchor.norm(dim=-1) * positive.norm(dim=-1))
    if told.facts["cosine_distance"]:
        torch.testing.assert_close(told.trace.module.distance_function(anchor, positive), 1 - cos)  # type: ignore[union-attr,operator]
    assert told.facts["cosine_distance"] == (function == "cos")


@pytest.mark.parametrize(
    "module, inputs",
    [
        (nn.CrossEntropyLoss(), (torch.zeros(2, 3), torch.tensor([0, 7]))),
        (nn.NLLLoss(), (torch.zeros(2, 3), torch.tensor([0]))),
        (nn.MultiMarginLoss(), (torch.zeros(2, 3), torch.tensor([0]))),
        (nn.CosineEmbeddingLoss(), (torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 2))),
        (nn.TripletMarginLoss(), (torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(3))),
    ],
)
def test_what_torch_refuses_is_one_line(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    with pytest.raises(UserError, match=type(module).__name__) as refused:
        torchreel.trace(module, *inputs)
    assert "\n" not in str(refused.value)


PAIR = ("input1", "input2", "target")
MANY = {"input": "torch.randn(40, 30)", "target": "torch.randint(0, 30, (40,))"}
NAN = {"input": [[math.nan, 1.0, math.inf]], "target": [0]}
TRIPLE = ("anchor", "positive", "negative")


@pytest.mark.parametrize(
    "operator, changes, inputs",
    [
        ("CrossEntropyLoss", {"reduction": "none"}, MANY),
        ("CrossEntropyLoss", {"weight": [1, 2, 0.5]}, NAN),
        ("CrossEntropyLoss", {}, {"input": "torch.randn(2, 3, 2, 2)", "target": "torch.randint(0, 3, (2, 2, 2))"}),
        ("CrossEntropyLoss", {}, {"input": "torch.zeros(0, 3)", "target": "torch.zeros(0)"}),
        ("CrossEntropyLoss", {"label_smoothing": 0.2}, {"input": [1.0, 2.0], "target": 1}),
        ("NLLLoss", {"reduction": "sum"}, MANY),
        ("NLLLoss", {}, NAN),
        ("MultiMarginLoss", {"p": 2, "margin": 5.0}, MANY),
        ("MultiMarginLoss", {}, {"input": [1e6], "target": 0}),
        ("MultiMarginLoss", {}, NAN),
        ("MultiLabelMarginLoss", {}, {"input": "torch.randn(3, 12)", "target": "torch.randint(0, 12, (3, 12))"}),
        ("MultiLabelSoftMarginLoss", {}, {"input": "torch.randn(6, 9) * 100", "target": "torch.rand(6, 9)"}),
        ("MarginRankingLoss", {"reduction": "none"}, dict.fromkeys(PAIR, "torch.randn(3, 4)")),
        ("CosineEmbeddingLoss", {"margin": -0.5}, dict.fromkeys(PAIR[:2], "torch.randn(3, 40)")),
        ("CosineEmbeddingLoss", {}, {"input1": [0.0, 0.0], "input2": [1.0, 0.0], "target": -1}),
        ("TripletMarginLoss", {"swap": True}, dict.fromkeys(TRIPLE, "torch.randn(9, 40)")),
        ("TripletMarginLoss", {"margin": 0.01}, dict.fromkeys(TRIPLE, "torch.zeros(2, 3)")),
        ("TripletMarginLoss", {}, {"anchor": [math.nan, 1.0], "positive": [0.0, 0.0], "negative": [1e9, 0.0]}),
    ],
)  # fmt: skip
def test_any_call_is_drawn(operator: str, changes: dict[str, Any], inputs: dict[str, Any]) -> None:
    assert faults(operator, "default", changes, inputs=inputs) == []


@pytest.mark.parametrize("function", [None, *DISTANCES.values(), lambda x, y: 1 - F.cosine_similarity(x, y)])
def test_a_distance_is_called_a_cosine_only_where_it_is_one(function: Any) -> None:
    torch.manual_seed(0)
    vectors = [torch.randn(3, 2) for _ in range(3)]
    loss = nn.TripletMarginWithDistanceLoss(distance_function=function, reduction="none")
    facts = find("TripletMarginWithDistanceLoss").operator.facts(torchreel.trace(loss, *vectors))
    anchor, positive, negative = (one.double().tolist() for one in vectors)

    def cosine(x: list[float], y: list[float]) -> float:
        return 1 - sum(a * b for a, b in zip(x, y, strict=True)) / math.hypot(*x) / math.hypot(*y)

    rows = zip(anchor, positive, negative, strict=True)
    losses = [max(0.0, cosine(a, p) + 1 - cosine(a, n)) for a, p, n in rows]
    if facts["cosine_distance"]:
        assert loss(*vectors).tolist() == pytest.approx(losses, abs=1e-4)
    assert facts["cosine_distance"] == (function is DISTANCES["cos"])


@pytest.mark.parametrize("seed", range(0, 24, 3))
def test_the_names_of_a_triplet_stand_apart(seed: int) -> None:
    torch.manual_seed(seed)
    loss = nn.TripletMarginLoss(margin=(1.0, 0.1, 5.0)[seed // 3 % 3], swap=seed % 2 == 1)
    vectors = [torch.randn(2, 3) * (0.1 if seed % 4 == 2 else 1) for _ in range(3)]
    assert faults_of(torchreel.trace(loss, *vectors)) == []
