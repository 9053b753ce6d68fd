"""Clips in Sphinx: real builds of small pages, most of them with a toy scene in the place of all operators."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sphinx.cmd.build import main

import torchreel
from torchreel.assets.errors import UserError
from torchreel.publish.sphinx.wish import parts
from torchreel.tests.conftest import Stage

ROOT = Path(torchreel.__file__).parent
FOREIGN = (
    "torch",
    "manim",
    "numpy",
    "av",
    "PIL",
    "click",
    "rich",
    "imageio",
    "uharfbuzz",
    "cairocffi",
    "markdown_it",
)
CONF = "extensions = ['torchreel.sphinx', 'myst_parser']\nnumfig = True\nsuppress_warnings = ['toc.not_included']\n"

Write = Callable[..., None]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.chdir(tmp_path)


def write(pages: dict[str, str], conf: str = "") -> None:
    """The sources of a documentation; the index needs no title of its own."""
    Path("src").mkdir(exist_ok=True)
    Path("src/conf.py").write_text(CONF + conf)
    for name, text in pages.items():
        begin = "Title\n=====\n\n" if name.endswith(".rst") else "# Title\n\n"
        Path("src", name).write_text(begin + text)


def build(*arguments: str, builder: str = "html", out: str = "out") -> tuple[int, list[str]]:
    """The exit code of a build, and its warnings as `page.rst:5: what`."""
    told = Path("warnings.txt")
    told.unlink(missing_ok=True)
    code = main(["-q", "-w", str(told), "-b", builder, *arguments, "src", out])
    lines = told.read_text().splitlines() if told.exists() else []
    return code, [line.removeprefix(f"{Path('src').resolve()}/") for line in lines]


def blocked_build(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A build in a process that can import nothing but Sphinx and torchreel's own modules that need nobody."""
    code = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {FOREIGN}: raise ImportError('blocked: ' + name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "from sphinx.cmd.build import main\n"
        f"sys.exit(main({['-q', *arguments]!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.feed(Path(page).read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.found if name == tag]


def clips(page: str = "out/index.html") -> list[dict[str, Any]]:
    """The pictures and films of torchreel in a page, in order; each file they name is there."""
    tags = [
        (tag, one)
        for tag, one in Tags(page).found
        if FOLDER in str(one.get("src")) or FOLDER in str(one.get("srcset"))
    ]
    for _, one in tags:
        for name in ("src", "srcset", "poster"):
            assert name not in one or (Path(page).parent / unquote(one[name])).is_file()
    return [one for tag, one in tags if tag != "source"]


FOLDER = "_torchreel/"


def rst(name: str = "ReLU", *options: str, content: str = "") -> str:
    """A directive in reStructuredText, small."""
    lines = [f".. torchreel:: {name}", "   :quality: low", *(f"   :{option}" for option in options)]
    return "\n".join([*lines, "", *(f"   {line}" for line in content.splitlines()), "", ""])


def test_a_gif_is_there_in_both_themes_and_as_a_still_for_who_wants_no_motion() -> None:
    write({"index.rst": rst()})
    assert build("-W") == (0, [])
    light, dark = clips()
    assert light == {
        "class": "torchreel-light",
        "src": "_torchreel/l/ReLU.en.light.gif",
        "style": "width: 800px",
        "loading": "lazy",
        "alt": "a square",
    }
    assert (dark["src"], dark["class"]) == ("_torchreel/l/ReLU.en.dark.gif", "torchreel-dark dark-light")
    assert [(one["media"], one["srcset"]) for one in Tags("out/index.html").all("source")] == [
        ("(prefers-reduced-motion: reduce)", f"_torchreel/l/ReLU.en.{theme}.png")
        for theme in ("light", "dark")
    ]
    assert ".torchreel-dark" in Path("out/_static/torchreel.css").read_text()


def test_myst_takes_the_same_directive_and_other_folders_find_the_files() -> None:
    Path("src/sub").mkdir(parents=True)
    write({"index.md": "```{toctree}\nsub/page\n```\n"})
    page = (
        "# Page\n\n```{torchreel} ReLU\n:quality: low_quality\n:format: png\n:theme: dark\n:lang: zh\n```\n"
    )
    Path("src/sub/page.md").write_text(page)
    assert build("-W", "-j", "2") == (0, [])
    [one] = clips("out/sub/page.html")
    assert (one["src"], one["alt"]) == ("../_torchreel/l/ReLU.zh.dark.png", "方块")
    assert "class" not in one
    for builder in ("dirhtml", "singlehtml"):
        assert build("-W", builder=builder, out=builder) == (0, [])
    assert len(clips("dirhtml/sub/page/index.html")) == len(clips("singlehtml/index.html")) == 1


def test_a_film_plays_as_the_options_say() -> None:
    quiet = rst("ReLU", "format: mp4", "no-autoplay:", "no-loop:", "alt: my <words>", "width: 60%")
    write({"index.rst": rst("ReLU", "format: mp4", "nocontrols:") + quiet})
    assert build("-W") == (0, [])
    plays, waits = clips()
    assert {"autoplay", "loop", "muted", "playsinline"} < plays.keys()
    assert "controls" not in plays
    assert plays["poster"] == "_torchreel/l/ReLU.en.light.png"
    assert {"muted", "playsinline", "controls"} < waits.keys()
    assert not {"autoplay", "loop"} & waits.keys()
    assert (waits["aria-label"], waits["style"]) == ("my <words>", "width: 60%")


def test_content_is_a_caption_with_markup_that_can_be_referred_to() -> None:
    figure = rst(
        "ReLU", "name: pic", "align: left", "class: mine", content="A *caption*, see :doc:`other`.\n\nMore."
    )
    named = rst("ReLU", "format: png", "name: alone")
    other = "Other\n-----\n\n:numref:`pic`, :ref:`this <alone>`\n"
    write({"index.rst": figure + named, "other.rst": other})
    assert build("-W") == (0, [])
    page = Path("out/index.html").read_text("utf-8")
    assert 'A <em>caption</em>, see <a class="reference internal" href="other.html">' in page
    assert '<div class="legend">\n<p>More.</p>' in page
    tags = Tags("out/index.html")
    [figure_tag] = tags.all("figure")
    assert (figure_tag["id"], set(figure_tag["class"].split())) == ("pic", {"align-left", "mine"})
    assert [one["class"] for one in tags.all("div") if one.get("id") == "alone"] == ["align-center torchreel"]
    links = {one["href"] for one in Tags("out/other.html").all("a") if "#" in one.get("href", "")}
    assert {"index.html#pic", "index.html#alone"} <= links


def test_latex_gets_the_still_and_text_the_words() -> None:
    write(
        {
            "index.rst": rst(content="A caption.")
            + rst("Conv2d", "format: mp4", "alt: 100% mine", "width: 60%")
        }
    )
    for builder in ("latex", "text", "man", "epub", "texinfo"):
        code, told = build("-d", "doctrees", builder=builder, out=builder)
        assert (code, [line for line in told if "torchreel" in line]) == (0, []), builder
    [tex] = Path("latex").glob("*.tex")
    for stem, width in (("ReLU.en.light", "800\\sphinxpxdimen"), ("Conv2d.en.light", "0.600\\linewidth")):
        assert f"\\sphinxincludegraphics[width={width}]{{{{{stem}}}.png}}" in tex.read_text()
        assert Path("latex", f"{stem}.png").is_file()
    assert "\\caption{A caption.}" in tex.read_text()
    text = Path("text/index.txt").read_text()
    assert re.search(r"\[a square\]\n+ *A caption\.\n+\[100% mine\]", text)
    assert "[100% mine]" in next(Path("man").glob("*.1")).read_text()
    assert "<video" not in Path("epub/index.xhtml").read_text()
    assert Path("epub/_images/Conv2d.en.light.png").is_file()
    assert not list(Path("latex").rglob("*.gif"))


def test_builders_that_show_nobody_a_clip_draw_none(stage: Stage) -> None:
    write({"index.rst": rst()})
    for builder in ("gettext", "dummy", "xml"):
        assert build("-W", builder=builder, out=builder) == (0, [])
    assert stage.rendered == []


def test_all_pages_are_one_batch_and_the_same_clip_is_drawn_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchreel.render import batch

    runs = []
    real = batch.run
    monkeypatch.setattr(
        batch, "run", lambda jobs, *rest, **named: runs.append(jobs) or real(jobs, *rest, **named)
    )
    pages = {f"page{number}.rst": "" + rst("ReLU", "theme: light") for number in range(8)}
    write({**pages, "index.rst": rst("ReLU", "theme: light", "format: mp4")})
    assert build("-W", "-j", "2") == (0, [])
    [jobs] = runs
    [[*outputs]] = [[output.format for output in job.outputs] for job in jobs]
    assert sorted(outputs) == ["gif", "mp4", "png"]
    assert len(clips("out/page7.html")) == 1


def test_own_numbers_come_by_options_files_as_seen_from_the_page() -> None:
    Path("src/data").mkdir(parents=True)
    for number in (1, 2):
        Path(f"src/data/x{number}.csv").write_text(f"{number},2\n3,4\n")
    options = [
        "set: kernel_size=(1, 2); stride=2\n          padding=1",
        "seed: 3",
        "format: png",
        "theme: light",
    ]
    write(
        {
            "index.rst": "".join(
                rst("Conv2d", f"input: {file}", *options) for file in ("data/x1.csv", "/data/x1.csv")
            )
        }
    )
    assert build("-W") == (0, [])
    first, second = clips()
    assert first["src"] == second["src"]
    assert re.fullmatch(r"_torchreel/l/Conv2d-set-\w{6}\.en\.light\.png", first["src"])
    Path("src/data/x1.csv").write_text("5,2\n3,4\n")
    assert build("-W") == (0, [])
    assert clips()[0]["src"] != first["src"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=1; b=2", ("a=1", "b=2")),
        ("a=(1,\n 2)\nb=[[1; 2]]", ("a=(1, 2)", "b=[[1; 2]]")),
        ("\n;;", ()),
        ("x.csv", ("x.csv",)),
    ],
)
def test_an_option_holds_one_thing_a_line_or_between_semicolons(text: str, found: tuple[str, ...]) -> None:
    assert parts(text) == found


