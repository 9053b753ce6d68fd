"""What many tests share: a cache of their own, and a toy scene that renders in a moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

# Forked workers must not inherit torch's threads, and tests must not depend on the reader's settings.
os.environ["OMP_NUM_THREADS"] = "1"
for _name in ("TORCHREEL_LANG", "TORCHREEL_THEME"):
    os.environ.pop(_name, None)


# The same cases in every run, so that a change is what makes a test fail; TORCHREEL_CASES=new draws others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile(os.environ.get("TORCHREEL_CASES", "same"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="render the golden frames anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of one example run in one process, which reads the clip once for all of them."""
    for item in items:
        values = getattr(item, "callspec", None) and item.callspec.params  # type: ignore[attr-defined]
        shot = (values or {}).get("shot")
        operator = shot.operator if shot else (values or {}).get("operator")
        name = shot.example if shot else (values or {}).get("name")
        if isinstance(operator, str) and isinstance(name, str):
            item.add_marker(pytest.mark.xdist_group(f"{operator}:{name}"))


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TORCHREEL_CACHE", str(folder))
    return folder


class Stage:
    """Stands in for the registry: every operator is drawn by `construct` on a plain Manim scene."""

    def __init__(self) -> None:
        self.construct: Callable[[Any], None] = draw_square
        self.trace: Callable[..., Any] = toy_trace
        self.rendered: list[str] = []

    def find(self, name: str) -> Any:
        from manim import Scene

        stage = self

        class Toy(Scene):
            operator = SimpleNamespace(trace_example=lambda *args, **named: stage.trace(*args, **named))

            def __init__(self, request: Any, **manim: Any) -> None:
                self.request = request
                self.sections: list[Any] = []
                self.cues: list[float] = []
                self.figure_time = 0.0
                self.left_out: list[str] = []
                self.alt = {"zh": "方块", "en": "a square"}
                self.title, self.call_text = {"zh": "方块", "en": "Square"}, f"nn.{name}()"
                super().__init__(**manim)

            def construct(self) -> None:
                stage.rendered.append(name)
                stage.construct(self)

        return Toy


def toy_trace(example: Any, *_: Any, **__: Any) -> Any:
    """As much of a trace as the ledger reads."""
    import torch

    tensor = torch.tensor([1.0, float("nan"), float("inf")])
    return SimpleNamespace(
        name=example.operator,
        module=None,
        kwargs={},
        tensors={"output": tensor},
        outputs=("output",),
        rules=(),
    )


def draw_square(scene: Any) -> None:
    """One second: a square appears and moves."""
    from manim import RIGHT, Square

    square = Square(color="#0969DA", fill_opacity=1)
    scene.add(square)
    scene.play(square.animate.shift(2 * RIGHT), run_time=1)
    number = SimpleNamespace(
        text="inf", tensor="output", index=(2,), value=float("inf"), box=(-1.0, -1.0, 1.0, 1.0)
    )
    words = {"zh": "移动", "en": "it moves"}
    scene.sections.append(
        SimpleNamespace(
            name="move",
            start=0.0,
            settled=1.0,
            end=1.0,
            caption=words,
            numbers=(number,),
            focus=None,
            formula="y",
        )
    )


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Replaces all operators by a toy; set `stage.construct` or `stage.trace` to make something go wrong."""
    from torchreel.scenes import catalogue, registry

    made = Stage()
    monkeypatch.setattr(registry, "find", made.find)
    monkeypatch.setattr(catalogue, "operator", lambda name: made.find(name).operator)
    return made
