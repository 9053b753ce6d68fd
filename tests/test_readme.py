"""What the READMEs show is run as it is written."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from markdown_it import MarkdownIt
from markdown_it.token import Token

import torchreel
from torchreel.cli import main

HOME = Path(torchreel.__file__).parent
README = (HOME / "README.md").read_text("utf-8")
CHINESE = (HOME / "README.zh.md").read_text("utf-8")
NET = "from torchreel.tests.nets import ResNet\nnet = ResNet(4).eval()\n"


def blocks(text: str) -> Iterator[str]:
    """The indented blocks of a README."""
    for token in MarkdownIt().parse(text):
        if token.type == "code_block":
            yield token.content.strip()


PYTHON = [block for text in (README, CHINESE) for block in blocks(text) if block.startswith("import torch")]
EXPLAINED = [
    line for block in blocks(README) for line in block.splitlines() if line.startswith("torchreel explain")
]


def test_there_are_examples() -> None:
    assert len(PYTHON) == 3
    assert len(EXPLAINED) == 4


@pytest.mark.parametrize("recipe", PYTHON, ids=["explain", "trace", "zh"])
def test_python_runs_as_written(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@dataclass
class Recipe:
    """A recipe of a README: the files that its reader has, by name, and the commands, in order."""

    files: dict[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)

    def take(self, token: Token) -> None:
        """Note what a block of the text is."""
        if token.type == "fence":
            self.files[token.info.split()[1]] = token.content
        elif token.type == "code_block":
            self.commands += [shlex.split(line, comments=True) for line in token.content.splitlines()]

    def prepare(self) -> None:
        """Write the files; a notebook has its code in one cell."""
        for name, text in self.files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(notebook(text) if name.endswith(".ipynb") else text, "utf-8")


def recipes(text: str, chapter: str) -> list[Recipe]:
    """The recipes of a README: what stands below the subheadings of that chapter."""
    found: list[Recipe] = []
    inside = False
    tokens = MarkdownIt().parse(text)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and token.tag == "h2":
            inside = following is not None and following.content == chapter
        elif inside and token.type == "heading_open":
            found.append(Recipe())
        elif inside and found:
            found[-1].take(token)
    return found


def notebook(code: str) -> str:
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**cell, "source": code.splitlines(keepends=True)}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1)


RECIPES = {"en": recipes(README, "Four recipes"), "zh": recipes(CHINESE, "四个现成做法")}
PAGE, NOTEBOOK, SLIDES, DOCS = range(4)


@pytest.fixture(params=RECIPES)
def language(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(request.param)


@pytest.mark.parametrize("text", [README, CHINESE], ids=["en", "zh"])
def test_what_a_readme_shows_and_links_to_is_there(text: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert any(one.endswith(".gif") for one in targets)
    assert [one for one in targets if not (HOME / one).exists()] == []


def test_both_readmes_have_the_same_four_recipes() -> None:
    english, chinese = (
        [[(sorted(one.files), [words[:2] for words in one.commands])] for one in RECIPES[language]]
        for language in ("en", "zh")
    )
    assert english == chinese
    assert len(english) == 4


def test_what_recipes_install_is_an_extra_of_the_package() -> None:
    extras = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    wanted = [words[2] for one in RECIPES["en"] for words in one.commands if words[0] == "pip"]
    assert wanted == [f"torchreel[{name}]" for name in ("notebook", "slides", "sphinx")]
    assert {re.findall(r"\[(\w+)\]", one)[0] for one in wanted} <= extras.keys()


def run(words: list[str]) -> int:
    """Run a command of a recipe as its reader would; installing is what the extras of this very machine did."""
    match words[0]:
        case "pip":
            return 0
        case "torchreel":
            return CliRunner().invoke(main, words[1:]).exit_code
    command = [sys.executable, "-m", "sphinx", *words[1:]]
    return subprocess.run(command, capture_output=True, timeout=600).returncode


def test_my_page(language: str) -> None:
    recipe = RECIPES[language][PAGE]
    embed, check, remove = recipe.commands
    recipe.prepare()
    mine = Path("conv.md").read_bytes()
    assert run(embed) == 0
    page = Path("conv.md").read_text("utf-8")
    pictures = re.findall(r'<img src="(.+?)"', page)
    assert [Path(one).name.split(".")[:2] for one in pictures] == [
        ["Conv2d", language],
        ["MaxPool2d", language],
    ]
    assert all(Path(one).is_file() for one in pictures)
    assert run(check) == 0
    Path("conv.md").write_text(page + "\n## nn.AvgPool2d\n", "utf-8")
    assert run(check) == 1
    Path("conv.md").write_text(page, "utf-8")
    assert run(remove) == 0
    assert Path("conv.md").read_bytes() == mine


def test_my_notebook(language: str) -> None:
    recipe = RECIPES[language][NOTEBOOK]
    recipe.prepare()
    assert [run(words) for words in recipe.commands] == [0, 0]
    code, picture = json.loads(Path("lesson.ipynb").read_text("utf-8"))["cells"]
    assert "".join(code["source"]).strip() == recipe.files["lesson.ipynb"].strip()
    (source,) = re.findall(r'<img src="(.+?)"', "".join(picture["source"]))
    assert Path(source).is_file()


def test_my_slides(language: str) -> None:
    from pptx import Presentation

    recipe = RECIPES[language][SLIDES]
    assert [run(words) for words in recipe.commands] == [0, 0, 0]
    slides = Presentation("lecture.pptx").slides
    assert all(slide.notes_slide.notes_text_frame.text for slide in slides)
    assert Path("backup.pdf").read_bytes().startswith(b"%PDF")


def test_my_documentation(language: str) -> None:
    recipe = RECIPES[language][DOCS]
    recipe.prepare()
    assert [run(words) for words in recipe.commands] == [0, 0]
    page = Path("site/index.html").read_text("utf-8")
    pictures = re.findall(r'src="([^"]*Conv2d-stride[^"]*)"', page)
    assert pictures
    assert all(f".{language}." in one and (Path("site") / one).is_file() for one in pictures)