MISTAKES = {
    "unknown operator": (rst("Conv2"), "Did you mean 'Conv2d'?"),
    "unknown example": (rst("Conv2d:strid"), "Did you mean 'stride'?"),
    "several clips": (rst("Conv2d:*"), "expected one clip"),
    "setting": (rst("Conv2d", "set: stride"), ":set: stride: expected name=value"),
    "refused": (rst("Conv2d", "set: stride=9"), "no such stride"),
    "format": (rst("ReLU", "format: avi"), ":format: avi: expected gif, mp4, png"),
    "theme": (rst("ReLU", "theme: drak"), "Did you mean 'dark'?"),
    "language": (rst("ReLU", "lang: fr"), "'fr'"),
    "quality": (".. torchreel:: ReLU\n   :quality: best\n", ":quality: best: expected low"),
    "seed": (rst("ReLU", "seed: -1"), ":seed: -1: expected a whole number"),
    "standard input": (rst("ReLU", "input: -"), "no standard input"),
    "missing file": (rst("ReLU", "input: none.npy"), "none.npy"),
    "width": (rst("ReLU", "theme: light", "width: 3 apples"), ":width: 3 apples: expected a length"),
    "align": (rst("ReLU", "theme: light", "align: top"), ":align: top: expected left"),
    "deaf": (rst("ReLU", "theme: light", "nocontrols:"), "add :format: mp4"),
    "stuck": (rst("ReLU", "format: mp4", "no-autoplay:", "nocontrols:"), "nobody can start"),
    "caption": (rst("ReLU", "theme: light", content="* a list"), "expected a paragraph"),
}


