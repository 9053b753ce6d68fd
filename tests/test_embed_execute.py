"""`torchreel embed --execute`: a notebook's own calls, with its own numbers, below the cells that make them."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from torch import nn

import torchreel
from torchreel.publish.embed import calls, running, work
from torchreel.publish.embed.options import Options
from torchreel.render import progress
from torchreel.tests.test_embed import call, files, notebook

SMALL = ("--width", "160", "--execute")
FIRST = "import torch\nfrom torch import nn\n!echo hello\n"
NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Linear(2, 1)
    def forward(self, x):
        return self.part(x)"""
TRAIN = "torch.manual_seed(0)\nnet = Net()\nfor _ in range(29):\n    net(torch.ones(1, 2))"
TANH = "nn.Tanh()(torch.tensor([0.5, -1.0]))"
WHOLE = [FIRST, NET, TRAIN, TANH]
RELU = "nn.ReLU()(torch.ones(2))"
OWN = "class Own(nn.Module):\n    def forward(self, x):\n        return x\nOwn()(torch.ones(2))"
BROKEN = [FIRST, TANH, "1 / 0", "input('name?')", "missing", OWN, RELU]


def written(path: Path, cells: list[str], **others: Any) -> Path:
    path.write_text(
        notebook(("markdown", "# 页"), *(("code", source) for source in cells), **others), "utf-8"
    )
    return path


