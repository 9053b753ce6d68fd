"""What is pasted into a page shows the clip there: who reads a form reads back what was meant, whatever the words."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click.testing
import docutils.core
import docutils.nodes
import nbformat
import pytest
from docutils.parsers.rst import directives
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from torchreel.cli import main
from torchreel.publish.markup import FORMS, Named, Shown
from torchreel.tests import commands

ALT = "A \"b\" <c> & 'd' \\e\\ [f](g) *h* _i_ `j` $k$ # l {m} %n ~o ^p |q| :r: ![s] &amp; 卷积：x，"
FOLDER = "my 课/a (b) #1&c"
PLAIN_FOLDER = "my 课 clips"
HTML = ("html", "picture", "video", "reveal", "slidev", "marp")
alts = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=40
).map(lambda text: " ".join(text.split()))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> click.testing.Result:
    return commands.call("snippet", *arguments)


def printed(*arguments: str) -> str:
    done = call(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("\n")
    return done.stdout.removesuffix("\n")


class Tags(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def one(self, tag: str) -> dict[str, Any]:
        [attributes] = [attributes for name, attributes in self.found if name == tag]
        return attributes


def shown(alt: str, path: str = "./clips/x") -> Shown:
    files = {suffix: Named(f"{path}.{suffix}", f"{path}.{suffix}") for suffix in ("gif", "mp4", "png")}
    return Shown(files, alt, "x", width=400)


def read(form: str, text: str) -> tuple[str, str]:
    """The alternative text and the file of a snippet, as a reader of its form has them."""
    if form == "md":
        [inline] = MarkdownIt().parse(f"# {text}")[1:-1]
        [image] = inline.children or []
        return MarkdownIt().renderer.renderInlineAsText(image.children, {}, {}), unquote(
            str(image.attrs["src"])
        )
    if form == "ipynb":
        cell = json.loads(text)
        nbformat.validate(
            nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
        )
        return read("html", MarkdownIt("commonmark", {"html": True}).render("".join(cell["source"])))
    if form == "rst":
        document = docutils.core.publish_doctree(
            text, settings_overrides={"report_level": 1, "halt_level": 2}
        )
        [image] = document.findall(docutils.nodes.image)
        return image["alt"], unquote(image["uri"])
    if form == "myst":
        first, *options, last = text.splitlines()
        said = dict(re.fullmatch(r":(\w+): (.*)", option).groups() for option in options)  # type: ignore[union-attr]
        assert last == ":::"
        alt = json.loads(said["alt"]) if said["alt"].startswith('"') else said["alt"]
        return alt, directives.uri(first.removeprefix(":::{figure} "))
    if form == "quarto":
        match = re.fullmatch(r'!\[\]\((\S+?)\)\{[^"]*(?:"\w*"[^"]*)*aria-label="((?:[^"\\]|\\.)*)"\}', text)
        assert match is not None
        return re.sub(r"\\(.)", r"\1", match[2]), unquote(match[1])
    if form == "beamer":
        match = re.search(r"alt=\{(.*)\}\]\{\{(.*)\}\.png\}\}$", text, re.MULTILINE)
        assert match is not None
        words = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^"}
        alt = re.sub(r"\\text\w+\{\}|\\.", lambda sign: words.get(sign[0], sign[0][1:]), match[1])
        return alt, f"{match[2]}.png"
    if form == "typst":
        path, alt = re.findall(r'(?:image\(|alt: )("(?:[^"\\]|\\.)*")', text)
        return re.sub(r"\\(.)", r"\1", alt[1:-1]), re.sub(r"\\(.)", r"\1", path[1:-1])
    tags = Tags(text)
    if form in ("html", "picture"):
        image = tags.one("img")
        return image["alt"], unquote(image["src"])
    film = tags.one("slidevvideo" if form == "slidev" else "video")
    return film["aria-label"], unquote(film.get("src") or tags.one("source")["src"])


@pytest.mark.parametrize("form", FORMS)
def test_alternative_texts_are_escaped_as_each_form_has_it(form: str) -> None:
    assert read(form, FORMS[form].write(shown(ALT)))[0] == ALT


@given(alts.filter(bool))
@pytest.mark.parametrize("form", FORMS)
def test_any_words_come_back(form: str, alt: str) -> None:
    assert read(form, FORMS[form].write(shown(alt)))[0] == alt


@pytest.mark.parametrize("form", FORMS)
def test_the_snippet_names_a_file_that_is_there(stage: Any, form: str) -> None:
    """Seen from the page, with spaces, Chinese and signs in the way."""
    folder = PLAIN_FOLDER if form == "beamer" else FOLDER
    page = Path("页 pages/deep/page.md")
    text = printed("Conv2d", "--as", form, "-o", folder, "--relative-to", str(page), "--lang", "en")
    alt, named = read(form, text)
    assert alt == "a square"
    assert (Path.cwd() / page.parent / named).resolve(strict=False).is_relative_to(Path.cwd() / folder)
    page.parent.mkdir(parents=True)
    assert (page.parent / named).is_file()


@pytest.mark.parametrize("form", HTML)
def test_markdown_leaves_markup_as_it_is(stage: Any, form: str) -> None:
    """Pasted into a Markdown page it is not broken up, and its signs are not read as Markdown's."""
    text = (
        FORMS[form].write(shown("*a* _b_ `c` [d](e)"))
        if form != "picture"
        else printed("Conv2d", "--as", form)
    )
    inside = MarkdownIt("commonmark", {"html": True}).render(f"before\n\n{text}\n\n*after*\n")
    assert text in inside
    assert "<em>after</em>" in inside


