"""Manim, imported and configured by nobody but us: a clip depends on no `manim.cfg`, plugin or setting of its reader.

Manim reads its configuration while it is imported, from its own `default.cfg`, then from the home and the working
folder, and it loads every plugin that is installed. Here only the first of these is read. Where a program has imported
Manim before, with whatever configuration, `configured` still sets every one of its options for the time of a render.
Import this module before anything else of Manim.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def _read_own_defaults_only(module: ModuleType) -> None:
    own, nothing = Path(str(module.__file__)).with_name("default.cfg"), Path(os.devnull)
    vars(module)["config_file_paths"] = lambda: [own, nothing, nothing]


def _load_no_plugins(module: ModuleType) -> None:
    vars(module)["get_plugins"] = dict


_CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "manim._config.utils": _read_own_defaults_only,
    "manim.plugins.plugins_flags": _load_no_plugins,
}


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _CHANGES[module.__name__](module)


class _Finder(MetaPathFinder):
    """Finds the two modules of Manim that look around, and changes them as soon as they are there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _CHANGES:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return found
        return spec_from_file_location(fullname, found.origin, loader=_Loader(fullname, found.origin))


def _import_undisturbed() -> None:
    """Import Manim, unless somebody has, without a word, and take its log handler off the root logger.

    That logger belongs to the program, which may write whatever reaches it, what Manim reads from where included.
    """
    if "manim" in sys.modules:
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    handlers = list(logging.getLogger().handlers)
    logger = logging.getLogger("manim")
    was_silent, logger.disabled = logger.disabled, True
    try:
        import manim  # noqa: F401
    finally:
        sys.meta_path.remove(finder)
        logging.getLogger().handlers[:] = handlers
        logger.disabled = was_silent


_import_undisturbed()

from manim import config, tempconfig  # noqa: E402
from manim._config import utils as _utils  # noqa: E402

_SETTINGS = {
    "dry_run": True,
    "disable_caching": True,
    "notify_outdated_version": False,
    "progress_bar": "none",
    "seed": 0,
    "verbosity": "ERROR",
}


@contextmanager
def configured(width: int, height: int, fps: float) -> Iterator[None]:
    """Manim's whole configuration for a while: its defaults, what keeps it silent, a size in px and a rate."""
    size = {"pixel_width": width, "pixel_height": height, "frame_rate": fps}
    with tempconfig({**_defaults(), **_SETTINGS, **size}):
        yield


@contextmanager
def sized(width: int, height: int) -> Iterator[None]:
    """Another size in px for a moment, within `configured`."""
    with tempconfig({"pixel_width": width, "pixel_height": height}):
        yield


def frame_width() -> float:
    """Scene units across the picture."""
    return float(config.frame_width)


@cache
def _defaults() -> Mapping[str, Any]:
    parser = ConfigParser()
    parser.read_string(Path(_utils.__file__).with_name("default.cfg").read_text("utf-8"))
    return dict(_utils.ManimConfig().digest_parser(parser))