def refusing(toy: Callable[..., Any]) -> Callable[..., Any]:
    """A trace that refuses one stride, as torch would."""

    def trace(example: Any, *arguments: Any, changes: Any, **named: Any) -> Any:
        if str(changes.settings.get("stride")) == "9":
            raise UserError(f"{example.operator}: no such stride")
        return toy(example, *arguments, **named)

    return trace


def test_each_mistake_is_a_warning_at_its_line_and_no_broken_picture(stage: Stage) -> None:
    stage.trace = refusing(stage.trace)
    page, expected = "", []
    for text, says in MISTAKES.values():
        expected.append((f"index.rst:{len(page.splitlines()) + 4}", says))
        page += text
    write({"index.rst": page})
    code, told = build("-W", "--keep-going", "-j", "2")
    assert code == 1
    assert len(told) == len(expected)
    for line, (place, says) in zip(told, expected, strict=True):
        assert line.startswith(f"{place}: WARNING: torchreel: ")
        assert says in line
        assert "[torchreel.usage]" in line
    assert {one["src"] for one in clips()} == {
        "_torchreel/l/ReLU.en.light.gif",
        "_torchreel/l/ReLU.en.light.mp4",
    }
    assert build("-W", "-E", "-D", "suppress_warnings=torchreel") == (0, [])


