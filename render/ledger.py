"""The ledger: what a clip shows, when and where, as data beside the media.

Times are seconds from the start, boxes are `[left, top, right, bottom]` in px of a frame of `size`. Numbers are here
because they were drawn: they come from the scene's own sections, never from a plan. `left_out` is what the picture
itself says it does not show, `notes` what was made to fit the user's changes. `reads` says what the numbers in sight were
computed from: tensor -> element -> tensor -> elements, of those that are in sight in some step, elements counted in
row-major order.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from torchreel.render.job import Job
from torchreel.render.settings import View

_FRAME_HEIGHT = 8.0


def build(job: Job, trace: Any, scene: Any, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The ledger of a trace and the scene that was rendered from it, as plain data."""
    sections, view = scene.sections, job.ledger_view
    return {
        "operator": job.example.operator,
        "family": job.example.family,
        "title": dict(scene.title),
        "call": scene.call_text,
        "example": job.example.name,
        "lang": job.lang,
        "theme": job.theme,
        "torch": importlib.metadata.version("torch"),
        "seed": job.seed,
        "module": _module(trace),
        "tensors": {name: _tensor(tensor) for name, tensor in trace.tensors.items()},
        "output": list(trace.outputs),
        "reads": _reads(trace, sections),
        "size": {"width": view.width, "height": view.height},
        "duration": max((_seconds(section.end) for section in sections), default=0.0),
        "figure": _seconds(scene.figure_time),
        "steps": [_step(section, view) for section in sections],
        "alt": dict(scene.alt),
        "left_out": list(scene.left_out),
        "notes": list(notes),
    }


def captions(ledger: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a ledger joined by caption: `start`, `end`, `caption`, and the last `formula` of each."""
    joined: list[dict[str, Any]] = []
    for step in ledger["steps"]:
        if not joined or joined[-1]["caption"] != step["caption"]:
            joined.append({"start": step["start"], "caption": step["caption"]})
        joined[-1] |= {"end": step["end"], "formula": step["formula"]}
    return joined


def _module(trace: Any) -> dict[str, Any]:
    module = trace.module
    name = trace.name if module is None else type(module).__name__
    return {
        "class": name,
        "args": [],
        "kwargs": dict(trace.kwargs),
        "repr": name if module is None else repr(module),
    }


def _tensor(tensor: Any) -> dict[str, Any]:
    from torchreel.scenes.trace.values import nested  # a ledger is read without torch

    return {"shape": list(tensor.shape), "values": nested(tensor)}


def _step(section: Any, view: View) -> dict[str, Any]:
    return {
        "name": section.name,
        "start": _seconds(section.start),
        "settled": _seconds(section.settled),
        "end": _seconds(section.end),
        "caption": dict(section.caption),
        "formula": section.formula,
        "focus": _focus(section.focus),
        "numbers": [_number(number, view) for number in section.numbers],
    }


def _reads(trace: Any, sections: Sequence[Any]) -> dict[str, Any]:
    from torchreel.scenes.trace.reads import reads  # a ledger is read without torch

    seen: dict[str, set[tuple[int, ...]]] = {}
    for section in sections:
        for number in section.numbers:
            seen.setdefault(number.tensor, set()).add(tuple(number.index))
    return {
        tensor: {str(element): of for element, of in listed.items()}
        for tensor, listed in reads(trace, seen).items()
    }


def _focus(focus: tuple[str, tuple[int, ...]] | None) -> dict[str, Any] | None:
    return None if focus is None else {"tensor": focus[0], "index": list(focus[1])}


def _number(number: Any, view: View) -> dict[str, Any]:
    return {
        "text": number.text,
        "tensor": number.tensor,
        "index": list(number.index),
        "value": number.value,
        "box": _pixels(number.box, view),
    }


def _pixels(box: tuple[float, float, float, float], view: View) -> list[float]:
    """A box `(left, bottom, right, top)` in scene units, origin in the middle, as px from the top left corner."""
    left, bottom, right, top = box
    scale = view.height / _FRAME_HEIGHT
    middle_x, middle_y = view.width / 2, view.height / 2
    edges = (
        middle_x + left * scale,
        middle_y - top * scale,
        middle_x + right * scale,
        middle_y - bottom * scale,
    )
    return [round(edge, 2) for edge in edges]


def _seconds(value: float) -> float:
    return round(float(value), 6)
