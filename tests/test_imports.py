"""Dependencies point one way, and what is slow or foreign is kept in the rooms it belongs to."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import torchreel

ROOT = Path(torchreel.__file__).parent
LAYERS = ("assets", "scenes", "render", "cli")
MODULES = sorted(
    path for top in ("*.py", "assets/**/*.py", "scenes/**/*.py", "render/**/*.py") for path in ROOT.glob(top)
)
ROOMS = {"trace", "parts", "stage"}
FAMILIES = {path.parent.name for path in (ROOT / "scenes").glob("*/operators.py")}


def imports(path: Path) -> Iterator[str]:
    """The full names a module imports anywhere in it; what is for the type checker alone does not count."""
    tree = ast.parse(path.read_text("utf-8"))
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


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def importers(package: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(name.split(".")[0] == package for name in imports(path))
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_from_cli_to_render_to_scenes_to_assets(path: Path) -> None:
    if layer(path) not in LAYERS:
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "torchreel" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= LAYERS.index(layer(path)), f"{path.name} imports {name}"


def test_torch_is_imported_by_scenes_only() -> None:
    assert importers("torch")
    assert all(
        name.startswith("scenes/") and not name.startswith("scenes/parts/") for name in importers("torch")
    )


def parts_of(path: Path) -> set[Path]:
    """A module with all modules of the same layer that it is made of."""
    found, waiting = set(), [path]
    while waiting:
        found.add(module := waiting.pop())
        named = {ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in imports(module)}
        named |= {parent.with_suffix(".py") for parent in {path.parent for path in named}}
        waiting += [other for other in named - found if other in MODULES and layer(other) == layer(path)]
    return found


def test_manim_is_imported_by_scenes_and_what_the_renderer_is_made_of_only() -> None:
    renderer = {part.relative_to(ROOT).as_posix() for part in parts_of(ROOT / "render" / "renderer.py")}
    assert "render/raster.py" in renderer
    assert "render/batch.py" not in renderer
    assert all(name.startswith("scenes/") or name in renderer for name in importers("manim"))


def test_only_the_renderer_touches_manims_configuration() -> None:
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for name in imports(path)
        if name in ("manim.config", "manim.tempconfig") or name.startswith("manim._config")
    }
    assert touching == {"render/manimconfig.py"}


SCENES = [path for path in MODULES if layer(path) == "scenes"]


def families_of(path: Path) -> set[str]:
    """The families whose parts a module is made of."""
    named = [name.removeprefix("torchreel.scenes.") for name in imports(path)]
    return {name.split(".")[0] for name in named if not name.startswith("torchreel.")} & FAMILIES


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_family_is_made_of_its_own_parts(path: Path) -> None:
    parts = path.relative_to(ROOT / "scenes").parts
    assert families_of(path) <= {parts[0]}


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_computes_does_not_draw(path: Path) -> None:
    """Where Manim is, torch is there for the names of classes and for annotations only."""
    named = set(imports(path))
    computing = {name for name in named if name.split(".")[0] == "torch"} - {"torch.nn", "torch.Tensor"}
    drawing = {name for name in named if name.split(".")[0] == "manim"}
    assert not (computing and drawing)


def test_click_is_imported_by_the_command_line_only() -> None:
    assert importers("click") == {"cli.py"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list"], ["info", "Conv2d"], ["cache", "size"]]
)
def test_quick_commands_do_not_import_torch_or_manim(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom torchreel.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print('HEAVY', sorted({'torch', 'manim', 'numpy', 'av', 'rich'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_the_package_and_its_assets_import_neither_torch_nor_manim() -> None:
    assets = sorted(
        f"torchreel.assets.{path.stem}" for path in (ROOT / "assets").glob("*.py") if path.stem != "__init__"
    )
    code = f"import sys, importlib\nimport torchreel\nfor name in {assets!r}: importlib.import_module(name)\n"
    code += "print(sorted({'torch', 'manim'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