def test_a_mistake_is_told_again_until_it_is_mended_and_leaves_its_words() -> None:
    mistake = rst("Conv2", "alt: a window moves")
    write({"index.rst": mistake, "page.md": "```{torchreel} Nonsense\n```\n"})
    for _ in range(2):
        assert [line.split(" ")[0] for line in build()[1]] == ["index.rst:4:", "page.md:3:"]
    assert "<p" in Path("out/index.html").read_text()
    assert "[a window moves]" in Path("out/index.html").read_text()
    assert "[Nonsense]" in Path("out/page.html").read_text()
    assert clips() == clips("out/page.html") == []


def test_a_clip_that_fails_once_is_there_when_it_works_again(stage: Stage) -> None:
    toy = stage.construct

    def fails(scene: Any) -> None:
        raise ValueError("no picture")

    stage.construct = fails
    write({"index.rst": rst("ReLU", "theme: light")})
    _, [told] = build()
    assert "no picture" in told
    assert "torchreel.failed" in told
    assert clips() == []
    stage.construct = toy
    assert build("-W") == (0, [])
    assert len(clips()) == 1


def test_clips_are_skipped_by_a_tag_and_come_back_without_it(stage: Stage) -> None:
    write({"index.rst": rst("ReLU", "name: pic", content="A caption.") + ":numref:`pic`\n"})
    assert build("-W", "-t", "skip-torchreel") == (0, [])
    assert (clips(), stage.rendered) == ([], [])
    assert "[ReLU]" in Path("out/index.html").read_text()
    assert build("-W") == (0, [])
    assert len(clips()) == 2


def test_a_page_that_goes_takes_its_wish_along(stage: Stage) -> None:
    write({"index.rst": "Words.\n", "gone.rst": rst("Nonsense"), "less.rst": rst("Nonsense")})
    assert len(build()[1]) == 2
    Path("src/gone.rst").unlink()
    write({"less.rst": "Words.\n"})
    assert build("-W") == (0, [])


def test_settings_of_the_documentation_are_the_defaults() -> None:
    conf = "language = 'zh_CN'\ntorchreel_format = 'png'\ntorchreel_theme = 'dark'\ntorchreel_jobs = 1\n"
    write({"index.rst": rst()}, conf)
    assert build("-W") == (0, [])
    assert [one["src"] for one in clips()] == ["_torchreel/l/ReLU.zh.dark.png"]
    assert build("-W", "-D", "torchreel_lang=en", "-D", "torchreel_format=gif") == (0, [])
    assert [one["src"] for one in clips()] == ["_torchreel/l/ReLU.en.dark.gif"]


def test_a_gif_that_plays_once_is_another_file_than_one_that_loops() -> None:
    write({"index.rst": rst("ReLU", "theme: light") + rst("ReLU", "theme: light", "no-loop:")})
    assert build("-W") == (0, [])
    loops, once = (Path("out", one["src"]).read_bytes() for one in clips())
    assert b"NETSCAPE2.0" in loops
    assert b"NETSCAPE2.0" not in once