def blocks(path: Path) -> list[tuple[str, str]]:
    """The author's cell that each of our cells stands after, and what it shows."""
    content = json.loads(path.read_text("utf-8"))
    nbformat.validate(content)
    found, last = [], ""
    for cell in content["cells"]:
        if "torchreel" in cell["metadata"]:
            found.append((last, "".join(cell["source"])))
        else:
            last = "".join(cell["source"])
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with two notebooks that were run, and the report on them."""
    folder = tmp_path_factory.mktemp("run")
    written(folder / "a.ipynb", WHOLE)
    written(folder / "b.ipynb", BROKEN)
    result = call(folder, *SMALL)
    assert result.exit_code == 1
    return folder, result.output


@pytest.fixture
def folder(ran: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran[0], tmp_path / "run"))


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a notebook was run")

    monkeypatch.setattr(running.Run, "__init__", refuse)


def test_each_line_that_calls_has_one_clip_below_the_cell_that_ran_it(folder: Path) -> None:
    (net, linear), (tanh, other) = blocks(folder / "a.ipynb")
    assert (net, tanh) == (TRAIN, TANH)
    assert 'src="./torchreel/a-c3-1-Linear.gif" width="160"' in linear
    assert "Linear 在这里共调用 29 次，图中为第一次。" in linear
    assert "a-c4-1-Tanh.gif" in other and "次" not in other.partition("/>")[2]


def test_a_clip_shows_the_very_numbers_of_the_page(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    clip = torchreel.explain(nn.Linear(2, 1), torch.ones(1, 2))
    [path] = clip.save(tmp_path / "linear.gif", width=160)
    assert (folder / "torchreel" / "a-c3-1-Linear.gif").read_bytes() == path.read_bytes()


def test_what_fails_is_told_and_the_rest_goes_on(ran: tuple[Path, str]) -> None:
    folder, report = ran
    assert [cell for cell, _ in blocks(folder / "b.ipynb")] == [TANH, BROKEN[-1]]
    for told in (
        "cell 4: raised ZeroDivisionError: division by zero",
        "cell 5: asks for input, which nobody gives here",
        "cell 6: raised NameError too",
        "cell 7: Own: ",
        "cell 2: !echo hello was not run",
    ):
        assert told in report
    assert "2 with problems" not in report


def test_an_unchanged_notebook_is_not_run_again(folder: Path, no_kernel: None) -> None:
    before = files(folder)
    for more in ((), ("--check",), ("--dry-run",)):
        assert call(folder / "a.ipynb", *SMALL, *more).exit_code == 0
    assert files(folder) == before


def test_a_picture_that_was_taken_out_by_hand_comes_back_without_a_run(folder: Path, no_kernel: None) -> None:
    page = folder / "a.ipynb"
    before = page.read_bytes()
    content = json.loads(before)
    content["cells"] = [cell for cell in content["cells"] if "Tanh" not in str(cell["metadata"])]
    page.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert call(page, *SMALL, "--check").exit_code == 1
    assert call(page, *SMALL).exit_code == 0
    assert page.read_bytes() == before


def test_without_execute_what_was_run_stays_and_is_stale_once_its_code_has_changed(
    folder: Path, no_kernel: None
) -> None:
    page = folder / "a.ipynb"
    assert call(page, "--check", "--width", "160").exit_code == 0
    page.write_text(page.read_text("utf-8").replace("0.5", "0.25"), "utf-8")
    before = files(folder)
    result = call(page, "--width", "160")
    assert (result.exit_code, files(folder)) == (0, before)
    assert "skipped: it was run with other code or options: give --execute" in result.output
    assert call(page, "--check", "--width", "160").exit_code == 1


def test_a_run_that_went_wrong_is_not_taken_for_one_of_other_code(folder: Path, no_kernel: None) -> None:
    result = call(folder, "--check", "--width", "160")
    assert result.exit_code == 1
    assert "b.ipynb: stale: something went wrong when it was run\n" in result.output
    assert "a.ipynb: up to date" in result.output


def test_what_a_call_raises_is_told_once_and_not_where_the_author_means_it(tmp_path: Path) -> None:
    wrong = "nn.Linear(2, 2)(torch.ones(1, 3))"
    page = written(
        tmp_path / "a.ipynb", [FIRST, wrong, f"try:\n    {wrong}\nexcept RuntimeError:\n    pass", "gone"]
    )
    result = call(page, *SMALL)
    assert result.output.count("cannot be multiplied") == 2
    assert "cell 3: raised RuntimeError: mat1 and mat2" in result.output
    assert "cell 4: Linear: it raised RuntimeError: mat1 and mat2" in result.output
    content = json.loads(page.read_text("utf-8"))
    for cell in content["cells"]:
        cell["metadata"]["tags"] = ["raises-exception"]
    page.write_text(json.dumps(content), "utf-8")
    assert call(page, *SMALL).exit_code == 0


def test_a_changed_call_changes_its_own_block_alone(folder: Path) -> None:
    page = folder / "a.ipynb"
    page.write_text(page.read_text("utf-8").replace("0.5", "0.25"), "utf-8")
    before, pictures = page.read_text("utf-8").splitlines(), files(folder / "torchreel")
    result = call(page, *SMALL)
    assert result.exit_code == 0
    assert "2 clips (1 updated)" in result.output
    after = page.read_text("utf-8").splitlines()
    changed = [line for line, new in zip(before, after, strict=True) if line != new]
    assert [line for line in changed if '"key"' not in line and "alt=" not in line] == []
    assert files(folder / "torchreel")["a-c3-1-Linear.gif"] == pictures["a-c3-1-Linear.gif"]
    assert files(folder / "torchreel")["a-c4-1-Tanh.gif"] != pictures["a-c4-1-Tanh.gif"]


def test_clips_of_a_cell_that_fails_now_stay(folder: Path) -> None:
    page = folder / "b.ipynb"
    page.write_text(page.read_text("utf-8").replace("import torch\\n", "import torch, gone\\n"), "utf-8")
    before = blocks(page)
    result = call(page, *SMALL)
    assert result.exit_code == 1
    assert "cell 2: raised ModuleNotFoundError: No module named 'gone'" in result.output
    assert blocks(page) == before
    assert call(page, "--remove").exit_code == 0
    assert blocks(page) == []


def test_a_kernel_that_dies_or_hangs_ends_its_own_page_only(tmp_path: Path) -> None:
    written(tmp_path / "a.ipynb", [FIRST, TANH, "import os\nos._exit(3)", TANH])
    written(tmp_path / "b.ipynb", [FIRST, "import time\ntime.sleep(600)", RELU])
    result = call(tmp_path, *SMALL, "--timeout", "10")
    assert result.exit_code == 1
    assert "cell 4: the kernel died in this cell; 1 cell after it not run" in result.output
    assert "cell 3: it was stopped after 10 s" in result.output
    assert [cell for cell, _ in blocks(tmp_path / "a.ipynb")] == [TANH]
    assert [cell for cell, _ in blocks(tmp_path / "b.ipynb")] == [RELU]


def test_recording_and_drawing_leave_random_numbers_as_they_are(tmp_path: Path) -> None:
    seed = "import random, numpy\nrandom.seed(0), numpy.random.seed(0), torch.manual_seed(0)"
    draw = "open('drawn', 'a').write(f'{random.random()} {numpy.random.rand()} {torch.rand(1).item()} ')"
    written(tmp_path / "a.ipynb", [FIRST, seed, TANH, draw, TANH, draw])
    assert "the very same call is shown above" in call(tmp_path, *SMALL).output
    import random

    import numpy as np

    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    wanted = [str(one) for _ in range(2) for one in (random.random(), np.random.rand(), torch.rand(1).item())]
    assert (tmp_path / "drawn").read_text().split() == wanted


def test_a_notebook_of_another_language_is_not_run(tmp_path: Path, no_kernel: None) -> None:
    metadata = {"kernelspec": {"name": "ir", "language": "R"}}
    page = written(tmp_path / "a.ipynb", ["x <- 1"], metadata=metadata)
    result = call(page, *SMALL)
    assert result.exit_code == 1
    assert "its language is R, not Python" in result.output


def test_clips_of_examples_make_way_for_those_of_calls(tmp_path: Path) -> None:
    page = written(tmp_path / "a.ipynb", [FIRST, TANH])
    assert call(page, "--width", "160").exit_code == 0
    assert "Tanh.zh.light.gif" in blocks(page)[0][1]
    assert "1 new, 1 removed" in call(page, *SMALL).output
    assert "a-c2-1-Tanh.gif" in blocks(page)[0][1]
    assert {path.name for path in (tmp_path / "torchreel").iterdir()} == {"a-c2-1-Tanh.gif", "manifest.json"}


def test_a_kernel_that_dies_before_it_has_begun_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does whose port somebody else has taken meanwhile."""
    prepare, deaths = running._PREPARE, ["import os; os._exit(1)"]

    class Template:
        def format(self, **given: Any) -> str:
            return deaths.pop() if deaths else prepare.format(**given)

    monkeypatch.setattr(running, "_PREPARE", Template())
    page = written(tmp_path / "a.ipynb", [FIRST, TANH])
    assert call(page, *SMALL).exit_code == 0
    assert [cell for cell, _ in blocks(page)] == [TANH]


