"""The measurements, each a function from a `Plan` to rows of the table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from statistics import median
from typing import Any

from benchmarks import nets, pages, runs
from benchmarks.child import Figures, Order
from benchmarks.layers import LAYERS, QUICK
from benchmarks.plan import CLIP, REEL, Plan, Row, below, kb

LARGE = "torch.randn(1, 1, 32, 32)"
_MANIM = (
    "-m",
    "manim",
    "render",
    "scenes/convolution/conv.py",
    CLIP,
    "--disable_caching",
    "--progress_bar",
    "none",
)
FLAGSHIPS = (
    "Conv1d", "Conv2d", "Unfold", "Fold", "MaxPool2d", "MaxUnpool2d", "GroupNorm", "LSTMCell", "Normalization",
)  # fmt: skip
_SUBSET = ("Conv2d", "GroupNorm", "LSTMCell")


def process_wall(plan: Plan) -> Iterator[Row]:
    """Whole commands, imports and all, as a user would type them."""
    media = ("--media_dir", str(plan.folder / "manim"), "--format", "gif", "-r", "800,450", "--fps", "20")
    stock, reel = runs.alternately(
        plan.runs,
        partial(runs.seconds, *_MANIM, *media, "-v", "ERROR"),
        partial(runs.seconds, *_reel(plan, CLIP, "-f", "gif", "--force"), folder=plan.folder / "cache"),
    )
    yield _times_faster("Conv2d, GIF 800x450 at 20 fps: whole process, wall", 3, median(stock), median(reel))


def gif(plan: Plan) -> Iterator[Row]:
    """A GIF from inside, and what it comes to: bytes and likeness."""
    stock, reel = _both(plan, "gif")
    yield _cpu("Conv2d, GIF: CPU without imports", 5, stock, reel)
    [theirs], [ours] = (plan.folder / "stock").rglob("*.gif"), (plan.folder / "reel").glob("*.gif")
    sizes = theirs.stat().st_size, ours.stat().st_size
    share = sizes[0] / sizes[1]
    yield Row(
        "the same GIF's bytes", "at most 1/15", kb(sizes[0]), kb(sizes[1]), f"1/{share:.0f}", share >= 15
    )
    found = json.loads(runs.output("-m", "benchmarks.quality", str(plan.folder), "6" if plan.quick else "1"))
    met = found["least"] >= 0.995
    yield Row("SSIM of the GIF against the lossless frames", ">= 0.995", "", f"{found['mean']:.4f}",
              f"worst frame {found['least']:.4f}", met)  # fmt: skip


def mp4(plan: Plan) -> Iterator[Row]:
    """A film from inside, and the memory that all formats together take."""
    stock, reel = _both(plan, "mp4")
    yield _cpu("Conv2d, MP4 1280x720 at 30 fps: CPU without imports", 3.5, stock, reel)


def large_input(plan: Plan) -> Iterator[Row]:
    """A 32 x 32 input, and what a frame of a moving window costs on a small and on a large grid."""
    stock, reel = _both(plan, "mp4", input_text=LARGE)
    yield _cpu("32x32 input, MP4: CPU without imports", 8, stock, reel)
    small, large = (_frame_cost(plan, cells) for cells in (6, 32))
    ratio = large / small
    yield Row("one frame of a moving window, 6x6 and 32x32 grid", "does not grow", "",
              f"{small:.2f} ms, {large:.2f} ms", f"{ratio:.2f} times", ratio < 1.3)  # fmt: skip


def flagships(plan: Plan) -> Iterator[Row]:
    """The flagship clips by one command with two workers, against stock for each file."""
    clips = _SUBSET if plan.quick else FLAGSHIPS
    yield _together(plan, clips, f"{len(clips)} flagship clips", 10)


def families(plan: Plan) -> Iterator[Row]:
    """One clip of each family in the same way."""
    firsts = {entry["family"]: entry["operator"] for entry in reversed(available())}
    clips = tuple(firsts.values())[: 3 if plan.quick else None]
    yield _together(plan, clips, f"one clip of each of {len(clips)} families", 12)


def _together(plan: Plan, clips: Sequence[str], of: str, target: float) -> Row:
    stock = sum(_stock_wall(plan, clip) for clip in clips)
    command = _reel(plan, *clips, "-f", "gif,mp4,png", "-j", "2", "--force")
    reel = runs.seconds(*command, folder=plan.folder / "cache")
    return _times_faster(f"{of}: GIF + MP4 + PNG, -j 2, wall", target, stock, reel)


def unchanged(plan: Plan) -> Iterator[Row]:
    """All default clips rendered once, then again with nothing changed."""
    cache, command = plan.folder / "cache", _reel(plan, *_defaults(plan), "-f", "gif,mp4,png", "-j", "2")
    first = runs.seconds(*command, folder=cache)
    yield Row(
        f"all {len(_defaults(plan))} default clips, GIF + MP4 + PNG, -j 2", "", "", f"{first:.0f} s", ""
    )
    again = median(runs.seconds(*command, folder=cache) for _ in range(3))
    yield below("unchanged re-run of these", 1, again)


def defaults(plan: Plan) -> Iterator[Row]:
    """The GIF of each operator's first example, and of the flagships'."""
    command = _reel(plan, *_defaults(plan), "-f", "gif", "--json")
    clips = json.loads(runs.output(*command, folder=plan.folder / "cache"))["clips"]
    sizes = {clip["operator"]: clip["files"]["gif"]["bytes"] for clip in clips}
    middle = int(median(sizes.values()))
    yield Row("median GIF of the default clips", "<= 220 kB", "", kb(middle), "", middle <= 220_000)
    for of, chosen, most in (("flagship", FLAGSHIPS, 600_000), ("default", tuple(sizes), 800_000)):
        size, name = max((sizes[name], name) for name in chosen if name in sizes)
        yield Row(f"largest GIF of the {of} clips", f"<= {most // 1000} kB", "", kb(size), name, size <= most)


def _defaults(plan: Plan) -> tuple[str, ...]:
    """Every operator's first example."""
    return _SUBSET if plan.quick else tuple(dict.fromkeys(entry["operator"] for entry in available()))