def test_what_was_left_half_done_in_the_builds_own_folder_is_made_again() -> None:
    write({"index.rst": rst("ReLU", "theme: light")})
    assert build("-W") == (0, [])
    for folder in ("out/.doctrees/torchreel", "out/_torchreel"):
        Path(folder, "l/ReLU.en.light.gif").write_bytes(b"half")
    assert build("-W") == (0, [])
    assert Path("out", clips()[0]["src"]).read_bytes()[:4] == b"GIF8"


def test_a_cached_build_imports_nothing_foreign() -> None:
    """Neither a build that changes nothing, nor one of everything anew, as long as the cache has the clips."""
    write(
        {"index.rst": rst("ReLU", "seed: 2") + rst("ReLU", "format: mp4")},
        "extensions.remove('myst_parser')\n",
    )
    assert build("-W") == (0, [])
    for out in ("out", "anew"):
        done = blocked_build("-W", "src", out)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(clips(f"{out}/index.html")) == 3


def test_rendered_files_are_taken_from_a_folder_and_nothing_is_drawn() -> None:
    from torchreel.tests.commands import call

    options = ("-o", "src/my clips", "--width", "160", "--lang", "en")
    assert call("render", "ReLU", *options, "-f", "gif,png", "--theme", "light,dark").exit_code == 0
    assert call("render", "Conv2d", "--set", "stride=2", *options, "-f", "mp4,png").exit_code == 0
    pages = rst() + rst("Conv2d", "set: stride = 2", "format: mp4")
    conf = "extensions.remove('myst_parser')\ntorchreel_prerendered = 'my clips/'\n"
    write({"index.rst": pages}, conf)
    done = blocked_build("-W", "src", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert [Path(one["src"]).suffix for one in clips()] == [".gif", ".gif", ".mp4"]


def test_what_is_not_in_the_folder_is_a_warning_that_says_how_it_gets_there(stage: Stage) -> None:
    from torchreel.tests.commands import call

    render = "-o", "src/clips", "--width", "160", "--lang", "en"
    assert call("render", "ReLU", *render, "-f", "gif,png").exit_code == 0
    stage.rendered.clear()
    write(
        {"index.rst": rst("Conv2d:stride", "theme: light") + rst("ReLU")}, "torchreel_prerendered = 'clips'\n"
    )
    code, [nothing, half] = build("-W", "--keep-going")
    assert (code, stage.rendered) == (1, [])
    assert nothing.startswith("index.rst:4: WARNING")
    assert "torchreel render Conv2d:stride -f gif,png --lang en --theme light" in nothing
    assert "torchreel.missing" in nothing
    assert half.startswith("index.rst:9: WARNING")
    assert "--theme dark" in half
    [light] = clips()
    assert light["src"].endswith("ReLU.en.light.gif")
    assert "class" not in light


def test_a_sphinx_of_ours_stands_before_nobodys() -> None:
    """Who runs Python in the checkout, which is the package, still gets Sphinx itself."""
    code = (
        "import sphinx.application, torchreel.sphinx as ours; print(sphinx.__file__, ours.setup.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    theirs, ours = done.stdout.split()
    assert not Path(theirs).is_relative_to(ROOT / "publish")
    assert ours == "torchreel.publish.sphinx.extension"


def test_real_clips_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Nothing but Sphinx's command: both markups, parallel, warnings as errors."""
    myst = "```{torchreel} ReLU\n:quality: low\n:format: png\n:theme: dark\n```\n"
    write({"index.rst": rst("ReLU", "theme: light") + ".. toctree::\n\n   page\n", "page.md": myst})
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-j", "2", "src", "out"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    [gif], [png] = clips(), clips("out/page.html")
    listed = json.loads(Path("out/.doctrees/torchreel/l/manifest.json").read_bytes())["clips"]
    assert gif["alt"] == " ".join(listed["ReLU.en.light"]["alt"]["en"].split())
    assert png["src"].endswith("ReLU.en.dark.png")
