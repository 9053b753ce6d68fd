"""The page of slides as a lecturer has it: in a browser, with keys, clicks and a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from torchreel.tests.browser import Reader, browser, faults
from torchreel.tests.commands import call

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.browser]
SHOWN = "document.querySelector('video.shown')"
DONE = f"{SHOWN} && {SHOWN}.ended"


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slides of one small clip, in the dark theme."""
    target = tmp_path_factory.mktemp("slides") / "deck.html"
    assert (
        call("slides", "MaxPool2d", str(target), "-q", "l", "--lang", "en", "--theme", "dark").exit_code == 0
    )
    return target


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as started:
        yield started


def test_keys_go_through_the_slides_and_each_plays_to_its_end(running: Any, deck: Path) -> None:
    one = Reader(running)
    page = one.opens(deck)
    page.wait_for_function(DONE)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(DONE)
    assert page.locator("#place").inner_text().startswith("2 / ")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{SHOWN} && {SHOWN}.paused && location.hash === '#1'")
    page.locator("#stage").click()
    assert page.locator("#place").inner_text().startswith("2 / ")
    page.reload()
    assert page.locator("#place").inner_text().startswith("2 / ")
    assert one.errors == []
    page.context.close()


def test_with_less_motion_a_slide_is_its_last_picture(running: Any, deck: Path) -> None:
    one = Reader(running, reduced_motion="reduce")
    page = one.opens(deck)
    page.wait_for_function(f"{SHOWN} && {SHOWN}.paused && {SHOWN}.duration - {SHOWN}.currentTime < 0.1")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shuts_nobody_out_and_has_the_colours_of_its_clips(
    running: Any, deck: Path, scheme: str
) -> None:
    one = Reader(running, reduced_motion="reduce", color_scheme=scheme)
    page = one.opens(deck)
    page.keyboard.press("n")
    page.keyboard.press("h")
    assert "nn.MaxPool2d(kernel_size=2)" in page.locator("#notes").inner_text()
    assert page.locator("#help").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert faults(page) == []
    page.context.close()