def answers(plan: Plan) -> Iterator[Row]:
    """Commands that should answer at once."""
    for command, bound in (("--help", 0.3), ("list", 0.5)):
        yield below(
            f"torchreel {command}", bound, min(runs.seconds("-m", "torchreel", command) for _ in range(7))
        )


def memory(plan: Plan) -> Iterator[Row]:
    """Peak memory above the imports: of a clip in all formats, and of a short and a long scene."""
    every = ("gif", "mp4", "png", "webp")
    reel = runs.child(plan.order("reel", *every))
    stock = runs.child(plan.order("stock", "gif"))
    used = _used(reel)
    ratio = f"{_used(stock) / used:.1f} times less"
    yield Row("peak memory above the imports, Conv2d (stock: GIF; torchreel: all formats)", "< 300 MB",
              f"{_used(stock):.0f} MB", f"{used:.0f} MB", ratio, used < 300)  # fmt: skip
    short, long = (_used(runs.child(_window(plan, 6, length, *every))) for length in (10, 60))
    yield Row("the same, scenes of 10 s and of 60 s", "does not grow", "", f"{short:.0f} MB, {long:.0f} MB",
              f"{long - short:+.0f} MB", long - short < 20)  # fmt: skip


def layers_of_nets(plan: Plan) -> Iterator[Row]:
    """Single layers at their usual size: call and proof alone, and with a picture as well."""
    for layer in QUICK if plan.quick else LAYERS:
        order: Order = {"clip": layer.operator, "formats": ["png"], "folder": str(plan.folder / "layers"),
                        "overrides": layer.settings, "input": layer.input}  # fmt: skip
        proofs, pictures = runs.alternately(
            plan.runs, *(partial(runs.child, {**order, "side": side}) for side in ("proof", "reel"))
        )
        proved, drawn = runs.middle(proofs, "cpu"), runs.middle(pictures, "cpu")
        used = median(map(_used, pictures))
        yield Row(str(layer), "<= 5 s proved, 12 s and 700 MB with a PNG", "", f"{proved:.1f} s, {drawn:.1f} s",
                  f"{used:.0f} MB", proved <= 5 and drawn <= 12 and used <= 700)  # fmt: skip


