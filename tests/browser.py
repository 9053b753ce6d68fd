"""What tests of pages need: a browser of the machine, and axe-core. `python -m torchreel.tests.browser` asks for both."""

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


if __name__ == "__main__":
    sys.exit(chromium() is None)
