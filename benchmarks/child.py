"""One rendering in a process of its own, measured from inside: `python -m benchmarks.child '{"side": "reel", …}'`.

Everything is imported before the clock starts. What counts is the CPU time of this process and of all it starts, from
the torch call to the finished files. The last line of output is a JSON object of `Figures`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from torchreel.render.job import Job


class Order(TypedDict, total=False):
    """What to render: `side` is one of `SIDES`, `clip` is `Conv2d:stride`, `input` as in `torchreel render --input`.

    A window is drawn over a grid of `cells` x `cells` for `length` seconds. `overrides` are as typed after `--set`.
    """

    side: str
    clip: str
    formats: list[str]
    folder: str
    input: str
    overrides: dict[str, str]
    cells: int
    length: int


class Figures(TypedDict):
    """Wall and CPU time (s), peak memory before and after rendering (MB), length of the clip (s)."""

    wall: float
    cpu: float
    imports: float
    peak: float
    seconds: float


def measured(work: Callable[[], float]) -> Figures:
    """Run `work`, which returns the clip's length in seconds."""
    before, start, imports = _cpu(), time.perf_counter(), _peak()
    seconds = work()
    wall, cpu = time.perf_counter() - start, _cpu() - before
    return {"wall": wall, "cpu": cpu, "imports": imports, "peak": _peak(), "seconds": seconds}


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def job(order: Order) -> Job:
    """The job that the command line would make of the same wishes."""
    from torchreel.render import plan
    from torchreel.render.job import Job

    [example] = plan.select((order["clip"],), False, None)
    outputs = plan.outputs(tuple(order["formats"]), "m", None, None)
    overrides = order.get("overrides", {})
    return Job(example, Path(order["folder"]), outputs, overrides=overrides, input_text=order.get("input"))


def proof(order: Order) -> Callable[[], float]:
    """Only the call and its proof."""
    from torchreel.render import clip

    todo = job(order)
    clip.prepare([todo.example.operator])

    def prove() -> float:
        clip.trace(todo)
        return 0.0

    return prove


def reel(order: Order) -> Callable[[], float]:
    """torchreel's way: one pass to all formats."""
    from torchreel.render import clip

    todo = job(order)
    clip.prepare([todo.example.operator])
    paths = {suffix: todo.path(suffix) for suffix in (*order["formats"], "json")}
    return lambda: float(clip.make(todo, todo.outputs, paths)["json"]["duration"])


def stock(order: Order) -> Callable[[], float]:
    """Manim's own way: the same scene class, one pass a format, caching off."""
    from manim import tempconfig

    from torchreel.render import clip
    from torchreel.scenes import registry
    from torchreel.scenes.stage.telling import Request

    todo = job(order)
    clip.prepare([todo.example.operator])
    scene_class = registry.find(todo.example.operator)

    def render() -> float:
        request = Request(clip.trace(todo).trace, todo.example, todo.lang, todo.theme, todo.precision)
        seconds = 0.0
        for output in todo.outputs:
            with tempconfig(_settings(output.format, output.view, todo.folder)):
                scene = scene_class(request)
                scene.render()
            seconds = max(seconds, scene.sections[-1].end)
        return seconds

    return render


def _settings(format_name: str, view: Any, folder: Path) -> dict[str, Any]:
    return {
        "pixel_width": view.width,
        "pixel_height": view.height,
        "frame_rate": view.fps,
        "format": format_name,
        "media_dir": str(folder),
        "disable_caching": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
        "save_last_frame": format_name == "png",
        "write_to_movie": format_name != "png",
    }


def window(order: Order) -> Callable[[], float]:
    """A window that moves over a grid, to the encoders of `formats` (there may be none)."""
    from benchmarks.window import make_scene
    from torchreel.render.encoders import ENCODERS
    from torchreel.render.renderer import render_scene
    from torchreel.render.settings import DEFAULT_VIEWS, FILM

    scene = make_scene(order["cells"], order["length"])
    outputs: dict[Any, Any] = {DEFAULT_VIEWS[name]: [] for name in order["formats"]} or {FILM: []}
    for name in order["formats"]:
        outputs[DEFAULT_VIEWS[name]].append((ENCODERS[name](), Path(order["folder"]) / f"window.{name}"))
    return lambda: float(render_scene(scene, outputs).time)


SIDES = {"reel": reel, "stock": stock, "proof": proof, "window": window}


if __name__ == "__main__":
    wanted: Order = json.loads(sys.argv[1])
    Path(wanted["folder"]).mkdir(parents=True, exist_ok=True)
    print(json.dumps(measured(SIDES[wanted["side"]](wanted))))