def test_a_picture_has_dark_colours_and_a_still_for_who_wants_no_motion(stage: Any) -> None:
    sources = [
        attributes for tag, attributes in Tags(printed("Conv2d", "--as", "picture")).found if tag == "source"
    ]
    still, dark = "(prefers-reduced-motion: reduce)", "(prefers-color-scheme: dark)"
    assert [(one["media"], one["srcset"]) for one in sources] == [
        (f"{still} and {dark}", "./media/Conv2d.zh.dark.png"),
        (still, "./media/Conv2d.zh.light.png"),
        (dark, "./media/Conv2d.zh.dark.gif"),
    ]


def test_a_picture_in_one_theme_has_no_other(stage: Any) -> None:
    assert "dark" not in printed("Conv2d", "--as", "picture", "--theme", "light")


def test_a_video_loops_silently_and_stands_on_its_poster_before(stage: Any) -> None:
    film = Tags(printed("Conv2d", "--as", "video", "--width", "640")).one("video")
    assert {"autoplay", "loop", "muted", "playsinline"} < film.keys()
    assert (film["poster"], film["width"]) == ("./media/Conv2d.zh.light.png", "640")


def test_an_image_stands_as_the_handbook_has_it(stage: Any) -> None:
    tags = Tags(printed("Conv2d", "--as", "html", "--width", "600"))
    assert tags.one("p") == {"align": "center"}
    assert tags.one("img") == {"src": "./media/Conv2d.zh.light.gif", "width": "600", "alt": "方块"}


@pytest.mark.parametrize("form", FORMS)
def test_under_a_url_only_what_a_program_must_find_on_disk_is_a_path(stage: Any, form: str) -> None:
    text = printed("Conv2d", "--as", form, "--base-url", "https://example.org/课/", "-o", PLAIN_FOLDER)
    suffix = next(suffix for suffix in ("gif", "mp4") if suffix in FORMS[form].needs)
    assert f"https://example.org/课/Conv2d.zh.light.{suffix}" in text
    on_disk = PLAIN_FOLDER in text
    assert on_disk == (form in ("beamer", "typst"))


def test_the_cell_has_an_id_where_the_notebooks_cells_have_one(stage: Any) -> None:
    for minor in (4, 5):
        content = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": []}
        Path("page.ipynb").write_text(json.dumps(content))
        cell = json.loads(printed("Conv2d", "--as", "ipynb", "--relative-to", "page.ipynb"))
        nbformat.validate(nbformat.from_dict({**content, "cells": [cell]}))
        assert ("id" in cell) == (minor == 5)


