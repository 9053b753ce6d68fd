"""Any valid call of any operator becomes a clip that says what is true of it and keeps the picture laws."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

import torchreel
from torchreel.assets.examples import examples
from torchreel.render.check.check import faults_of
from torchreel.render.encoders.mp4 import cut
from torchreel.render.ledger import captions
from torchreel.scenes.api import called
from torchreel.scenes.catalogue import names_known, operator
from torchreel.scenes.trace.calling import plain
from torchreel.scenes.trace.copying import copied
from torchreel.scenes.trace.settings import Spelled, settings_of
from torchreel.tests.calls import same
from torchreel.tests.strategies import calls

NAMES = [name for name in names_known() if hasattr(nn, name)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3)
@given(data=st.data())
def test_any_valid_call_is_drawn_without_a_breach(name: str, data: st.DataObject) -> None:
    module, inputs, kwargs = data.draw(calls(name))
    assert faults_of(called(module, inputs, kwargs).trace) == []


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_read_back_as_the_examples_write_them(name: str) -> None:
    for one in examples()[name].values():
        module = operator(name).build(one.kwargs)
        assert module is not None
        found = settings_of(module, one.kwargs)
        assert found.keys() == one.kwargs.keys()
        plain = {key: value for key, value in found.items() if not isinstance(value, Spelled)}
        assert plain == {key: one.kwargs[key] for key in plain}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(data=st.data())
def test_a_module_made_with_the_arguments_read_back_is_the_same(name: str, data: st.DataObject) -> None:
    module, inputs, kwargs = data.draw(calls(name))
    found = settings_of(module)
    if any(isinstance(value, Spelled) for value in found.values()):
        return
    again, own = type(module)(**found).train(module.training), copied(module)
    for mine, theirs in zip(again.modules(), own.modules(), strict=True):
        mine._parameters.update(theirs._parameters)
        mine._buffers.update(theirs._buffers)
    results = []
    for one in (module, again):
        torch.manual_seed(0)
        results.append(copied(one)(*plain(list(inputs)), **kwargs))
    same(*results)


@pytest.mark.parametrize(
    ("module", "call"),
    [
        (nn.Conv1d(2, 4, (3,)), "nn.Conv1d(2, 4, kernel_size=3)"),
        (nn.MaxPool2d((2, 2), stride=(2, 2)), "nn.MaxPool2d(kernel_size=2)"),
        (nn.MaxPool2d(2, stride=(2, 1)), "nn.MaxPool2d(2, stride=(2, 1))"),
        (nn.LayerNorm((4, 4)), "nn.LayerNorm(normalized_shape=(4, 4))"),
        (nn.Dropout(), "nn.Dropout(p=0.5)"),
        (nn.BatchNorm2d(2, affine=False), "nn.BatchNorm2d(2, affine=False)"),
        (nn.PairwiseDistance(p=1.0), "nn.PairwiseDistance(p=1.0)"),
        (nn.NLLLoss(weight=torch.ones(3)), "nn.NLLLoss(weight=torch.tensor([1.0, 1.0, 1.0]))"),
        (nn.NLLLoss(weight=torch.ones(9)), "nn.NLLLoss(weight=tensor of 9)"),
    ],
)
def test_titles_write_calls_as_readers_do(module: nn.Module, call: str) -> None:
    assert torchreel.explain(module, *arguments(module), lang="en").call == call


def arguments(module: nn.Module) -> tuple[Any, ...]:
    """Inputs that a module of these tests takes."""
    match module:
        case nn.NLLLoss():
            classes = len(module.weight) if module.weight is not None else 3
            return torch.randn(2, classes).log_softmax(1), torch.tensor([0, 1])
        case nn.PairwiseDistance():
            return torch.randn(2, 3), torch.randn(2, 3)
        case nn.Conv1d():
            return (torch.randn(1, 2, 8),)
        case nn.LayerNorm():
            return (torch.randn(2, 4, 4),)
        case nn.Dropout():
            return (torch.ones(2, 4),)
    return (torch.randn(1, 2, 8, 8),)


def test_a_tensor_given_by_name_is_written_by_its_shape() -> None:
    bag = nn.EmbeddingBag(6, 3, mode="sum")
    ids, offsets = torch.tensor([1, 2, 4, 5]), torch.tensor([0, 2])
    clip = torchreel.explain(bag, ids, offsets, per_sample_weights=torch.rand(4), lang="en")
    assert clip.call.endswith("per_sample_weights=tensor (4,)")


def test_an_argument_that_is_a_function_is_called_by_its_name() -> None:
    def furthest(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x - y).abs().amax(-1)

    loss = nn.TripletMarginWithDistanceLoss(distance_function=furthest)
    clip = torchreel.explain(loss, *(torch.randn(2, 3) for _ in range(3)), lang="en")
    assert "furthest" in clip.call
    assert "0x" not in json.dumps(clip.ledger)


@pytest.mark.parametrize(
    ("function", "inputs", "options", "call"),
    [
        (F.conv2d, (torch.ones(1, 1, 5, 5), torch.ones(2, 1, 3, 3)), {"stride": 2}, "F.conv2d(stride=2)"),
        (F.relu, (torch.ones(2, 3),), {}, "F.relu()"),
        (torch.softmax, (torch.ones(2, 3),), {"dim": 1}, "torch.softmax(dim=1)"),
        (F.mse_loss, (torch.ones(2), torch.zeros(2)), {"reduction": "sum"}, "F.mse_loss(reduction='sum')"),
    ],
)
def test_functions_are_explained_as_the_caller_spells_them(
    function: Any, inputs: Any, options: Any, call: str
) -> None:
    clip = torchreel.explain(function, *inputs, lang="en", **options)
    assert clip.call == call
    assert same(clip.trace.output, function(*inputs, **options)) is None


def test_a_lazy_module_says_what_it_found() -> None:
    lazy = nn.LazyLinear(2)
    clip = torchreel.explain(lazy, torch.ones(1, 3), lang="en")
    assert clip.notes == ("in_features was found from the input: 3.",)
    assert isinstance(lazy, nn.LazyLinear)
    assert clip.ledger["notes"] == list(clip.notes)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (F.interpolate, "F.interpolate is not supported: there is no operator nn.Upsample yet"),
        (nn.ReLU, "expects a torch.nn module such as nn.Conv2d"),
        ("relu", "expects a torch.nn module such as nn.Conv2d"),
        (len, "is not a function that one supported torch.nn module computes"),
    ],
)
def test_what_is_no_operator_is_refused_in_one_line(what: Any, message: str) -> None:
    with pytest.raises(torchreel.UserError, match=message):
        torchreel.explain(what, torch.ones(1, 1, 2, 2))


@pytest.fixture
def clip() -> torchreel.Clip:
    torch.manual_seed(0)
    return torchreel.explain(nn.ReLU(), torch.tensor([[-1.5, 0.0, 2.0]]), lang="en")


def test_a_clip_is_saved_in_the_formats_of_the_suffixes(clip: torchreel.Clip, tmp_path: Path) -> None:
    wanted = [tmp_path / "a" / name for name in ("relu.gif", "relu.png", "again.GIF", "relu.json")]
    assert clip.save(*wanted) == wanted
    assert [path.name for path in sorted((tmp_path / "a").iterdir())] == sorted(path.name for path in wanted)
    assert wanted[0].read_bytes() == wanted[2].read_bytes()
    with Image.open(wanted[0]) as gif, Image.open(wanted[1]) as still:
        assert (gif.size, gif.is_animated, still.size) == ((800, 450), True, (1280, 720))
    assert json.loads(wanted[3].read_text())["call"] == "nn.ReLU()"


def test_a_wrong_suffix_writes_nothing(clip: torchreel.Clip, tmp_path: Path) -> None:
    with pytest.raises(torchreel.UserError, match=r"one of gif, mp4, png, webp, json"):
        clip.save(tmp_path / "relu.gif", tmp_path / "relu.avi")
    assert list(tmp_path.iterdir()) == []


def test_the_steps_are_the_captions_in_order(clip: torchreel.Clip) -> None:
    steps = clip.steps
    assert steps[0].start == 0
    assert all(one.end == other.start for one, other in pairwise(steps))
    assert steps[-1].end == clip.ledger["duration"]
    assert all(one.caption != other.caption for one, other in pairwise(steps))
    assert all(step.caption["en"] and step.caption["zh"] for step in steps)
    assert steps[-1].formula


def test_the_poster_is_the_last_frame(clip: torchreel.Clip, tmp_path: Path) -> None:
    [path] = clip.save(tmp_path / "relu.png", width=640)
    with Image.open(path) as written:
        assert clip.poster(width=640).tobytes() == written.convert("RGB").tobytes()


def test_a_clip_shows_itself_in_a_notebook(clip: torchreel.Clip) -> None:
    shown, said = clip._repr_mimebundle_()
    assert shown["text/html"].startswith('<img src="data:image/gif;base64,')
    assert said["image/png"]["alt"] == clip.alt
    assert shown["text/plain"] == f"nn.ReLU(): {clip.alt}"
    assert set(shown) == {"text/html", "image/png", "text/plain"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lang": "fr"}, "Unknown language 'fr'"),
        ({"theme": "blue"}, "Unknown theme 'blue'"),
        ({"lang": "zh,en"}, "a clip has one lang"),
        ({"precision": 9}, "precision=9 should be a whole number from 0 to 6"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(torchreel.UserError, match=message):
        torchreel.explain(nn.ReLU(), torch.zeros(2), **options)


def test_an_mp4_can_be_cut_where_its_captions_begin(tmp_path: Path) -> None:
    """The ledger's times are those of the keyframes, at any rate that a quality has."""
    clip = torchreel.explain(nn.ReLU(), torch.tensor([-1.0, 2.0]), lang="en")
    for quality in ("l", "m"):
        whole, ledger = clip.save(tmp_path / "x.mp4", tmp_path / "x.json", quality=quality)
        said = captions(json.loads(ledger.read_text("utf-8")))
        pieces = [tmp_path / f"{number}.mp4" for number in range(len(said))]
        cut(whole, [one["start"] for one in said], pieces)
        assert len(said) > 1
        for one, piece in zip(said, pieces, strict=True):
            with av.open(piece) as container:
                assert container.duration / 1e6 == pytest.approx(one["end"] - one["start"], abs=0.04)


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (nn.CosineSimilarity(), (torch.full((2, 3), 7e3), torch.full((2, 3), -9e3))),
        (nn.L1Loss(), (torch.zeros(2, 0), torch.zeros(0))),
        (nn.NLLLoss(), (torch.tensor([-0.5]), torch.tensor(0))),
        (nn.GRUCell(3, 1, bias=False), (torch.ones(3, 3), torch.ones(3, 1))),
        (nn.BatchNorm3d(1), (torch.zeros(0, 1, 0, 2, 2),)),
        (nn.Hardsigmoid(), (torch.tensor([-3e4, 2.0, 1e4]),)),
        (nn.RNNCell(1, 1, bias=False), (torch.ones(1),)),
        (nn.RNN(1, 1), (torch.ones(3, 1),)),
        (nn.LSTM(1, 4, num_layers=2, bidirectional=True, proj_size=3), (torch.ones(4, 1, 1),)),
        (nn.Bilinear(5, 5, 1, bias=False), (torch.full((5,), -99.5), torch.full((5,), 1.25))),
        (nn.BCEWithLogitsLoss(), (torch.tensor(1e6), torch.tensor(1.6))),
        (nn.BCEWithLogitsLoss(), (torch.arange(12.0), torch.arange(12) * 1.23456e-10)),
        (
            nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.6217385, 1.23456, 1.23456e-4])),
            (torch.ones(2, 3), torch.tensor([[1.0, 0, 1], [0, 1, 1]])),
        ),
        (nn.PoissonNLLLoss(), (torch.arange(5.0), torch.tensor([-1510.0, math.inf, 3, 4, 5]))),
        (nn.SoftMarginLoss(), (torch.tensor(-1e6), torch.tensor(1.0))),
        (
            nn.CosineEmbeddingLoss(),
            (torch.tensor([[1.0, 0, 0]]), torch.tensor([[-1.0, 0.1, 0]]), torch.ones(1)),
        ),
        (
            nn.CTCLoss(),
            (torch.zeros(5, 4).log_softmax(-1), torch.tensor([3]), torch.tensor(5), torch.tensor(1)),
        ),
        (nn.Embedding(30000, 4), (torch.tensor([[29999, 17200]]),)),
        (nn.EmbeddingBag(5, 3), (torch.zeros(0, 2, dtype=torch.int64),)),
        (
            nn.EmbeddingBag(5, 3, mode="max"),
            (torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)),
        ),
    ],
)
def test_calls_of_odd_sizes_are_drawn_without_a_breach(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    assert faults_of(called(module, inputs, {}).trace) == []
