"""`torchreel embed`: pages get their clips, a second run changes nothing, and removing gives every byte back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click.testing
import pytest

from torchreel.tests import commands

PAGE = "# 激活\n\n## ReLU\n\ntext\n\n## Tanh\n"
SMALL = ("--width", "160", "-j", "1")


def call(*arguments: str | Path) -> click.testing.Result:
    return commands.call("embed", *arguments)


def notebook(*cells: tuple[str, str], **others: Any) -> str:
    content = []
    for number, (kind, source) in enumerate(cells):
        own = {"execution_count": None, "outputs": []} if kind == "code" else {}
        content.append({"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": source, **own})
    whole = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **others}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


NOTEBOOK = notebook(("markdown", "# ReLU"), ("code", "nn.Tanh()(nn.ReLU()(x))"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Markdown page and a notebook that have their clips."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "page.md").write_bytes(PAGE.encode())
    (folder / "笔记 1.ipynb").write_bytes(
        notebook(("markdown", "# ReLU"), ("code", "nn.Tanh()(nn.ReLU()(x))")).encode()
    )
    (folder / "other.md").write_bytes("# 参考\n".encode())
    result = call(folder, *SMALL)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def pages(done: Path, tmp_path: Path) -> Path:
    """Such a folder to do with as one likes."""
    return Path(shutil.copytree(done, tmp_path / "pages"))


def _line_of(lines: list[str], text: str) -> int:
    return next(number for number, line in enumerate(lines) if text in line)


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_page_has_its_pictures_below_what_they_are_of(pages: Path) -> None:
    lines = (pages / "page.md").read_text("utf-8").splitlines()
    relu, tanh = (_line_of(lines, f"{name}.zh.light.gif") for name in ("ReLU", "Tanh"))
    assert lines.index("text") < relu < lines.index("## Tanh") < tanh
    assert 'width="160" alt="' in lines[relu] and 'alt=""' not in lines[relu]
    cells = json.loads((pages / "笔记 1.ipynb").read_text("utf-8"))["cells"]
    assert [cell["metadata"].get("torchreel", {}).get("clip") for cell in cells] == [
        None,
        "ReLU",
        None,
        "Tanh",
    ]
    assert (pages / "torchreel" / "ReLU.zh.light.gif").read_bytes()[:3] == b"GIF"
    assert {path.suffix for path in (pages / "torchreel").iterdir()} == {".gif", ".json"}
    assert (pages / "other.md").read_text("utf-8") == "# 参考\n"


def test_a_second_run_changes_nothing(pages: Path) -> None:
    before = files(pages)
    result = call(pages, *SMALL)
    assert (result.exit_code, files(pages)) == (0, before)
    assert "unchanged" in result.output


def test_removing_gives_back_every_byte_and_takes_the_pictures_that_no_page_shows(pages: Path) -> None:
    assert call(pages / "page.md", "--remove").exit_code == 0
    assert (pages / "page.md").read_bytes() == PAGE.encode()
    assert (pages / "torchreel" / "ReLU.zh.light.gif").exists()
    assert call(pages, "--remove").exit_code == 0
    assert (pages / "笔记 1.ipynb").read_bytes() == NOTEBOOK.encode()
    assert not (pages / "torchreel").exists()


def test_to_remove_can_be_tried_dry_and_checked(pages: Path) -> None:
    before = files(pages)
    result = call(pages, "--remove", "--dry-run")
    assert result.exit_code == 0
    assert "would be removed from" in result.output and "-<!-- torchreel" in result.output
    assert call(pages, "--dry-run", "--remove").output == result.output
    assert call(pages, "--check", "--remove").exit_code == 1
    assert files(pages) == before
    assert call(pages, "--remove").exit_code == 0
    assert call(pages, "--check", "--remove").exit_code == 0


def test_removing_leaves_other_files_of_the_folder(pages: Path) -> None:
    (pages / "torchreel" / "mine.txt").write_text("mine")
    (pages / "torchreel" / "Tanh.zh.light.gif").write_bytes(b"mine too")
    call(pages, "--remove")
    assert {path.name for path in (pages / "torchreel").iterdir()} >= {"mine.txt", "Tanh.zh.light.gif"}


def test_a_check_is_satisfied_until_something_is_stale(pages: Path) -> None:
    before = files(pages)
    assert call(pages, "--check", *SMALL).exit_code == 0
    assert call(pages, "--check", "--width", "320").exit_code == 1
    (pages / "torchreel" / "ReLU.zh.light.gif").write_bytes(b"damaged")
    result = call(pages, "--check", *SMALL)
    assert result.exit_code == 1
    assert "page.md: stale: 1 picture missing or changed" in result.output
    assert {name: facts[0] for name, facts in files(pages).items() if "gif" not in name} == {
        name: facts[0] for name, facts in before.items() if "gif" not in name
    }


def test_a_new_heading_is_stale_and_a_dry_run_shows_the_difference_without_making_it(pages: Path) -> None:
    page = pages / "page.md"
    page.write_bytes(page.read_bytes() + b"\n## GELU\n")
    before = files(pages)
    assert call(page, "--check", *SMALL).exit_code == 1
    result = call(page, "--dry-run", *SMALL)
    assert result.exit_code == 0
    assert "+<!-- torchreel GELU key=" in result.output
    assert not [line for line in result.output.splitlines() if line.startswith("-") and line[:3] != "---"]
    assert files(pages) == before


def test_a_heading_that_goes_takes_its_picture_with_it(pages: Path) -> None:
    page = pages / "page.md"
    page.write_bytes(page.read_bytes().replace(b"## Tanh", "## 其他".encode()))
    (pages / "笔记 1.ipynb").unlink()
    assert "1 removed" in call(page, *SMALL).output
    assert not (pages / "torchreel" / "Tanh.zh.light.gif").exists()
    assert (pages / "torchreel" / "ReLU.zh.light.gif").exists()


def test_only_and_limit_choose_and_say_so(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, "utf-8")
    assert "1 clip would be" in call(page, "--dry-run", "--only", "Tanh").output
    assert "1 more clip, since --limit is 1" in call(page, "--dry-run", "--limit", "1").output


def test_a_file_of_somebody_elses_is_not_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# ReLU\n", "utf-8")
    (tmp_path / "torchreel").mkdir()
    (tmp_path / "torchreel" / "ReLU.zh.light.gif").write_bytes(b"mine")
    result = call(page, *SMALL)
    assert result.exit_code == 1
    assert "not written by torchreel" in result.output
    assert page.read_text("utf-8") == "# ReLU\n"
    assert (tmp_path / "torchreel" / "ReLU.zh.light.gif").read_bytes() == b"mine"
    assert call(page, "--force", *SMALL).exit_code == 0


@pytest.mark.parametrize(
    ("name", "data", "code", "why"),
    [
        ("empty.ipynb", b"", 0, "left alone: it is empty"),
        ("half.ipynb", b'{"cells": [', 1, "problem: it is no notebook"),
        ("old.ipynb", b'{"worksheets": [], "nbformat": 3}', 1, "problem: its format is 3, not 4"),
        ("latin.md", b"# Conv2d \xe9\n", 1, "problem: it is not UTF-8: byte 9 is 0xe9"),
        ("open.md", b"# ReLU\n\n```\nnn.Tanh()\n", 1, "code that has no end"),
    ],
)
def test_what_cannot_be_read_stays_as_it_is_and_the_others_go_on(
    tmp_path: Path, name: str, data: bytes, code: int, why: str
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "zzz.md").write_text("# 参考\n", "utf-8")
    result = call(tmp_path, *SMALL)
    assert (result.exit_code, (tmp_path / name).read_bytes()) == (code, data)
    assert why in result.output
    assert "2 pages" in result.output


def test_links_hidden_files_and_checkpoints_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# ReLU\n")
    (tmp_path / "link.md").symlink_to("page.md")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "a.md").write_text("# ReLU\n")
    output = call(tmp_path, "--dry-run").output
    assert "link.md: left alone: it is a symbolic link" in output
    assert "checkpoints" not in output
    assert "1 of 2 pages" in output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nowhere.md"], "nowhere.md: there is no such file or folder"),
        (["page.txt"], "page.txt: expected a notebook"),
        (["page.md", "--only", "Conv2e"], "Conv2e"),
        (["page.md", "--width", "3"], "--width 3"),
        (["page.md", "--lang", "zh,en"], "a page has one"),
        ([], "Missing argument"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("page.md", "page.txt"):
        Path(name).write_text("# ReLU\n")
    result = call(*arguments)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert why in result.stderr


def test_a_page_written_by_somebody_else_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchreel.publish.embed import shelf

    page = tmp_path / "page.md"
    page.write_text("# ReLU\n")
    put = shelf.Shelf.put

    def typing(*given: Any) -> None:
        page.write_text("# ReLU\nnew words\n")
        put(*given)

    monkeypatch.setattr(shelf.Shelf, "put", typing)
    result = call(page, *SMALL)
    assert (result.exit_code, page.read_text()) == (1, "# ReLU\nnew words\n")
    assert "somebody else has written it" in result.output


@pytest.mark.parametrize("then", [(), ("--remove",), ("--base-url", "https://x.org/c")])
def test_pictures_do_not_stay_in_a_folder_that_the_page_has_left(
    tmp_path: Path, then: tuple[str, ...]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# ReLU\n")
    (tmp_path / "图 1").mkdir()
    (tmp_path / "图 1" / "mine.txt").write_text("mine")
    assert call(page, *SMALL, "--assets", "图 1").exit_code == 0
    assert (tmp_path / "图 1" / "ReLU.zh.light.gif").exists()
    assert call(page, *SMALL, *then).exit_code == 0
    assert [path.name for path in (tmp_path / "图 1").glob("*.*") if path.suffix != ".json"] == ["mine.txt"]
    assert (tmp_path / "torchreel" / "ReLU.zh.light.gif").exists() == ("--remove" not in then)


def test_a_folder_of_pictures_that_cannot_be_is_a_problem_of_its_own_pages(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.md").write_text("# ReLU\n")
    (tmp_path / "a" / "torchreel").write_text("mine")
    result = call(tmp_path, *SMALL)
    assert result.exit_code == 1
    assert "choose another one with --assets" in result.output
    assert (tmp_path / "a" / "page.md").read_text() == "# ReLU\n"
    assert "torchreel" in (tmp_path / "b" / "page.md").read_text()


def test_pictures_can_be_elsewhere_and_addresses_are_quoted(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "page.md"
    page.write_text("# ReLU\n")
    assert 'src="../a%20b/ReLU.zh.light.gif"' in call(page, "--dry-run", "--assets", tmp_path / "a b").output
    url = 'src="https://x.org/c/ReLU.zh.light.gif"'
    assert url in call(page, "--dry-run", "--base-url", "https://x.org/c/").output
    assert call(page, "--base-url", "x.org").exit_code == 2
    assert page.read_text() == "# ReLU\n"


def test_json_says_what_became_of_each_page(pages: Path) -> None:
    told = json.loads(call(pages, "--check", "--json", *SMALL).output)
    assert told["exit_code"] == 0
    assert {Path(one["page"]).name: one["clips"] for one in told["pages"]} == {
        "other.md": [],
        "page.md": ["ReLU", "Tanh"],
        "笔记 1.ipynb": ["ReLU", "Tanh"],
    }
