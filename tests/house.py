"""How the house is read: its modules, and the names each of them imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torchreel

ROOT = Path(torchreel.__file__).parent
MODULES = sorted(
    path
    for top in ("*.py", "assets/**/*.py", "scenes/**/*.py", "render/**/*.py", "publish/**/*.py")
    for path in ROOT.glob(top)
)
SCENES = [path for path in MODULES if path.is_relative_to(ROOT / "scenes")]
ROOMS = ("trace", "parts", "stage")
FAMILIES = {path.parent.name for path in (ROOT / "scenes").glob("*/operators.py")}


def place(path: Path) -> str:
    """Where a module stands in the house, as `scenes/trace/proof.py`."""
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The full names a module imports anywhere in it; what is for the type checker alone does not count."""
    return tuple(_imports(ast.parse(path.read_text("utf-8")), path))


def _imports(tree: ast.Module, path: Path) -> Iterator[str]:
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def neighbours(path: Path) -> set[Path]:
    """The modules of the house that are run when this one is imported: the packages around it, and what it names."""
    found = {folder / "__init__.py" for folder in path.parents}
    for name in imports(path):
        package, *parts = name.split(".")
        if package != "torchreel":
            continue
        here = ROOT
        found.add(here / "__init__.py")
        for part in parts:
            here = here / part
            found |= {here.with_suffix(".py"), here / "__init__.py"}
    return found & _KNOWN


def made_of(*paths: Path) -> set[Path]:
    """Some modules with all the modules of the house that importing them runs."""
    found: set[Path] = set()
    waiting = {*paths}
    while waiting:
        found.add(path := waiting.pop())
        waiting |= neighbours(path) - found
    return found


_KNOWN = set(MODULES)
