"""No configuration, plugin or setting of the reader's Manim changes a frame, an exit code or a line of output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = {
    "another frame": "[CLI]\nframe_width = 9\nframe_height = 16\npixel_width = 1080\npixel_height = 1920\n",
    "another width": "[CLI]\npixel_width = 1080\n",
    "another renderer": "[CLI]\nrenderer = opengl\n",
    "a plugin": "[CLI]\nplugins = x\n",
    "colours, rates and files": "[CLI]\nbackground_color = RED\nbackground_opacity = 0\nframe_rate = 7\n"
    "save_sections = True\nlog_to_file = True\nwrite_all = True\npreview = True\n"
    "from_animation_number = 3\nverbosity = DEBUG\n",
    "a word for a number": "[CLI]\nframe_rate = abc\n",
    "an unknown theme": "[CLI_CTX]\nwidth = x\n[logger]\nlogging_level_error = no such colour\n",
    "no configuration at all": "this = is not\n[a configuration",
    "no text": "\udcff\udcfe",
}
DRAW = """
import hashlib, sys
if sys.argv[1] == "after":
    import manim
from torchreel.render.renderer import capture
from torchreel.render.settings import View
from manim import Circle, Dot, Scene, LEFT

class Toy(Scene):
    def construct(self):
        self.add(Circle(fill_opacity=1), Dot(3 * LEFT))
        self.play(self.mobjects[0].animate.shift(LEFT))

frames = capture(lambda renderer: Toy(renderer=renderer), View(160, 90, 5), [0, 0.6, -1])
print(hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest())
"""


def draw(folder: Path, home: Path, manim_is_imported: str = "never") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRAW, manim_is_imported],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "HOME": str(home)},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    code, said, wrong = draw(tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("home"))
    assert (code, wrong) == (0, "")
    return said


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_configuration_of_the_folder_and_the_home_is_not_read(
    tmp_path: Path, undisturbed: str, content: str
) -> None:
    home = tmp_path / "home" / ".config" / "manim"
    home.mkdir(parents=True)
    for folder in (tmp_path, home):
        (folder / "manim.cfg").write_bytes(content.encode("utf-8", "surrogateescape"))
    before = sorted(tmp_path.rglob("*"))
    assert draw(tmp_path, tmp_path / "home") == (0, undisturbed, "")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["another frame", "another width", "another renderer"])
def test_a_manim_that_was_imported_with_a_configuration_draws_the_same(
    tmp_path: Path, undisturbed: str, name: str
) -> None:
    (tmp_path / "manim.cfg").write_text(HOSTILE[name])
    assert draw(tmp_path, tmp_path, "after") == (0, undisturbed, "")


def test_a_home_that_cannot_be_looked_into_does_not_matter(tmp_path: Path, undisturbed: str) -> None:
    """A name that is too long fails for everybody, root too, as a folder of another user does for others."""
    assert draw(tmp_path, tmp_path / ("h" * 300)) == (0, undisturbed, "")


def test_nothing_is_said_to_a_program_that_writes_its_log() -> None:
    code = "import logging; logging.basicConfig(level=logging.DEBUG); import torchreel.render.manimconfig"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "manim" not in done.stdout + done.stderr


def test_a_plugin_is_not_loaded(tmp_path: Path, undisturbed: str) -> None:
    package = tmp_path / "hostile-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[manim.plugins]\nhostile = hostile\n")
    (tmp_path / "hostile.py").write_text("raise SystemExit('loaded')\n")
    assert draw(tmp_path, tmp_path) == (0, undisturbed, "")


def test_a_clip_is_the_same_files_in_a_hostile_folder(tmp_path: Path) -> None:
    written = []
    for name, content in (("plain", None), ("frame", HOSTILE["another frame"]), ("broken", "[CLI\nx")):
        folder = tmp_path / name
        folder.mkdir()
        if content:
            (folder / "manim.cfg").write_text(content)
        command = [sys.executable, "-m", "torchreel", "render", "ReLU", "-f", "gif,png", "--width", "160"]
        done = subprocess.run(
            [*command, "--fps", "5", "--force"], capture_output=True, text=True, cwd=folder, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert {path.name for path in folder.iterdir()} <= {"manim.cfg", "media"}
        written.append({path.name: path.read_bytes() for path in (folder / "media").iterdir()})
    assert written[0] == written[1] == written[2]
