"""Real decks: their size, and how another program opens and renders them.

LibreOffice is large, so these are run by `make test-pages`, which installs it.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click.testing
import numpy as np
import pytest
from PIL import Image
from pptx import Presentation

from torchreel import cli

pytestmark = [pytest.mark.xdist_group("slides"), pytest.mark.office]
CLIPS = ("GroupNorm", "MaxPool2d")
MOST = 4_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deck of two real clips, the same with clicks and as a whole, and their handout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHREEL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.chdir(tmp_path_factory.mktemp("decks"))
        make("steps.pptx")
        make("clicks.pptx", "--per", "both", "--click", "--loop")
        make("handout.pdf")
        yield Path.cwd()


def make(*arguments: str) -> None:
    done = click.testing.CliRunner().invoke(
        cli.main, ["slides", *CLIPS, *arguments, "--lang", "en", "-j", "1"]
    )
    assert done.exit_code == 0, done.output


def program(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    assert path, f"{name} is missing; 'make test-pages' installs it"
    return path


def converted(deck: Path, kind: str, folder: Path) -> Path:
    """The deck as LibreOffice understands it, saved in another format."""
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = [
        program("soffice"),
        profile,
        "--headless",
        "--convert-to",
        kind,
        "--outdir",
        str(folder),
        str(deck),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return folder / f"{deck.stem}.{kind}"


def test_a_deck_takes_less_than_4_mb_a_clip(folder: Path) -> None:
    for name in ("steps.pptx", "clicks.pptx", "handout.pdf"):
        assert (folder / name).stat().st_size < MOST * len(CLIPS)


@pytest.mark.parametrize(("name", "start"), [("steps", "after-previous"), ("clicks", "on-click")])
def test_movies_alternative_texts_notes_and_their_start_arrive(
    folder: Path, tmp_path: Path, name: str, start: str
) -> None:
    slides = Presentation(str(folder / f"{name}.pptx")).slides
    with zipfile.ZipFile(converted(folder / f"{name}.pptx", "odp", tmp_path)) as made:
        content = made.read("content.xml").decode()
    assert len(re.findall(r'<anim:command[^>]*anim:command="play"', content)) == len(slides)
    assert content.count(f'presentation:node-type="{start}"') == len(slides)
    assert len(re.findall(r"<draw:plugin[^>]*\.mp4", content)) == len(slides)
    for slide in slides:
        [alt] = slide.shapes._spTree.xpath(".//p:pic/p:nvPicPr/p:cNvPr/@descr")
        assert f"<svg:desc>{alt}</svg:desc>" in content
        assert slide.shapes.title.text in content
        assert slide.notes_slide.notes_text_frame.text.splitlines()[0] in content


def test_the_deck_is_rendered_as_its_posters(folder: Path, tmp_path: Path) -> None:
    pages = rendered(converted(folder / "steps.pptx", "pdf", tmp_path), tmp_path)
    slides = Presentation(str(folder / "steps.pptx")).slides
    assert len(pages) == len(slides)
    for page, slide in zip(pages, slides, strict=True):
        [movie] = [shape for shape in slide.shapes if not shape.is_placeholder]
        poster = Image.open(io.BytesIO(movie.poster_frame.blob)).convert("RGB").resize((320, 180))
        assert np.abs(page - np.asarray(poster, int)).mean() < 4


def rendered(pdf: Path, folder: Path) -> list[np.ndarray]:
    """The pages of a PDF as pictures 320 px wide."""
    command = [
        program("pdftoppm"),
        "-scale-to-x",
        "320",
        "-scale-to-y",
        "180",
        "-png",
        str(pdf),
        str(folder / "page"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return [np.asarray(Image.open(path).convert("RGB"), int) for path in sorted(folder.glob("page-*.png"))]


def test_words_and_numbers_of_the_handout_can_be_copied(folder: Path) -> None:
    command = [program("pdftotext"), str(folder / "handout.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    pages = text.split("\f")[:-1]
    slides = Presentation(str(folder / "steps.pptx")).slides
    assert len(pages) == len(slides)
    for page, slide in zip(pages, slides, strict=True):
        caption, *_, call = slide.notes_slide.notes_text_frame.text.splitlines()
        assert slide.shapes.title.text in page
        assert caption in page
        assert call in page
    assert len(re.findall(r"(?m)^−?\d+(\.\d+)?$", pages[-1])) > 10
