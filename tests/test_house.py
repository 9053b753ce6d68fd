"""The rooms of `scenes`: what computes knows nothing of what draws, and a family nothing of another."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from torchreel.tests.house import FAMILIES, MODULES, ROOMS, ROOT, SCENES, imports, made_of, place

COMPUTING = [
    path
    for path in SCENES
    if path.is_relative_to(ROOT / "scenes" / "trace")
    or path.name in ("operators.py", "functions.py")
    or path.stem.endswith("trace")
]
CHINESE = re.compile("[\u4e00-\u9ffe]{2}")
DRAWING = {"manim", "cairo", "cairocffi", "av", "uharfbuzz", "rich", "click"}


def room(path: Path) -> str:
    """The folder of `scenes` that a module stands in, or its own name where it stands in none."""
    return path.relative_to(ROOT / "scenes").parts[0].removesuffix(".py")


def rooms_named(path: Path) -> set[str]:
    """The rooms, families and modules of `scenes` that a module names in its imports."""
    named = [name.split(".") for name in imports(path)]
    return {parts[2] for parts in named if parts[:2] == ["torchreel", "scenes"] and len(parts) > 2}


def breaking(allowed: dict[str, set[str]]) -> dict[str, set[str]]:
    """The modules of some rooms that name others than these, and which ones."""
    there = [path for path in SCENES if room(path) in allowed]
    assert {room(path) for path in there} == allowed.keys()
    wrong = {place(path): rooms_named(path) - allowed[room(path)] for path in there}
    return {name: rooms for name, rooms in wrong.items() if rooms}


def test_what_computes_imports_nothing_that_draws() -> None:
    """Neither itself nor through any module that it is made of."""
    assert len(COMPUTING) > len(FAMILIES)
    behind = made_of(*COMPUTING)
    assert {place(path): found for path in behind if (found := _packages(path) & DRAWING)} == {}
    assert {place(path) for path in behind if path.parts[-2] in ("parts", "stage")} == set()


def _packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_the_common_rooms_build_on_one_another_in_one_direction() -> None:
    allowed = {room: {*ROOMS[: floor + 1]} for floor, room in enumerate(ROOMS)}
    assert breaking(allowed) == {}


def test_a_family_is_made_of_its_own_and_of_the_common_rooms() -> None:
    assert breaking({family: {family, *ROOMS} for family in FAMILIES}) == {}


def test_the_way_to_an_operator_passes_no_family_and_only_a_scene_passes_the_stage() -> None:
    """The catalogue and what is called from Python find a family by its name; so does the registry of scenes."""
    assert breaking({"catalogue": {"trace"}, "api": {"catalogue", "functions", "trace"}}) == {}
    assert breaking({"expressions": {"catalogue", "functions", "trace"}}) == {}
    assert breaking({"record": {"api", "functions", "record", "trace"}}) == {}
    assert breaking({"functions": {"catalogue", "trace"}}) == {}
    assert breaking({"registry": {"catalogue", "stage"}}) == {}


def test_a_public_class_name_stands_once() -> None:
    homes = defaultdict(list)
    for path in SCENES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(place(path))
    assert {name: there for name, there in homes.items() if len(there) > 1} == {}


def test_words_of_two_languages_stand_in_the_data_files() -> None:
    """Chinese in a program is a sentence that has escaped them; the doctor asks the fonts for some letters."""
    told = {
        place(path): chinese_texts(ast.parse(path.read_text("utf-8")))
        for path in MODULES
        if not path.is_relative_to(ROOT / "assets") and path != ROOT / "render" / "doctor.py"
    }
    assert {name: texts for name, texts in told.items() if texts} == {}
    assert chinese_texts(ast.parse("say('最大值')")) == ["最大值"]


def chinese_texts(module: ast.Module) -> list[str]:
    """The texts of a module that have Chinese words, without what is said about the code."""
    about = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(module) if isinstance(node, ast.Constant) and id(node) not in about]
    return [one.value for one in texts if isinstance(one.value, str) and CHINESE.search(one.value)]


def test_no_module_begins_with_the_name_of_its_folder() -> None:
    assert [place(path) for path in MODULES if path.stem.startswith(f"{path.parent.name}_")] == []


def loaded_by(code: str) -> set[str]:
    """The modules a process has once it has run some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def families_in(modules: set[str]) -> set[str]:
    parts = [name.split(".") for name in modules]
    return {part[2] for part in parts if part[:2] == ["torchreel", "scenes"] and len(part) > 2} & FAMILIES


TORCH = "import torch"
TRACED = "import torch, torchreel\ntorchreel.trace(torch.nn.ReLU(), torch.ones(3))"


def test_a_traced_call_brings_in_its_family_and_what_computes_only() -> None:
    """What it costs is what it imports: of the house the modules behind one family's operators, and nothing of others.

    Neither the examples nor what reads files is needed for tensors that are there already.
    """
    new = loaded_by(TRACED) - loaded_by(TORCH)
    ours = {name for name in new if name.split(".")[0] == "torchreel"}
    needed = made_of(ROOT / "scenes" / "api.py", ROOT / "scenes" / "activation" / "operators.py")
    assert ours <= {_dotted(path) for path in needed}
    assert families_in(new) == {"activation"}
    assert {name.split(".")[0] for name in new - ours} & {*DRAWING, "PIL", "imageio", "tomllib"} == set()


def _dotted(path: Path) -> str:
    parts = ["torchreel", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PROVED = """
from torchreel.assets.examples import example
from torchreel.scenes.catalogue import names_known, operator
for name in names_known():
    operator(name).trace_example(example(name))
"""


def test_all_operators_are_proved_without_anything_that_draws() -> None:
    modules = loaded_by(PROVED)
    assert families_in(modules) == FAMILIES
    assert {name.split(".")[0] for name in modules} & DRAWING == set()


PLAYED = """
from torchreel.assets.examples import example
from torchreel.render.renderer import capture
from torchreel.render.settings import View
from torchreel.scenes.registry import find
from torchreel.scenes.stage.scene import Request
chosen, scene = example({name!r}), find({name!r})
request = Request(scene.operator.trace_example(chosen), chosen)
capture(lambda renderer: scene(request, renderer=renderer), View(16, 9, 10), [])
"""


@pytest.mark.parametrize("name, family", [("ReLU", "activation"), ("Linear", "linear")])
def test_a_clip_brings_in_one_family(name: str, family: str) -> None:
    assert families_in(loaded_by(PLAYED.format(name=name))) == {family}
