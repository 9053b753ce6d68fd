"""A ledger as the page takes it: each number in sight once with its place and the steps it stands in.

A ledger repeats every number in every step; here it is a tenth of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torchreel.render.ledger import captions

Element = tuple[str, tuple[int, ...], Any]


def film(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """What a page knows of a film, as plain data.

    `size` (px), `duration` (seconds); `beats` `[start, settled, end]` and `captions` `[start, end, {language: text}]`
    in seconds; `cells` `[tensor, index, value]`; `numbers` `[cell, left, top, right, bottom, beats]`, the box in px and
    `beats` the first and last of each run of beats at whose end it stands there; `reads` cell -> cells, what its value
    was computed from.
    """
    found = _Numbers()
    for beat, step in enumerate(ledger["steps"]):
        for number in step["numbers"]:
            found.see(number, beat)
    return {
        "size": [ledger["size"]["width"], ledger["size"]["height"]],
        "duration": ledger["duration"],
        "beats": [[step["start"], step.get("settled", step["end"]), step["end"]] for step in ledger["steps"]],
        "captions": [[one["start"], one["end"], one["caption"]] for one in captions(ledger)],
        "cells": [[tensor, list(index), value] for tensor, index, value in found.cells],
        "numbers": [[cell, *box, runs] for (cell, box), runs in found.runs.items()],
        "reads": found.reads(ledger["reads"], ledger["tensors"]),
    }


class _Numbers:
    """The numbers of a film: distinct elements, and where and when each stands."""

    def __init__(self) -> None:
        self.cells: dict[Element, int] = {}
        self.runs: dict[tuple[int, tuple[float, ...]], list[list[int]]] = {}
        self._seen: dict[tuple[Any, ...], list[list[int]]] = {}

    def see(self, number: Mapping[str, Any], beat: int) -> None:
        """A number stands in sight at the end of a beat; most have stood there before."""
        written = (number["tensor"], *number["index"], number["value"], *number["box"])
        runs = self._seen.get(written)
        if runs is None:
            runs = self._seen[written] = self._runs(number)
        if runs and runs[-1][1] >= beat - 1:
            runs[-1][1] = beat
        else:
            runs.append([beat, beat])

    def _runs(self, number: Mapping[str, Any]) -> list[list[int]]:
        element = (number["tensor"], tuple(number["index"]), number["value"])
        cell = self.cells.setdefault(element, len(self.cells))
        return self.runs.setdefault((cell, tuple(round(edge, 1) for edge in number["box"])), [])

    def reads(
        self, listed: Mapping[str, Mapping[str, Mapping[str, Sequence[int]]]], tensors: Mapping[str, Any]
    ) -> dict[int, list[int]]:
        """The ledger's `reads`, from cell to cells."""
        places: dict[tuple[str, int], list[int]] = {}
        for (tensor, index, _), cell in self.cells.items():
            if tensor in tensors:
                places.setdefault((tensor, _flat(index, tensors[tensor]["shape"])), []).append(cell)
        found = {}
        for (tensor, element), cells in places.items():
            of = listed.get(tensor, {}).get(str(element), {})
            sources = [
                cell
                for name, elements in of.items()
                for one in elements
                for cell in places.get((name, one), ())
            ]
            found.update({cell: sources for cell in cells if sources})
        return found


def _flat(index: Sequence[int], shape: Sequence[int]) -> int:
    return sum(at * math.prod(shape[axis + 1 :]) for axis, at in enumerate(index))
