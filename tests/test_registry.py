"""Operators are found by scanning; each has examples, and each example proves itself against torch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from torchreel import scenes
from torchreel.assets.captions import LANGUAGES, title
from torchreel.assets.errors import UserError
from torchreel.assets.examples import examples, families
from torchreel.render.renderer import capture
from torchreel.render.settings import View
from torchreel.scenes.catalogue import names_known, operators
from torchreel.scenes.registry import find, scenes_of
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request


def test_operators_and_examples_are_the_same() -> None:
    assert sorted(names_known()) == sorted(examples())
    for family, names in families().items():
        assert sorted(scenes_of(family)) == sorted(operators(family)) == sorted(names)


def test_every_operator_has_a_folder_of_one_family_and_titles() -> None:
    for name, named in examples().items():
        [family] = {one.family for one in named.values()}
        assert (Path(scenes.__file__).parent / family).is_dir()
        assert all(title(name, lang).strip() for lang in LANGUAGES)


def test_unknown_operator_suggests_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"^Unknown operator 'Conv2D'\. Did you mean 'Conv2d'\? 'torchreel list' shows"
    ):
        find("Conv2D")


@pytest.mark.parametrize("operator", examples())
def test_every_example_has_a_proved_trace_and_is_told_in_its_own_words(operator: str) -> None:
    for name, one in examples()[operator].items():
        trace = find(operator).operator.trace_example(one)
        assert set(trace.outputs) <= trace.tensors.keys()
        assert len(trace.rules) >= len(trace.outputs)
        assert find(operator)(Request(trace, one)).told_as == name


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
        ("Conv2d", {"padding": 1}, None, "padding"),
        ("Conv2d:padding", {"padding_mode": "reflect"}, None, "padding_mode"),
        ("Conv2d:stride", {"stride": 1, "dilation": 2}, None, "dilation"),
        ("CrossEntropyLoss", {"weight": [1.0, 2.0, 3.0]}, None, "weight"),
        ("LSTM", {"num_layers": 2}, None, "layers"),
        ("ConvTranspose2d:as_conv", {"stride": 1}, None, "as_conv"),
        ("Softmax:shift", {}, "torch.randn(3, 4)", "dim"),
        ("Softmax:dim", {"dim": 0}, None, "default"),
    ],
)
def test_what_is_told_follows_the_users_settings(
    example: str, settings: dict[str, Any], given: str | None, expected: str
) -> None:
    assert told_as(example, settings, given) == expected


def switched(operator: str) -> list[tuple[str, dict[str, Any]]]:
    """Each example of an operator with the settings of every other one."""
    named = examples()[operator].values()
    return [(one.name, other.kwargs) for one in named for other in named if one.kwargs != other.kwargs]


@pytest.mark.parametrize("operator", [name for name in examples() if switched(name)])
def test_every_example_plays_with_the_settings_of_the_others(operator: str) -> None:
    """What torch accepts is told in both languages, whichever captions the new settings need."""
    scene = find(operator)
    for name, settings in switched(operator):
        chosen = examples()[operator][name]
        try:
            trace = scene.operator.trace_example(chosen, settings)
        except UserError:
            continue
        shown: list[OperatorScene] = []
        capture(partial(_staged, scene, Request(trace, chosen), shown), View(16, 9, 10), [])
        assert all(all(section.caption.values()) for section in shown[0].sections)
        assert all(shown[0].alt.values())


def _staged(
    scene: type[OperatorScene], request: Request, shown: list[OperatorScene], renderer: Any
) -> OperatorScene:
    shown.append(scene(request, renderer=renderer))
    return shown[0]


def told_as(name: str, settings: dict[str, Any] | None = None, given: str | None = None) -> str:
    """The example whose words a clip speaks."""
    operator, _, example = name.partition(":")
    chosen = examples()[operator][example or "default"]
    trace = find(operator).operator.trace_example(chosen, settings, given)
    return find(operator)(Request(trace, chosen)).told_as
