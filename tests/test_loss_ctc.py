"""CTC loss is proved cell by cell for any lengths, and its lattice lights exactly the paths that spell the target."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import torchreel
from torchreel.assets.examples import example
from torchreel.render.check.check import faults
from torchreel.render.check.stage import proved, watch
from torchreel.scenes.api import called
from torchreel.scenes.loss.ctc.ctc import CTCLoss
from torchreel.scenes.loss.ctc.trace import ctc_facts
from torchreel.scenes.stage.telling import Request
from torchreel.tests.calls import check_call


@st.composite
def calls(draw: st.DrawFn) -> tuple[nn.Module, list[Any]]:
    """Batched or not, padded or flat targets, lengths as tensors or tuples, targets too long to spell included."""
    classes, times, blank = draw(st.integers(2, 4)), draw(st.integers(1, 7)), draw(st.integers(0, 1))
    samples = draw(st.integers(1, 3))
    module = nn.CTCLoss(blank, draw(st.sampled_from(["none", "sum", "mean"])), draw(st.booleans()))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    log_probs = torch.randn(times, samples, classes, generator=generator).to(dtype).log_softmax(2)
    inputs = [draw(st.integers(1, times)) for _ in range(samples)]
    lengths = [draw(st.integers(0, 4)) for _ in range(samples)]
    others = [label for label in range(classes) if label != blank]
    rows = [[others[draw(st.integers(0, len(others) - 1))] for _ in range(4)] for _ in range(samples)]
    if draw(st.booleans()):
        return module, [
            log_probs[:, 0],
            torch.tensor(rows[0][: lengths[0]]).long(),
            torch.tensor(inputs[0]),
            torch.tensor(lengths[0]),
        ]
    targets = torch.tensor(rows)
    if draw(st.booleans()):
        flat = [label for row, length in zip(rows, lengths, strict=True) for label in row[:length]]
        targets = torch.tensor(flat, dtype=torch.int64)
    as_given = tuple if draw(st.booleans()) else torch.tensor
    return module, [log_probs, targets, as_given(inputs), as_given(lengths)]


@settings(max_examples=80, deadline=None)
@given(calls())
def test_any_call_is_proved(call: tuple[nn.Module, list[Any]]) -> None:
    check_call(call[0], *call[1])


def spells(path: tuple[int, ...], target: list[int]) -> bool:
    """Whether a path reads as the target once repeats are merged and blanks (0) dropped."""
    merged = [label for label, _ in itertools.groupby(path)]
    return [label for label in merged if label] == target


@pytest.mark.parametrize("target", [[1, 1, 2], [1, 2], [2], []])
def test_paths_and_probability_are_those_of_all_spellings(target: list[int]) -> None:
    log_probs = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)).double().log_softmax(1)
    traced = torchreel.trace(
        nn.CTCLoss(reduction="none"), log_probs, torch.tensor(target, dtype=torch.int64), torch.tensor(5),
        torch.tensor(len(target)),
    )  # fmt: skip
    spelt = [path for path in itertools.product(range(3), repeat=5) if spells(path, target)]
    total = sum(float(log_probs[range(5), list(path)].sum().exp()) for path in spelt)
    paths = traced.tensors["paths"]
    assert isinstance(paths, Tensor)
    ends = paths[0, -1, -2:] if target else paths[0, -1, -1:]
    assert int(ends.sum()) == len(spelt)
    torch.testing.assert_close(traced.output, -torch.tensor(total).double().log(), rtol=1e-6, atol=1e-6)


def test_a_blank_before_a_repeated_label_is_not_skipped() -> None:
    trace = CTCLoss.operator.trace_example(example("CTCLoss"))
    into_repeat = trace.step("alpha", (0, 2, 3))
    into_other = trace.step("alpha", (0, 3, 5))
    assert sum(tensor == "alpha" for tensor, _ in into_repeat.reads) == 2
    assert sum(tensor == "alpha" for tensor, _ in into_other.reads) == 3


def test_the_mean_divides_by_the_targets_length() -> None:
    trace = CTCLoss.operator.trace_example(example("CTCLoss"))
    torch.testing.assert_close(trace.output.double(), trace.tensors["nll"][0] / 3, rtol=1e-6, atol=1e-6)


def told(changes: dict[str, Any] | None = None, **inputs: Any) -> tuple[CTCLoss, list[str]]:
    """A clip with other settings and inputs, and what it says in English."""
    chosen = example("CTCLoss")
    kwargs = {**chosen.kwargs, **(changes or {})}
    chosen = dataclasses.replace(chosen, kwargs=kwargs, inputs={**chosen.inputs, **inputs})
    scene = CTCLoss(Request(CTCLoss.operator.trace_example(chosen), chosen, "en"))
    beats = list(scene.story())
    return scene, [*dict.fromkeys(scene._sentences(beat, "en") for beat in beats), scene.alt["en"]]


def test_a_target_without_a_path_is_told() -> None:
    no_blank_nor_first = [[-math.inf, -0.6, -0.8]] * 5
    scene, said = told({"zero_infinity": True}, log_probs=no_blank_nor_first)
    assert scene.facts["impossible"] and scene.facts["zeroed"]
    assert any("zero_infinity=True makes the loss 0" in one for one in said)
    assert not any("−log of" in one or "what remains" in one for one in said)
    scene, said = told(log_probs=no_blank_nor_first)
    assert not scene.facts["zeroed"]
    assert any("the loss is infinite" in one for one in said)


def test_what_is_no_log_probability_is_not_called_one() -> None:
    scene, said = told(log_probs=torch.randn(50, 20, generator=torch.Generator().manual_seed(0)).tolist())
    assert not scene.facts["input_is_log_probabilities"]
    assert not any("probabilit" in one for one in said)
    assert CTCLoss(
        Request(CTCLoss.operator.trace_example(example("CTCLoss")), example("CTCLoss"), "en")
    ).facts["input_is_log_probabilities"]


@pytest.mark.parametrize("scale", [1.0, 40.0, 2000.0])
def test_probabilities_too_small_or_too_large_for_a_float_are_proved_in_logarithms(scale: float) -> None:
    log_probs = torch.randn(40, 5, generator=torch.Generator().manual_seed(2)) * scale
    trace = torchreel.trace(
        nn.CTCLoss(reduction="none"), log_probs, torch.tensor([1, 2, 2]), torch.tensor(40), torch.tensor(3)
    )
    torch.testing.assert_close(
        trace.output.double().reshape(()), trace.tensors["loss"][0], rtol=1e-4, atol=1e-4
    )


@settings(max_examples=40, deadline=None)
@given(calls())
def test_facts_of_any_call(call: tuple[nn.Module, list[Any]]) -> None:
    module, inputs = call
    trace = torchreel.trace(module, *inputs)
    facts = ctc_facts(trace)
    losses = trace.tensors["nll"].tolist()
    assert facts["impossible"] == math.isinf(losses[0])
    assert facts["zeroed"] == (math.isinf(losses[0]) and module.zero_infinity)
    assert facts["several_samples"] == (len(losses) > 1)
    length = int(torch.as_tensor(inputs[3]).reshape(-1)[0])
    assert facts["two_ends"] == (length > 0)
    assert facts["input_is_log_probabilities"]


def merged(path: tuple[int, ...], blank: int) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != blank]


@settings(max_examples=40, deadline=None)
@given(calls(), st.integers(-1, 3))
def test_what_is_said_of_the_first_sample_is_true_of_all_its_paths(
    call: tuple[nn.Module, list[Any]], never: int
) -> None:
    """Each path through time is tried: none may spell an impossible target; one or two places end those that do."""
    module, (log_probs, targets, inputs, lengths) = call
    log_probs = log_probs.clone()
    if 0 <= never < log_probs.shape[-1]:
        log_probs[..., never] = -math.inf
    trace = torchreel.trace(module, log_probs, targets, inputs, lengths)
    facts = ctc_facts(trace)
    first = log_probs[:, 0] if log_probs.ndim == 3 else log_probs
    times, length = (int(torch.as_tensor(given).reshape(-1)[0]) for given in (inputs, lengths))
    target = torch.as_tensor(targets).reshape(-1)[:length].tolist()
    paths = itertools.product(range(first.shape[-1]), repeat=times)
    spelt = [path for path in paths if merged(path, module.blank) == target]
    possible = [path for path in spelt if all(first[t, label] > -math.inf for t, label in enumerate(path))]
    assert facts["impossible"] == (not possible)
    assert facts["zeroed"] == (not possible and module.zero_infinity)
    assert facts["two_ends"] == (length > 0)
    if not facts["two_ends"]:
        assert {path[-1] for path in spelt} <= {module.blank}
    scene = CTCLoss(Request(trace, example("CTCLoss"), "en"))
    list(scene.story())
    assert scene.values()["paths"] == str(len(spelt))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(1, 12), st.integers(1, 12), st.integers(0, 59), st.integers(0, 99))
def test_the_frame_stands_on_the_labels_own_class_and_what_is_left_out_is_said(
    classes: int, times: int, length: int, blank: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    blank, samples = blank % classes, 1 + seed % 2
    log_probs = torch.randn(times, samples, classes, generator=generator).log_softmax(2)
    others = torch.tensor([label for label in range(classes) if label != blank])
    targets = others[torch.randint(len(others), (samples, length), generator=generator)]
    trace = torchreel.trace(nn.CTCLoss(blank), log_probs, targets, [times] * samples, [length] * samples)
    scene = CTCLoss(Request(trace, example("CTCLoss"), "en"))
    list(scene.story())
    board = scene.board
    spelling = [blank, *itertools.chain(*((label, blank) for label in targets[0].tolist()))]
    for time, place in itertools.product(range(board.times), range(board.places)):
        row = board.classes.index(spelling[place])
        assert board.probabilities.index((row, time)) == (time, 0, spelling[place])
        assert board.grid_of_alpha.index((place, time)) == (0, time, place)
    notes = " ".join(text.text for note in scene._notes() for text in note)
    assert ("sample 1" in notes) == (samples > 1)
    assert (f"of {classes}" in notes) >= (len(board.classes) < classes)
    assert ("time steps" in notes) == (board.times < times)
    assert ("labels" in notes) == (board.places < 2 * length + 1)


@pytest.mark.parametrize("name", ["alpha", "paths", "nll", "loss", "output"])
def test_a_changed_number_is_refused(name: str) -> None:
    trace = CTCLoss.operator.trace_example(example("CTCLoss"))
    with pytest.raises(torchreel.TraceError, match="CTCLoss: a step gives"):
        dataclasses.replace(trace, tensors={**trace.tensors, name: trace.tensors[name] + 1})


@pytest.mark.parametrize(
    ("changes", "inputs"),
    [
        ({"reduction": "none"}, {}),
        ({"reduction": "sum"}, {}),
        ({"blank": 2}, {"targets": [1, 0, 1]}),
        ({}, {"log_probs": "torch.randn(20, 9)", "input_lengths": 20}),
        ({}, {"log_probs": "torch.randn(2, 3)", "input_lengths": 2}),
        ({"zero_infinity": True}, {"log_probs": "torch.randn(2, 3)", "input_lengths": 2}),
        ({}, {"targets": [], "target_lengths": 0}),
        ({}, {"log_probs": "torch.randn(6, 2, 3)", "targets": [[1, 1, 2], [2, 1, 2]], "input_lengths": [6, 5],
              "target_lengths": [3, 2]}),
    ],
)  # fmt: skip
def test_any_call_is_drawn(changes: dict[str, Any], inputs: dict[str, Any]) -> None:
    assert faults("CTCLoss", "default", changes, inputs=inputs) == []


def test_the_law_stands_as_long_as_the_first_words_and_adds_a_skip_only_where_there_is_one() -> None:
    scene = watch(example("CTCLoss"), proved("CTCLoss", "default"), "en", "light").scene
    first = next(said.time for said in scene.said if said.kind == "numbers")
    assert first > 2 and "[+ α_{t−1,s−2}]" in scene.said[0].text
    assert any(said.text.startswith("P( 1 – 1 – 2 ) = 0.60·") for said in scene.said)
    log_probs, targets = torch.full((3, 1, 2), 0.5).log(), torch.tensor([[1]])
    lone = called(nn.CTCLoss(), (log_probs, targets, (3,), (1,)), {}).trace
    laws = {
        one.text for one in watch(example("CTCLoss"), lone, "en", "light").scene.said if one.kind == "law"
    }
    assert not any("s−2" in law for law in laws)
