"""A page of Sphinx as its readers have it: in the theme of the page, and without motion for who wants none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sphinx.cmd.build import main

from torchreel.tests.browser import Reader, browser, faults
from torchreel.tests.conftest import Stage

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.browser]
VISIBLE = "[...document.querySelectorAll('.torchreel img')].filter((one) => one.checkVisibility())"
PAGE = """\
Title
=====

.. torchreel:: ReLU
   :quality: low

.. torchreel:: ReLU
   :quality: low
   :format: mp4
   :nocontrols:

   A caption.
"""


@pytest.fixture
def page(tmp_path: Path, stage: Stage) -> Path:
    (tmp_path / "conf.py").write_text("extensions = ['torchreel.sphinx']\nlanguage = 'en'\n")
    (tmp_path / "index.rst").write_text(PAGE)
    assert main(["-q", "-W", str(tmp_path), str(tmp_path / "out")]) == 0
    return tmp_path / "out" / "index.html"


@pytest.fixture
def running() -> Iterator[Any]:
    with browser() as started:
        yield started


def pictures(page: Any) -> list[str]:
    """The pictures in sight, once they are loaded."""
    page.wait_for_function(f"{VISIBLE}.length && {VISIBLE}.every((one) => one.complete && one.naturalWidth)")
    return [url.rpartition("/")[2] for url in page.evaluate(f"{VISIBLE}.map((one) => one.currentSrc)")]


def fetched(reader: Reader) -> set[str]:
    return {url.rpartition("/")[2] for url in reader.requests if "_torchreel/" in url}


def test_the_picture_is_in_the_theme_of_the_page_and_the_other_is_not_fetched(
    running: Any, page: Path
) -> None:
    reader = Reader(running, color_scheme="dark")
    shown = reader.opens(page)
    assert pictures(shown) == ["ReLU.en.light.gif"]
    assert "ReLU.en.dark.gif" not in fetched(reader)
    shown.evaluate("document.body.dataset.theme = 'auto'")
    assert pictures(shown) == ["ReLU.en.dark.gif"]
    shown.evaluate("document.body.dataset.theme = 'light'")
    assert pictures(shown) == ["ReLU.en.light.gif"]
    shown.evaluate("document.documentElement.dataset.theme = 'dark'; delete document.body.dataset.theme")
    assert pictures(shown) == ["ReLU.en.dark.gif"]
    assert reader.errors == []


def test_a_film_plays_and_neither_it_nor_a_picture_is_wider_than_the_text(running: Any, page: Path) -> None:
    reader = Reader(running, viewport={"width": 390, "height": 844})
    shown = reader.opens(page)
    shown.wait_for_function("document.querySelector('video').currentTime > 0")
    assert not shown.evaluate("document.querySelector('video').controls")
    pictures(shown)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [one for one in faults(shown) if "torchreel" in one] == []


def test_who_wants_no_motion_has_the_stills_and_can_start_the_film(running: Any, page: Path) -> None:
    reader = Reader(running, reduced_motion="reduce")
    shown = reader.opens(page)
    assert pictures(shown) == ["ReLU.en.light.png"]
    film = "document.querySelector('video')"
    assert shown.evaluate(f"[{film}.paused, {film}.controls, {film}.currentTime]") == [True, True, 0]
    shown.evaluate(f"{film}.play()")
    shown.wait_for_function(f"{film}.currentTime > 0")