def test_what_is_there_is_not_rendered_again_and_what_is_missing_is(stage: Any) -> None:
    printed("Conv2d", "--as", "html")
    printed("Conv2d", "--as", "md")
    assert len(stage.rendered) == 1
    printed("Conv2d", "--as", "video")
    assert len(stage.rendered) == 2
    Path("media/Conv2d.zh.light.gif").unlink()
    printed("Conv2d", "--as", "html")
    assert Path("media/Conv2d.zh.light.gif").is_file()


def test_a_clip_that_was_rendered_otherwise_stays(stage: Any) -> None:
    """Its own size and rate are the author's choice."""
    click.testing.CliRunner().invoke(main, ["render", "Conv2d", "-f", "gif", "--width", "320", "--fps", "10"])
    before = Path("media/Conv2d.zh.light.gif").read_bytes()
    printed("Conv2d", "--as", "html")
    assert Path("media/Conv2d.zh.light.gif").read_bytes() == before


def test_json_says_the_files_too(stage: Any) -> None:
    said = json.loads(printed("Conv2d", "--as", "html", "--json"))
    assert said == {
        "text": printed("Conv2d", "--as", "html"),
        "files": ["media/Conv2d.zh.light.gif"],
        "alt": "方块",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("Conv2d --as markdwon", "Unknown form --as markdwon."),
        (
            "Conv2d --as md --width 300",
            "--as md has no place for --width; leave it out, or choose --as html.",
        ),
        ("Conv2d --as typst --align left", "--as typst has no place for --align"),
        ("Conv2d --as html --theme auto", "--as html shows one theme"),
        ("Conv2d:* --as html", "A snippet shows one clip"),
        ("Conv2d --as html --lang zh,en", "A snippet shows one clip"),
        ("Conv2d --as html --base-url clips", "--base-url clips: expected the start of a URL"),
        ("Conv2d --as beamer -o 50%", "'%' cannot be in a path of --as beamer"),
        ("Conv3 --as html", "Unknown operator"),
        ("Conv2d", "Missing option '--as'"),
    ],
)
def test_a_mistake_is_one_line_code_2_and_renders_nothing(stage: Any, arguments: str, message: str) -> None:
    done = call(*shlex.split(arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert stage.rendered == []
    assert list(Path.cwd().iterdir()) == []


def test_a_clip_that_fails_is_one_line_and_no_snippet(stage: Any) -> None:
    def fail(scene: Any) -> None:
        raise RuntimeError("no such luck")

    stage.construct = fail
    done = call("Conv2d", "--as", "html")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no such luck" in done.stderr


def test_a_snippet_of_a_clip_that_is_there_needs_neither_torch_nor_manim(stage: Any) -> None:
    printed("Conv2d", "--as", "picture")
    code = (
        "import sys\nfrom torchreel.cli import main\n"
        "main(['snippet', 'Conv2d', '--as', 'picture'], standalone_mode=False)\n"
        "print(sorted({'torch', 'manim', 'numpy', 'av', 'rich', 'PIL'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_shard_renders_its_part_and_an_empty_one_is_fine(stage: Any) -> None:
    def render(part: str, folder: str) -> click.testing.Result:
        arguments = ["render", "Conv2d", "Fold", "-f", "png", "-j", "1", "--shard", part, "-o", folder]
        return click.testing.CliRunner().invoke(main, arguments)

    assert [render(f"{number}/3", f"part{number}").exit_code for number in (1, 2, 3)] == [0, 0, 0]
    assert [sorted(path.name for path in Path(f"part{n}").glob("*.png")) for n in (1, 2, 3)] == [
        ["Conv2d.zh.light.png"],
        ["Fold.zh.light.png"],
        [],
    ]
    assert render("3/3", "part3").stdout == "nothing to do in part 3/3 of 2 clips\n"
