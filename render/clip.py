"""Render one job: trace, scene, encoders, ledger. This is the only module of a run that brings in torch and Manim."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from torchreel.assets.errors import UserError
from torchreel.render import jsontext, ledger
from torchreel.render.encoders import ENCODERS, Encoder
from torchreel.render.job import LEDGER, Job, Output
from torchreel.render.renderer import capture, render_scene
from torchreel.render.settings import View
from torchreel.render.shrink import smaller
from torchreel.scenes import catalogue, registry
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.calling import unseen
from torchreel.scenes.trace.extent import DEFAULT_MEMORY
from torchreel.scenes.trace.inputs import read_literal
from torchreel.scenes.trace.operator import Changes
from torchreel.scenes.trace.proof import Trace, TraceError
from torchreel.scenes.trace.threads import use_one_thread

OnFrame = Callable[[float], None]


def prepare(names: Iterable[str]) -> None:
    """Get ready to fork: what these operators need is imported by now and not to be collected; torch has one thread."""
    use_one_thread()
    for name in names:
        registry.find(name)
    gc.freeze()


class Traced(NamedTuple):
    """What a job shows, and what was done on the user's behalf to show it, in one sentence each."""

    trace: Trace
    notes: tuple[str, ...] = ()


def trace(job: Job) -> Traced:
    """Compute what the job shows, without drawing; raises `UserError` for settings that torch refuses."""
    with unseen():
        return _traced(job)


def _traced(job: Job) -> Traced:
    operator = catalogue.operator(job.example.operator)
    overrides = {name: read_literal(value) for name, value in job.overrides.items()}
    call = {name: read_literal(value) for name, value in job.call.items()}
    most = DEFAULT_MEMORY if job.max_memory is None else job.max_memory
    changes = Changes(overrides, job.input_text, job.inputs, call, job.state, job.train, most)
    asked: dict[str, Any] = {"prove_all": True} if job.prove_all else {}
    notes: list[str] = []
    try:
        result = operator.trace_example(
            job.example, seed=job.seed, changes=changes, say=notes.append, **asked
        )
    except (UserError, TraceError):
        raise
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        if not job.is_changed:
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in overrides.items()) or "this input"
        raise UserError(
            f"{job.example.operator}: {given} does not work: {' '.join(str(error).split())}."
        ) from error
    return Traced(result, tuple(notes))


def weight(trace: Trace) -> int:
    """The bytes that a trace's tensors take."""
    return sum(getattr(tensor, "nbytes", 0) for tensor in trace.tensors.values())


def make(
    job: Job,
    wanted: tuple[Output, ...],
    scratch: Mapping[str, Path],
    on_frame: OnFrame | None = None,
    known: Traced | None = None,
) -> dict[str, dict[str, Any]]:
    """Write the `wanted` media and the ledger to the `scratch` paths (by suffix); return facts about each file.

    `known` is the job's trace, where it has been computed before. Raises whatever the scene or an encoder raises; the
    caller deletes the scratch files then.
    """
    shown = trace(job) if known is None else known
    request = Request(shown.trace, job.example, job.lang, job.theme, job.precision)
    return draw(job, request, wanted, scratch, on_frame, notes=shown.notes)


def draw(
    job: Job,
    request: Request,
    wanted: tuple[Output, ...],
    scratch: Mapping[str, Path],
    on_frame: OnFrame | None = None,
    scene_class: type[OperatorScene] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Draw a call that is traced already: the `wanted` media and the ledger, as `make` does.

    `scene_class` is by default that of the job's operator, `notes` are what the ledger has to say beside the scene.
    """
    make_scene = partial(scene_class or registry.find(job.example.operator), request)
    with unseen():
        scene = _render(job, make_scene, wanted, scratch, on_frame)
        content = ledger.build(job, request.trace, scene, notes)
    scratch[LEDGER].write_bytes(jsontext.compact(content))
    facts = {LEDGER: {name: content[name] for name in ("duration", "title", "alt")}}
    in_part = [f"drawn in part: {' '.join(content['left_out'])}"] if content["left_out"] else []
    if said := [*content["notes"], *in_part]:
        facts[LEDGER]["said"] = said
    for output in wanted:
        if output.format == "gif" and job.max_size is not None:
            facts["gif"] = _fit(job, make_scene, output, scratch["gif"], on_frame)
        else:
            facts[output.format] = _facts(output)
    return facts


def _render(
    job: Job,
    make_scene: Callable[..., Any],
    outputs: tuple[Output, ...],
    scratch: Mapping[str, Path],
    on_frame: OnFrame | None,
) -> Any:
    scenes: list[Any] = []

    def keep(renderer: Any) -> Any:
        scenes.append(make_scene(renderer=renderer))
        return scenes[-1]

    passes: dict[View, list[tuple[Encoder, Path]]] = {}
    for output in outputs:
        encoder = _encoder(output, lambda: tuple(scenes[0].cues))
        passes.setdefault(output.view, []).append((encoder, scratch[output.format]))
    if not passes:
        return play(make_scene, job.ledger_view)[1]
    return render_scene(keep, passes, on_frame=on_frame)


def play(make_scene: Callable[..., Any], view: View, *times: float) -> tuple[list[np.ndarray], Any]:
    """A scene that is played without being painted but for the frames at some `times`, and those frames."""
    scenes: list[Any] = []

    def keep(renderer: Any) -> Any:
        scenes.append(make_scene(renderer=renderer))
        return scenes[-1]

    with unseen():
        return capture(keep, view, times), scenes[0]


def _encoder(output: Output, cues: Callable[[], Sequence[float]]) -> Encoder:
    """The encoder of a file; `cues` are the starts of the captions that the scene has said by now."""
    asked: dict[str, Any] = {}
    if output.format == "mp4" and output.keyframes:
        asked["cues"] = cues
    if output.loop:
        asked["loop"] = output.loop
    if output.colors is not None:
        asked["max_colors"] = output.colors
    return ENCODERS[output.format](**asked)


def _fit(
    job: Job, make_scene: Callable[..., Any], first: Output, path: Path, on_frame: OnFrame | None
) -> dict[str, Any]:
    """Render the GIF again, smaller, until it fits `job.max_size`; the facts say what was chosen."""
    assert job.max_size is not None
    tried, size = first, path.stat().st_size
    while size > job.max_size:
        tried = smaller(tried, size, job.max_size, job.label)
        _render(job, make_scene, (tried,), {"gif": path}, on_frame)
        size = path.stat().st_size
    facts = _facts(tried)
    if tried != first:
        facts["chosen"] = f"{tried.describe()} to fit {job.max_size} bytes"
    return facts


def _facts(output: Output) -> dict[str, Any]:
    view = output.view
    size = {"width": view.width, "height": view.height}
    return size if output.format == "png" else {**size, "fps": view.fps}
