"""Dependencies point one way, and what is slow or foreign is kept in the rooms it belongs to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from torchreel.tests.house import MODULES, ROOT, SCENES, imports, made_of, place

LAYERS = ("assets", "scenes", "render", "publish", "cli")


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def importers(package: str) -> set[str]:
    return {place(path) for path in MODULES if any(name.split(".")[0] == package for name in imports(path))}


def test_imports_go_from_cli_to_publish_to_render_to_scenes_to_assets() -> None:
    """A module of one layer names none of a layer above it."""
    wrong = []
    for path in (path for path in MODULES if layer(path) in LAYERS):
        above = LAYERS[LAYERS.index(layer(path)) + 1 :]
        named = [name.split(".") for name in imports(path)]
        wrong += [
            (place(path), ".".join(name))
            for name in named
            if name[0] == "torchreel" and {*name[1:2]} & {*above}
        ]
    assert wrong == []


def test_torch_is_imported_by_scenes_only() -> None:
    assert importers("torch")
    assert all(
        name.startswith("scenes/") and not name.startswith("scenes/parts/") for name in importers("torch")
    )


def test_manim_is_imported_by_scenes_the_renderers_parts_and_what_checks_a_stage_only() -> None:
    renderer = {place(part) for part in made_of(ROOT / "render" / "renderer.py")}
    assert "render/raster.py" in renderer
    assert "render/batch.py" not in renderer
    rooms = ("scenes/", "render/check/")
    assert all(name.startswith(rooms) or name in renderer for name in importers("manim"))


def test_only_the_renderer_touches_manims_configuration() -> None:
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for name in imports(path)
        if name in ("manim.config", "manim.tempconfig") or name.startswith("manim._config")
    }
    assert touching == {"render/manimconfig.py"}


def test_where_manim_is_torch_gives_names_of_classes_and_annotations_only() -> None:
    wrong = []
    for path in SCENES:
        named = set(imports(path))
        computing = {name for name in named if name.split(".")[0] == "torch"} - {"torch.nn", "torch.Tensor"}
        if computing and any(name.split(".")[0] == "manim" for name in named):
            wrong.append((place(path), computing))
    assert wrong == []


def test_click_is_imported_by_the_command_line_only() -> None:
    assert importers("click") == {"cli.py"}


def test_sphinx_is_imported_by_its_extension_only() -> None:
    assert {name.rpartition("/")[0] for name in importers("sphinx")} == {"publish/sphinx"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list"], ["cache", "size"]])
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


def test_changed_settings_are_weighed_without_torchs_compiler() -> None:
    code = (
        "import sys\nfrom torchreel.scenes.catalogue import operator\nfrom torchreel.assets.examples import example\n"
        "operator('Conv2d').trace_example(example('Conv2d'), {'stride': 2})\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
