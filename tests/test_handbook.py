"""Every row of the handbook's index has its clips, and every call its pages make is traced to the output they got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from torchreel.assets.captions import LANGUAGES, is_said, title
from torchreel.assets.examples import examples
from torchreel.assets.handbook import row_of, rows
from torchreel.render.check.check import faults_of
from torchreel.scenes.api import called
from torchreel.scenes.catalogue import operator
from torchreel.tests.calls import check_call

CLASSES = [name for row in rows() for name in (*row.classes, *row.beyond)]
RECORDED = torch.load(Path(__file__).parent / "data" / "handbook" / "calls.pt", weights_only=True)
FUNCTIONS = {"<function> <lambda>": lambda x, y: torch.pairwise_distance(x, y, p=2)}


def test_the_index_has_52_rows_with_111_classes_each_in_one_row() -> None:
    assert len(rows()) == 52
    assert len({name for row in rows() for name in row.classes}) == 111
    assert len(CLASSES) == len(set(CLASSES))
    assert all(hasattr(nn, name) for name in CLASSES)


def test_every_class_has_an_operator_an_example_and_words() -> None:
    for kind in CLASSES:
        assert operator(kind).module is getattr(nn, kind)
        assert "default" in examples()[kind]
        for lang in LANGUAGES:
            assert title(kind, lang).strip()
            assert all(is_said(kind, name, "alt", lang) for name in examples()[kind]), kind


def test_an_example_names_the_page_of_its_own_row() -> None:
    for name, named in examples().items():
        row = row_of(name)
        pages = {one.section for one in named.values() if one.section}
        assert row is None or pages <= {row.page}, name


@pytest.mark.parametrize("call", RECORDED["cases"], ids=lambda call: call["id"])
def test_every_call_of_the_handbook_is_traced_to_its_output(call: dict[str, Any]) -> None:
    """Random ones start from the state that the page recorded, which gives its numbers in its version of torch."""
    with as_recorded(call) as module:
        traced = check_call(module, *call["args"], **call["kwargs"])
    if not call["used_rng"] or torch.__version__ == RECORDED["torch"]:
        torch.testing.assert_close(traced.output, call["output"], equal_nan=True)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("call", RECORDED["cases"], ids=lambda call: call["id"])
def test_every_call_of_the_handbook_is_drawn_without_a_breach(call: dict[str, Any]) -> None:
    with as_recorded(call) as module:
        made = called(module, tuple(call["args"]), call["kwargs"])
    assert faults_of(made.trace, lang="en") == []


@contextmanager
def as_recorded(call: dict[str, Any]) -> Iterator[nn.Module]:
    """The module, and torch's random state as it was before the recorded call."""
    with torch.random.fork_rng(devices=[]):
        module = rebuilt(call)
        if call["rng_before"] is not None:
            torch.set_rng_state(call["rng_before"])
        yield module


def rebuilt(call: dict[str, Any]) -> nn.Module:
    """The module as it was before the recorded call."""
    kwargs = {name: FUNCTIONS.get(value, value) if isinstance(value, str) else value
              for name, value in call["ctor_kwargs"].items()}  # fmt: skip
    module: nn.Module = getattr(nn, call["class"])(*call["ctor_args"], **kwargs)
    module.load_state_dict({**call["parameters"], **call["buffers_before"]})
    return module.train(call["training"])
