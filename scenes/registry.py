"""From an operator's name to the scene that draws it, importing one family and no other.

A family's scenes are the `OperatorScene`s in the modules of its folder that name their `operator`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from torchreel.scenes import catalogue
from torchreel.scenes.stage.scene import OperatorScene


@cache
def scenes_of(family: str) -> dict[str, type[OperatorScene]]:
    """The scene of each operator of a family, by the operator's name."""
    found: dict[str, type[OperatorScene]] = {}
    for module in _modules(family):
        for scene in _scenes_in(module):
            name = scene.operator.name
            if name in found:
                raise TypeError(f"{name} has two scenes: {found[name].__module__} and {scene.__module__}")
            found[name] = scene
    return found


def find(name: str) -> type[OperatorScene]:
    """The scene of one operator. An unknown name is a `UserError` that suggests the nearest."""
    return scenes_of(catalogue.family_of(name))[name]


def _modules(family: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"torchreel.scenes.{family}")
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(info.name)


def _scenes_in(module: ModuleType) -> Iterator[type[OperatorScene]]:
    for value in vars(module).values():
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, OperatorScene) and getattr(value, "operator", None) is not None:
            yield value
