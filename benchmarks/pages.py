"""The measurements of what brings finished clips into pages, notebooks, sites and slides."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks import runs
from benchmarks.plan import REEL, Plan, Row, below

_TALK = ("Conv2d", "LSTMCell", "GroupNorm")
_MOST_OF_A_SLIDE = 4_000_000
_CELLS = (
    "nn.ReLU()(x)",
    "nn.Tanh()(x)",
    "nn.Sigmoid()(x)",
    "nn.GELU()(x)",
    "nn.Softmax(dim=1)(x)",
    "nn.Linear(6, 3)(x)",
    "nn.LayerNorm(6)(x)",
    "nn.Dropout(0.5)(x)",
    "nn.MaxPool1d(2)(x)",
    "nn.AvgPool1d(3)(x)",
    "nn.ConstantPad1d(1, 0.0)(x)",
    "nn.ReflectionPad1d(1)(x)",
    "nn.Conv2d(1, 2, 3)(picture)",
    "nn.MaxPool2d(2)(picture)",
    "nn.AvgPool2d(2)(picture)",
    "nn.BatchNorm2d(1)(picture)",
    "nn.ZeroPad2d(1)(picture)",
    "nn.PixelUnshuffle(2)(picture)",
    "nn.MSELoss()(x, 0 * x)",
    "nn.L1Loss()(x, 0 * x)",
)
_SETUP = (
    "import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
    "x = torch.randn(4, 6)\npicture = torch.randn(1, 1, 6, 6)"
)


def snippet(plan: Plan) -> Iterator[Row]:
    """What to paste for a clip that is rendered already."""
    cache, folder = plan.folder / "cache", str(plan.folder / "snippet")
    command = ("-m", "torchreel", "snippet", "Conv2d", "--as", "md", "-o", folder)
    runs.output(*command, folder=cache)
    yield below("snippet of a cached clip", 0.4, min(runs.seconds(*command, folder=cache) for _ in range(7)))


def embed(plan: Plan) -> Iterator[Row]:
    """A notebook whose cells make twenty calls, run and drawn; then again, when nothing has changed.

    The bar of the first run is 2 s a call: on two cores a GIF takes about one, and the kernel imports torch as well.
    """
    page = plan.folder / "notebook" / "calls.ipynb"
    page.parent.mkdir(exist_ok=True)
    page.write_text(_notebook(_CELLS[:5] if plan.quick else _CELLS), "utf-8")
    command = ("-m", "torchreel", "embed", str(page), "--execute", "-j", "2")
    first, again = (runs.seconds(*command, folder=plan.folder / "cache") for _ in range(2))
    drawn = len(list((page.parent / "torchreel-clips").glob("*.gif")))
    yield below(f"embed --execute of a notebook with {drawn} calls, -j 2", 40, first)
    yield below("the same notebook, unchanged", 1, again)


def _notebook(cells: tuple[str, ...]) -> str:
    plain = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    written = [
        {**plain, "id": f"cell-{number}", "source": text} for number, text in enumerate((_SETUP, *cells))
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": written, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def gallery(plan: Plan) -> Iterator[Row]:
    """A site of every example of every operator, anew and again."""
    clips = _TALK if plan.quick else ("--all",)
    folder, site = plan.folder / "everything", plan.folder / "site"
    runs.output(
        *REEL, *clips, "-f", "mp4,png", "-j", "2", "-o", str(folder), "--json", folder=plan.folder / "cache"
    )
    command = ("-m", "torchreel", "gallery", str(folder), "-o", str(site))
    first, again = (runs.seconds(*command) for _ in range(2))
    pages = len(list((site / "clips").glob("*.html")))
    yield below(f"gallery of {pages} clips", 5, first)
    yield below("the same gallery, unchanged", 5, again)


def deck(plan: Plan) -> Iterator[Row]:
    """A lecture of three clips, a slide a caption."""
    target = plan.folder / "lecture.pptx"
    runs.output("-m", "torchreel", "slides", *_TALK, str(target), folder=plan.folder / "cache")
    size = target.stat().st_size / len(_TALK)
    yield Row(
        "a deck of three clips: bytes a clip",
        "< 4 MB",
        "",
        f"{size / 1e6:.2f} MB",
        "",
        size < _MOST_OF_A_SLIDE,
    )
