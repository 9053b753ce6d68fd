"""Operators are found by scanning; each has examples, and each example proves itself against torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchreel import scenes
from torchreel.assets.captions import LANGUAGES, title
from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, examples
from torchreel.scenes.registry import find, scene_classes
from torchreel.scenes.stage import OperatorScene

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
