"""Every distinct layer of a well-known net, each by itself: `python -m benchmarks.nets resnet18`.

The net is recorded once, at its usual input. Each layer is then called again, proved and drawn in a forked process, so
that its time and memory are its own. Prints a JSON list of `LayerFigures`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

os.environ.setdefault("OMP_NUM_THREADS", "1")

SIDES = {
    "resnet18": 224,
    "vgg11": 224,
    "inception_v3": 299,
    "vit_b_16": 224,
    "convnext_tiny": 224,
    "swin_t": 224,
}
"""The nets of torchvision that are measured, and the side of the picture that each is made for, in px."""
_FROM_SCRATCH = {"inception_v3": {"init_weights": False}}  # its own initialisation takes minutes
_RESIDENT = 1


class LayerFigures(TypedDict):
    """CPU seconds of the proof and of all up to the PNG; the most memory (MB) above the imports and the net."""

    layer: str
    proved: float
    drawn: float
    peak: float


def unavailable() -> str:
    """Why no net can be had; empty where torchvision can be imported."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return 'pip install "torchreel[bench]"'
    except (OSError, RuntimeError):
        return "torchvision and torch do not fit"
    return ""


def layers(net: str) -> Iterator[LayerFigures]:
    """Each call of other settings or shapes that there is an operator for."""
    import torch
    import torchvision

    import torchreel

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = getattr(torchvision.models, net)(weights=None, **_FROM_SCRATCH.get(net, {})).eval()
    with torch.no_grad(), torchreel.record(model, max_memory="16GB") as reel:
        model(torch.randn(1, 3, SIDES[net], SIDES[net]))
    distinct = {(call.name, call.settings, call.inputs): call for call in reversed(reel.calls)}
    for call in reversed(distinct.values()):
        if call.is_supported:
            yield _apart(call)


def _apart(call: Any) -> LayerFigures:
    """Measure in a process that has all imports, and of the net this layer alone."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, json.dumps(_measured(call)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise SystemExit(f"{call.label} could not be measured")
    figures: LayerFigures = json.loads(answer)
    return figures


def _measured(call: Any) -> LayerFigures:
    from torchreel.render.explain import clip_of

    before, start = _resident(), _cpu()
    made = call.kept.called(call.label)
    proved = _cpu() - start
    with tempfile.TemporaryDirectory(prefix="torchreel-bench-") as folder:
        clip_of(made).save(Path(folder, "layer.png"))
    name = f"{call.name}({call.settings}) on {call.inputs}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"layer": name, "proved": proved, "drawn": _cpu() - start, "peak": (peak - before) / 1e6}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident() -> int:
    """Bytes of memory in use now; where the system does not say, the most so far, which is no less."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[_RESIDENT])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


if __name__ == "__main__":
    print(json.dumps(list(layers(sys.argv[1]))))