def test_without_what_runs_notebooks_no_page_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("# ReLU\n")
    written(tmp_path / "a.ipynb", [FIRST, TANH])
    before = files(tmp_path)
    monkeypatch.setattr(calls, "find_spec", lambda name: None if name == "nbclient" else "there")
    result = call(tmp_path, *SMALL)
    assert (result.exit_code, files(tmp_path)) == (2, before)
    assert "--execute needs nbclient: pip install 'torchreel[notebook]'" in result.output
    assert call(tmp_path / "README.md", *SMALL, "--dry-run").exit_code == 0


def test_a_run_tells_which_cell_and_call_it_is_at(tmp_path: Path) -> None:
    page = written(tmp_path / "a.ipynb", [FIRST, TANH])
    told: list[tuple[int, str]] = []

    class Watcher(progress.Silent):
        def reached(self, done: int, what: str) -> None:
            told.append((done, what))

    work.embed([page], Options(execute=True, width=160, mode="diff"), lambda total: Watcher(), print)
    assert told == [
        (0, "a.ipynb"),
        (1, "a.ipynb"),
        (1, "a.ipynb: Tanh"),
        (2, "a.ipynb"),
    ]


def test_a_bar_shows_how_far_a_run_is() -> None:
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    with progress.Bar(4, screen) as bar:
        bar.reached(3, "a.ipynb: Tanh")
    assert "a.ipynb: Tanh" in screen.getvalue() and "3/4" in screen.getvalue()
