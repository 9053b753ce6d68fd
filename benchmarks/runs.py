"""Starting processes, one after another and alternately, and taking the median of what they tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.child import Figures, Order

ROOT = Path(__file__).resolve().parent.parent


def child(order: Order) -> Figures:
    """Measure one rendering from inside a fresh process."""
    answer: Figures = json.loads(output("-m", "benchmarks.child", json.dumps(order)).splitlines()[-1])
    return answer


def seconds(*arguments: str, folder: Path | None = None) -> float:
    """The wall time of `python arguments…` as a whole process, in the repository's root."""
    start = time.perf_counter()
    output(*arguments, folder=folder)
    return time.perf_counter() - start


def output(*arguments: str, folder: Path | None = None) -> str:
    """What `python arguments…` prints; a process that fails ends the benchmark with its message.

    `folder` stands in for the cache of finished clips.
    """
    environment = {**os.environ, **({"TORCHREEL_CACHE": str(folder)} if folder else {})}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with code {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def alternately(runs: int, *sides: Callable[[], Any]) -> list[list[Any]]:
    """Run the sides in turn, `runs` times, so that what else the machine does falls on all; results by side."""
    results: list[list[Any]] = [[] for _ in sides]
    for _ in range(runs):
        for found, side in zip(results, sides, strict=True):
            found.append(side())
    return results


def middle(figures: Sequence[Figures], name: str) -> float:
    """The median of one figure."""
    return float(median(figure[name] for figure in figures))  # type: ignore[literal-required]