def layers_of_torchvision(plan: Plan) -> Iterator[Row]:
    """Every distinct layer of six nets at their usual input; of each figure the worst, with the layer's name."""
    target, missing = "<= 5 s proved, 12 s and 700 MB with a PNG", nets.unavailable()
    for net in list(nets.SIDES)[: 1 if plan.quick else None]:
        if missing:
            yield Row(f"{net}: every distinct layer", target, "", "not measured", missing)
            continue
        found: list[nets.LayerFigures] = json.loads(
            runs.output("-m", "benchmarks.nets", net).splitlines()[-1]
        )
        slowest, largest = (max(found, key=itemgetter(figure)) for figure in ("drawn", "peak"))
        proved, drawn, peak = max(one["proved"] for one in found), slowest["drawn"], largest["peak"]
        yield Row(f"{net}: the worst of {len(found)} distinct layers", target, "",
                  f"{proved:.1f} s, {drawn:.1f} s, {peak:.0f} MB",
                  f"slowest {slowest['layer']}; largest {largest['layer']}",
                  proved <= 5 and drawn <= 12 and peak <= 700)  # fmt: skip


MEASURES = (
    answers, process_wall, gif, mp4, large_input, memory, flagships, families, layers_of_nets,
    layers_of_torchvision, unchanged, defaults, pages.snippet, pages.embed, pages.deck, pages.gallery,
)  # fmt: skip


def available() -> list[dict[str, Any]]:
    """Every example there is, as `torchreel list --json` shows it."""
    listed: list[dict[str, Any]] = json.loads(runs.output("-m", "torchreel", "list", "--json"))
    return listed


def _reel(plan: Plan, *arguments: str) -> tuple[str, ...]:
    return (*REEL, *arguments, "-o", str(plan.folder / "clips"))


def _both(plan: Plan, format_name: str, input_text: str | None = None) -> tuple[list[Figures], list[Figures]]:
    orders = [plan.order(side, format_name) for side in ("stock", "reel")]
    for order in orders:
        if input_text is not None:
            order["input"], order["folder"] = input_text, f"{order['folder']}-large"
    stock, reel = runs.alternately(plan.runs, *(partial(runs.child, order) for order in orders))
    return stock, reel


def _stock_wall(plan: Plan, clip: str) -> float:
    """Stock Manim makes one file a run: the walls of three runs."""
    orders = [plan.order("stock", suffix, clip=clip) for suffix in ("gif", "mp4", "png")]
    return sum(runs.seconds("-m", "benchmarks.child", json.dumps(order)) for order in orders)


def _window(plan: Plan, cells: int, length: int, *formats: str) -> Order:
    folder = str(plan.folder / "window")
    return {"side": "window", "cells": cells, "length": length, "formats": list(formats), "folder": folder}


def _frame_cost(plan: Plan, cells: int) -> float:
    """Milliseconds of CPU that a frame adds: long scenes less short ones, so that what happens once falls out."""
    short, long = runs.alternately(
        plan.runs, *(partial(runs.child, _window(plan, cells, length)) for length in (5, 25))
    )
    seconds = runs.middle(long, "cpu") - runs.middle(short, "cpu")
    return 1000 * seconds / (30 * 20)


def _used(figures: Figures) -> float:
    return figures["peak"] - figures["imports"]


def _cpu(measure: str, target: float, stock: list[Figures], reel: list[Figures]) -> Row:
    return _times_faster(measure, target, runs.middle(stock, "cpu"), runs.middle(reel, "cpu"))


def _times_faster(measure: str, target: float, stock: float, reel: float) -> Row:
    ratio = stock / reel
    return Row(
        measure,
        f"{target:g} times faster",
        f"{stock:.1f} s",
        f"{reel:.1f} s",
        f"{ratio:.1f} times",
        ratio >= target,
    )
