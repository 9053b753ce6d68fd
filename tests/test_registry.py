"""Operators are found by scanning; each has examples, and each example proves itself against torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from torchreel import scenes
from torchreel.assets.captions import LANGUAGES, title
from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, examples
from torchreel.scenes.registry import find, scene_classes
from torchreel.scenes.stage import OperatorScene, Request

ALL = [one for named in examples().values() for one in named.values()]


def test_operators_and_examples_are_the_same() -> None:
    assert sorted(scene_classes()) == sorted(examples())


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.operator}:{one.name}")
def test_every_example_has_a_proved_trace(one: Example) -> None:
    trace = find(one.operator).operator.trace_example(one)
    assert set(trace.outputs) <= trace.tensors.keys()
    assert len(trace.rules) >= len(trace.outputs)


@pytest.mark.parametrize("operator", examples())
def test_every_operator_has_a_scene_one_family_and_titles(operator: str) -> None:
    assert issubclass(find(operator), OperatorScene)
    [family] = {one.family for one in examples()[operator].values()}
    assert (Path(scenes.__file__).parent / "families" / family).is_dir()
    assert all(operator in title(operator, lang) for lang in LANGUAGES)


def test_unknown_operator_suggests_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"^Unknown operator 'Conv2D'\. Did you mean 'Conv2d'\? 'torchreel list' shows"
    ):
        find("Conv2D")


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.operator}:{one.name}")
def test_an_example_is_told_in_its_own_words(one: Example) -> None:
    assert told_as(f"{one.operator}:{one.name}") == one.name


@pytest.mark.parametrize(
    ("example", "settings", "given", "expected"),
    [
        ("Conv2d:padding", {"padding": 0}, None, "default"),
        ("Conv2d:padding", {"padding": 2}, None, "padding"),
        ("Conv2d:groups", {"groups": 1}, None, "default"),
        ("CrossEntropyLoss:label_smoothing", {"label_smoothing": 0.0}, None, "default"),
        ("HuberLoss:delta", {"delta": 2.0}, None, "default"),
        ("AvgPool2d:count_include_pad", {"padding": 0}, None, "default"),
        ("EmbeddingBag", {"mode": "max"}, None, "max"),
        ("Softmax:shift", {}, "torch.randn(3, 4)", "dim"),
        ("Softmax:dim", {"dim": 0}, None, "default"),
    ],
)
def test_what_the_user_undoes_is_not_told(
    example: str, settings: dict[str, Any], given: str | None, expected: str
) -> None:
    assert told_as(example, settings, given) == expected


def told_as(name: str, settings: dict[str, Any] | None = None, given: str | None = None) -> str:
    """The example whose words a clip speaks."""
    operator, _, example = name.partition(":")
    chosen = examples()[operator][example or "default"]
    trace = find(operator).operator.trace_example(chosen, settings, given)
    return find(operator)(Request(trace, chosen)).told_as
