"""What tests of pages need: a browser, somebody who reads in it, and axe-core.

`python -m torchreel.tests.browser` exits with 1 where the machine has no browser.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torchreel

AXE = Path(torchreel.__file__).parent / "build/axe/node_modules/axe-core/axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_SERIOUS = ("serious", "critical")

CURRENT = "#steps [aria-current]"
STILL = "document.querySelector('#video').paused && !document.querySelector('#video').seeking"


def chromium() -> str | None:
    """The path of a Chromium; `TORCHREEL_CHROMIUM` names another one."""
    found = os.environ.get("TORCHREEL_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    return found or (str(_MAC) if _MAC.exists() else None)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser; there is no test of a page without one."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    assert path and AXE.is_file(), "no Chromium or no axe-core: 'make browser' installs them"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path)
        try:
            yield running
        finally:
            running.close()


def faults(page: Any) -> list[str]:
    """What axe-core finds serious in a page as it stands, a line a rule."""
    page.add_script_tag(content=AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in _SERIOUS
    ]


class Reader:
    """Somebody with a page open; keeps what the page asked for and what went wrong in it."""

    def __init__(self, started: Any, **options: Any) -> None:
        self.page = started.new_context(**options).new_page()
        self.page.set_default_timeout(90_000)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.on("pageerror", lambda one: self.errors.append(str(one)))
        self.page.on("console", lambda one: one.type == "error" and self.errors.append(one.text))

    def opens(self, path: Path | str, state: str = "") -> Any:
        """Open a page, and wait until its film can be shown where it has one."""
        url = path if isinstance(path, str) else path.as_uri()
        self.page.goto(f"{url}{state}")
        self.page.wait_for_function(
            "[...document.querySelectorAll('#video')].every((one) => one.readyState > 1)"
        )
        return self.page

    def ends(self) -> int:
        """Wait until the film stands; the number of the step that it stands in."""
        self.page.wait_for_function(STILL)
        return self.step()

    def step(self) -> int:
        """The number of the step that the list marks."""
        return int(self.page.locator(f"{CURRENT} span").inner_text())

    def time(self) -> float:
        """Where the film is, in seconds."""
        return float(self.page.evaluate("document.querySelector('#video').currentTime"))

    def lit(self, kind: str) -> set[str]:
        """The numbers that are marked, by what they say of themselves."""
        marked = self.page.locator(f".number.{kind}:visible")
        return {one.get_attribute("aria-label") for one in marked.all()}


if __name__ == "__main__":
    sys.exit(chromium() is None)
