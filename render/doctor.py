"""What is needed, what is missing, and the command that installs it. Asks nothing and changes nothing."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import itertools
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.render.cache import cache_folder
from torchreel.render.outputs import prepare_folder

_ENCODERS = {"gif": "gif", "mp4": "libx264"}
_PYTHON = (3, 11)
_MANIM = "0.22."
_PACKAGES = {
    "torch": "torch",
    "numpy": "numpy",
    "click": "click",
    "imageio": "imageio",
    "pillow": "PIL",
    "av": "av",
    "rich": "rich",
    "uharfbuzz": "uharfbuzz",
    "cairocffi": "cairocffi",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` is the command or the advice where it is not `ok`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(output: Path) -> list[Finding]:
    """Look at everything a render needs, including write access to the `output` folder and the cache."""
    return [
        _platform(),
        _python(),
        *(_package(name, module) for name, module in _PACKAGES.items()),
        _manim(),
        _cairo(),
        *_encoders(),
        _fonts(),
        _writable("output folder", output, "choose another folder with -o"),
        _writable("cache", cache_folder(), "set TORCHREEL_CACHE to a folder of yours"),
    ]


def _platform() -> Finding:
    names = {"linux": "Linux", "darwin": "macOS"}
    detail = names.get(sys.platform, f"{sys.platform} is not supported")
    if sys.platform not in names:
        return Finding("platform", False, detail, "use Linux or macOS, on Windows inside WSL")
    is_wide = sys.maxsize > 2**32
    return Finding(
        "platform",
        is_wide,
        detail if is_wide else f"{detail}, 32 bit, for which there is no torch",
        "install a 64 bit Python",
    )


def _python() -> Finding:
    needed = ".".join(map(str, _PYTHON))
    ok = sys.version_info >= _PYTHON
    return Finding("python", ok, platform.python_version(), f"install Python {needed} or newer")


def _package(name: str, module: str) -> Finding:
    remedy = _pip(name)
    try:
        importlib.import_module(module)
        return Finding(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, True, "version unknown")
    except (Exception, SystemExit) as error:
        return Finding(name, False, _first_line(error), remedy)


def _manim() -> Finding:
    remedy = _pip("'manim>=0.22,<0.23'")
    found = _package("manim", "torchreel.render.manimconfig")
    if not found.ok:
        return Finding("manim", False, found.detail, remedy)
    if not found.detail.startswith(_MANIM):
        return Finding("manim", False, f"{found.detail}; tested with {_MANIM}x only", remedy)
    return found


def _cairo() -> Finding:
    try:
        cairo = importlib.import_module("cairo")
        return Finding("cairo", True, cairo.cairo_version_string())
    except (Exception, SystemExit) as error:
        return Finding("cairo", False, _first_line(error), f"{_system_packages()} && {_pip('pycairo')}")


def _encoders() -> Iterable[Finding]:
    for suffix, name in _ENCODERS.items():
        yield _attempt(f"{suffix} encoder", partial(_codec, name), _pip("--force-reinstall av"))
    yield _attempt("webp encoder", _webp, _pip("--force-reinstall pillow"))


def _codec(name: str) -> str:
    if name not in importlib.import_module("av.codec").codecs_available:
        raise UserError(f"this build of av has no {name}")
    return name


def _webp() -> str:
    if not importlib.import_module("PIL.features").check("webp"):
        raise UserError("this build of pillow has no WebP")
    return "libwebp"


def _fonts() -> Finding:
    def outlines() -> str:
        fonts = importlib.import_module("torchreel.assets.fonts")
        for font in ("sans", "bold", "mono"):
            fonts.outline("卷积 Conv2d −1.50", font)
        return "bundled"

    return _attempt("fonts", outlines, _pip("--force-reinstall torchreel"))


def _writable(name: str, folder: Path, remedy: str) -> Finding:
    """Prepare a folder just as a render would, and leave nothing of it."""
    family = (folder, *folder.absolute().parents)

    def probe() -> str:
        made = list(itertools.takewhile(lambda parent: not os.path.lexists(parent), family))
        try:
            prepare_folder(folder)
            free = shutil.disk_usage(folder).free
        finally:
            for new in made:
                with contextlib.suppress(OSError):
                    new.rmdir()
        return f"{folder} ({free / 1e9:.1f} GB free)"

    return _attempt(name, probe, remedy)


def _attempt(name: str, probe: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, True, probe())
    except (Exception, SystemExit) as error:
        return Finding(name, False, _first_line(error), remedy)


def _pip(what: str) -> str:
    return f"{sys.executable} -m pip install {what}"


def _system_packages() -> str:
    if sys.platform == "darwin":
        return "brew install cairo pango pkg-config"
    sudo = "" if getattr(os, "geteuid", lambda: 0)() == 0 else "sudo "
    return f"{sudo}apt-get install -y libcairo2-dev libpango1.0-dev pkg-config"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
