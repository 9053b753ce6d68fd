"""Measure torchreel against stock Manim and write the table into README.md: `python -m benchmarks.run`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.measures import MEASURES
from benchmarks.plan import Plan, Row

README = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- table -->\n", "<!-- end of table -->\n"
_HEAD = "| measure | target | stock Manim | torchreel | result | |\n|---|---|---|---|---|---|\n"
_MARK = {True: "met", False: "missed", None: ""}


def main() -> None:
    """Print each row as it is known; write them all at the end."""
    options = _options()
    names = [measure.__name__ for measure in MEASURES]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="torchreel-bench-") as folder:
        plan = Plan(Path(folder), options.runs, options.quick)
        for measure in MEASURES:
            if measure.__name__ in (options.only or names):
                for row in measure(plan):
                    print(line(row), end="", flush=True)
                    rows.append(row)
    if options.only is None:
        write(rows, _circumstances(plan))
    sys.exit(any(row.met is False for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three clips stand for all")
    parser.add_argument("--runs", type=int, default=3, help="how often each side runs (the median counts)")
    parser.add_argument("--only", nargs="+", choices=[measure.__name__ for measure in MEASURES],
                        help="some measurements; the table is not written")  # fmt: skip
    return parser.parse_args()


def line(row: Row) -> str:
    """A row as a line of the table."""
    cells = (row.measure, row.target, row.stock, row.reel, row.result, _MARK[row.met])
    return f"| {' | '.join(cells)} |\n"


def write(rows: Sequence[Row], circumstances: str) -> None:
    """Put the table between its marks in README.md; the text around it stays."""
    before, rest = README.read_text("utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    table = _HEAD + "".join(map(line, rows))
    README.write_text(f"{before}{_BEGIN}{circumstances}\n\n{table}{_END}{after}", "utf-8")


def _circumstances(plan: Plan) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("manim", "torch", "av"))
    subset = " `--quick`: three clips stand for all." if plan.quick else ""
    return (
        f"Median of {plan.runs} alternating runs on {os.cpu_count()} processors ({platform.machine()}), "
        f"Python {platform.python_version()}, {versions}.{subset}"
    )


if __name__ == "__main__":
    main()
