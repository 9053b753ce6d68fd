"""The operators there are: every `OperatorScene` in a module of `torchreel.scenes` that names its `operator`.

Found by scanning the package, so that a new operator is one new file and no list has to be kept.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import torchreel.scenes
from torchreel.assets.errors import UserError
from torchreel.assets.examples import unknown_operator
from torchreel.scenes.stage import OperatorScene


@cache
def scene_classes() -> dict[str, type[OperatorScene]]:
    """The scene of each operator, by the operator's name, module by module in alphabetical order."""
    found: dict[str, type[OperatorScene]] = {}
    for info in pkgutil.iter_modules(torchreel.scenes.__path__):
        if info.ispkg:
            continue
        for scene in _scenes_in(importlib.import_module(f"torchreel.scenes.{info.name}")):
            name = scene.operator.name
            if name in found:
                raise TypeError(f"{name} has two scenes: {found[name].__module__} and {scene.__module__}")
            found[name] = scene
    return found


def find(name: str) -> type[OperatorScene]:
    """The scene of one operator. An unknown name is a `UserError` that suggests the nearest."""
    scenes = scene_classes()
    if name not in scenes:
        raise UserError(unknown_operator(name, scenes))
    return scenes[name]


def _scenes_in(module: ModuleType) -> Iterator[type[OperatorScene]]:
    for value in vars(module).values():
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, OperatorScene) and getattr(value, "operator", None) is not None:
            yield value
