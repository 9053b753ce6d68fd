"""What the README shows is run as it is written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import torchreel
from torchreel.cli import main

README = (Path(torchreel.__file__).parent / "README.md").read_text("utf-8")
NET = "from torchreel.tests.nets import ResNet\nnet = ResNet(4).eval()\n"


def blocks() -> Iterator[str]:
    """The indented blocks of the README."""
    for found in re.findall(r"(?:^    .*\n|^\n)+", README, re.MULTILINE):
        text = "\n".join(line[4:] for line in found.splitlines()).strip()
        if text:
            yield text


RECIPES = [block for block in blocks() if block.startswith("import torch")]
EXPLAINED = [
    line for block in blocks() for line in block.splitlines() if line.startswith("torchreel explain")
]


def test_there_are_recipes() -> None:
    assert len(RECIPES) == 2
    assert len(EXPLAINED) == 4


@pytest.mark.parametrize("recipe", RECIPES, ids=["explain", "trace"])
def test_a_recipe_runs_as_written(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(recipe, "README.md", "exec"), {})
    written = {path.name for path in tmp_path.iterdir()}
    named = set(re.findall(r'"(\w+\.(?:gif|png))"', recipe))
    assert named <= written


@pytest.mark.parametrize("line", EXPLAINED)
def test_a_command_runs_as_written(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(NET)
    numpy.save("x.npy", torch.randn(1, 3, 32, 32).numpy())
    result = CliRunner().invoke(main, [*shlex.split(line)[1:], "-f", "png"])
    assert result.exit_code == 0, result.output
    assert list(tmp_path.rglob("media/*.png"))
