"""Where everything of a transposed convolution stands, and how much of a large call is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, cast

from torchreel.scenes.convolution.transposed.geometry import StampGeometry
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.layout import STAGE, Mosaic, Placed, Room, fill, in_column, in_row
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.stage.left_out import Size
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

MOST_CHANNELS, MOST_OUTS, MOST_DEPTH, MOST_LANES = 3, 3, 4, 6
_BETWEEN, _APART, _BESIDE, _LANE = 0.3, 0.62, 0.22, 0.1
_SIGN, _GROWN, _NAMED = 0.2, 0.4, 0.1
_ROW, _HIGH = 0.4, 4.8
_WIDE = (0.3, 0.8)
_SLICES = 4
_FEW, _KERNEL = (4, 3, 2, 1), 5
STATIONS = ("input", "weight", "stamp", "output")


class StampRooms(Board):
    """The stations of a clip. Where `has_places`, every stamp has a place of its own."""

    names_shapes = True
    stamps_name = ""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        self.size = size = StampGeometry.of(trace)
        self.channels = list(range(min(size.channels, _most(MOST_CHANNELS, size.sizes, size.dims))))
        self.outs = list(range(min(size.outs, _most(MOST_OUTS, size.canvas, size.dims))))
        self.tells = "running" in trace.tensors
        self.most: int | None = None
        if self.tells:
            self.has_places, self.placed = self._find_room()
        else:
            self._cut_down()

    # What is drawn of a call.

    def _cut_down(self) -> None:
        """Of a call too large to follow one channel, and as many input elements as leave room for numbers."""
        self.channels, self.outs = self.channels[:1], self.outs[:1]
        for self.most in _FEW:
            self.has_places, self.placed = self._find_room()
            if self.has_numbers:
                break

    @property
    def has_numbers(self) -> bool:
        """Whether all cells are large enough for numbers."""
        return all(self.placed[name].cells.text_size for name in STATIONS)

    @property
    def is_cut(self) -> bool:
        """Whether channels or cells are left out."""
        planes = self.size.channels > len(self.channels) or self.size.outs > len(self.outs)
        return planes or not all(self._is_whole(name) for name in STATIONS)

    def counts(self) -> dict[str, tuple[Size, Size]]:
        """What is drawn and what there is, by the key of the words; an output cut with its input is unsaid."""
        size = self.size
        drawn = {name: self._drawn(name) for name in ("input", "weight")}
        is_alone = drawn == {"input": size.sizes, "weight": size.kernel}
        return {
            "cut_batch": (1, self.trace.shape("input")[0] if size.lead else 1),
            "cut_plane": (size.spatial(drawn["input"]), size.spatial(size.sizes)),
            "cut_kernel": (size.spatial(drawn["weight"]), size.spatial(size.kernel)),
            "cut_channels": (len(self.channels), size.channels),
            "cut_outs": (len(self.outs), size.outs),
            **({"drawn_output": (size.spatial(self._kept()), size.spatial(size.out))} if is_alone else {}),
        }

    def _drawn(self, name: str) -> Position:
        """How much of a station's planes is drawn."""
        cells, (_, rows, cols) = self.placed[name].cells, self._sizes(name)
        wide = cells.cols
        if self.size.dims == 1 and name == "input":
            wide = (cells.cols - 1) // self.size.stride[2] + 1
        return self._depth(name), min(cells.rows, rows), min(wide, cols)

    def _kept(self) -> Position:
        """How much of the output is drawn: what padding cuts off the canvas is none of it."""
        sizes = zip(self._drawn("output"), self.size.padding, self.size.out, strict=True)
        return cast(Position, tuple(max(0, min(whole, drawn - pad)) for drawn, pad, whole in sizes))

    def _is_whole(self, name: str) -> bool:
        cells, (depth, rows, cols) = self.placed[name].cells, self._sizes(name)
        wide = cells.cols >= (cols if self.size.dims > 1 or name == "weight" else self.size.canvas[2])
        return self._depth(name) == depth and cells.rows >= rows and wide

    def _sizes(self, name: str) -> Position:
        size, most = self.size, self.most
        if most is None:
            return {"input": size.sizes, "output": size.canvas}.get(name, size.kernel)
        given, kernel = (
            tuple(min(n, limit) for n in sizes)
            for sizes, limit in ((size.sizes, most), (size.kernel, _KERNEL))
        )
        if name != "output":
            return cast(Position, given if name == "input" else kernel)
        settings = zip(given, kernel, size.stride, size.dilation, size.padding, size.canvas, strict=True)
        return cast(
            Position,
            tuple(min(whole, max((n - 1) * s + d * (k - 1), p + 1) + 1) for n, k, s, d, p, whole in settings),
        )

    def _depth(self, name: str) -> int:
        return min(self._sizes(name)[0], MOST_DEPTH)

    # Where everything stands.

    def _find_room(self) -> tuple[bool, dict[str, Placed]]:
        """Whether every stamp has a place of its own, and all places."""
        size, find = self.size, self._lanes if self.size.dims == 1 else self._row
        alone = size.dims == 1 or (len(self.channels) == len(self.outs) == 1 and size.dims == 2)
        count = len(self.channels) * math.prod(size.sizes)
        if alone and self.tells and (size.dims == 2 or count <= MOST_LANES):
            placed = find(True)
            whole = [placed[name].cells for name in STATIONS]
            if all(cells.text_size for cells in whole) and self._fits(placed):
                return True, placed
        return False, find(False)

    def _fits(self, placed: Mapping[str, Placed]) -> bool:
        self.placed = dict(placed)
        return not self.is_cut

    def _texts(self, name: str) -> list[str]:
        tensors = {"output": ("output", "running"), "stamp": ("stamp",)}
        return self.texts(*(one for one in tensors.get(name, (name,)) if one in self.trace.tensors))

    def _room(self, station: str, planes: int, **more: Any) -> Room:
        depth, rows, cols = self._depth(station), *self._sizes(station)[1:]
        count = planes * depth
        across = next(n for n in range(1, count + 1) if _high(-(-count // n), rows) <= _HIGH or n == count)
        sides = self._sides(station, planes)
        given = {
            "down": -(-count // across), "across": across, "between": _between(sides) if across > 1 else _BETWEEN,
            "name": self.shape(station) if station != "stamp" else "", "sides": sides,
        }  # fmt: skip
        return Room(rows, cols, self._texts(station), **{**given, **more})

    def _sides(self, name: str, planes: int) -> list[str]:
        several, deep = planes > 1, self.size.dims == 3
        longest = "c=0 " * several + "d=0" + " (+1)" * (name == "output" and self.size.growth[0] > 0)
        return [longest if deep else "c=0"] * (several or deep)

    def _row(self, with_places: bool) -> dict[str, Placed]:
        """Stations from left to right, those with several planes above each other.

        The output has its labels at the right: what leads to it comes from the left. Volumes have the kernel below the
        input, or names without shapes, where that leaves room for all names, and larger numbers.
        """
        rows, cols = self.size.sizes[1:]
        own = {"down": rows, "across": cols, "sides": ()} if with_places else {}
        given = {"input": self._room("input", len(self.channels)), "weight": self._room("weight", 1)}
        results: dict[str, Room] = {
            "is": Room(wide=_SIGN),
            "stamp": self._room("stamp", 1, name="s" * 8, **own),
            "sum": Room(wide=_SIGN),
            "output": self._room("output", len(self.outs), below=0.4 if self._grows else 0.0, sides=()),
            **({"grown": Room(wide=_GROWN)} if self._grows else {}),
        }
        if sides := self._sides("output", len(self.outs)):
            results["names"] = Room(wide=measure(sides[0], MIN_TEXT, "mono") - _NAMED)
        times = Room(wide=_SIGN, high=_SIGN)
        stations = {"input": given["input"], "times": times, "weight": given["weight"]}
        short = {name: replace(room, name=room.name and f"{name} x") for name, room in stations.items()}
        ways = [in_row(stations, gap=_WIDE), in_column(stations, gap=(0.1, 0.4)), in_row(short, gap=_WIDE)]
        found = [
            fill(STAGE, in_row({"given": way, **results}, gap=_WIDE), same=[STATIONS])
            for way in (ways if self.size.dims == 3 else ways[:1])
        ]
        sizes = [
            (self._are_apart(placed, way), *_readable([placed[name].cells for name in STATIONS]))
            for placed, way in zip(found, [stations, stations, short], strict=False)
        ]
        best = sizes.index(max(sizes))
        self.names_shapes = best < 2
        return found[best]

    def stamps_from(self, wide: float, placed: Placed) -> float:
        """Where the name of the stamps begins: in their middle, but not over what leads to the output."""
        return min(placed.head[0] - wide / 2, placed.block.right - wide)

    def _are_apart(self, placed: Mapping[str, Placed], given: Mapping[str, Room]) -> bool:
        """Whether names of what is `given` run neither into each other nor into that of the stamps."""
        said = {name: measure(room.name, NAME_TEXT) for name, room in given.items() if room.name}
        lines = [(placed[name].head[0] - wide / 2, placed[name].head[1], wide) for name, wide in said.items()]
        wide, stamp = measure(f"{self.stamps_name} x·w", NAME_TEXT), placed["stamp"]
        lines.append((self.stamps_from(wide, stamp), stamp.head[1], wide))
        return all(
            left + wide < right or abs(y - high) > NAME_TEXT
            for (left, y, wide), (right, high, _) in combinations(sorted(lines), 2)
        )

    def _lanes(self, with_places: bool) -> dict[str, Placed]:
        """The kernel at the left; input, stamps and canvas in the same columns, one below the other."""
        size = self.size
        lanes = len(size.stamps(0)) if with_places else 1
        cols, many = self._sizes("output")[2], len(self.outs) > 1
        sums = in_column(
            {
                "input": Room(
                    1, cols, self._texts("input"), down=len(self.channels), between=_LANE,
                    name=self.shape("input"), sides=["c=0"] * (len(self.channels) > 1),
                ),
                "stamp": Room(
                    1, cols, self._texts("stamp"), down=lanes, between=_LANE,
                    sides=[f"+ {text}·ww" for text in self.texts("input")] if with_places else (),
                ),
                "output": Room(
                    1, cols, self._texts("output"), down=len(self.outs), between=_LANE,
                    name=self.shape("output") if many else "", sides=["o=0"] if many else [self.shape("output") + " "],
                    below=0.4 * self._grows,
                ),
            },
            gap=(0.2, 0.5), lined=True,
        )  # fmt: skip
        weight = Room(1, self._sizes("weight")[2], self._texts("weight"), name=self.shape("weight"))
        columns: dict[str, Room | Mosaic] = {"weight": weight, "sums": sums}
        if self._grows:
            columns["grown"] = Room(wide=0.2)
        return fill(STAGE, in_row(columns, gap=(0.5, 1.2)), same=[STATIONS])

    @property
    def _grows(self) -> bool:
        return any(self.size.growth)

    def _element(self, lead: Index, at: Position) -> Index:
        return (*lead, *self.size.spatial(at))

    def _centers(self, name: str, place: int) -> Sequence[Point]:
        """The middles of the slices of one channel."""
        depth = self._depth(name)
        return self.placed[name].at[place * depth : (place + 1) * depth]


def _most(planes: int, sizes: Position, dims: int) -> int:
    """How many channels are drawn at most: few where each is many slices."""
    return planes if dims < 3 else max(1, _SLICES // sizes[0])


def _readable(stations: Sequence[Cells]) -> tuple[float, int]:
    """How large the numbers are, and how many cells are drawn."""
    return min(cells.text_size for cells in stations), sum(cells.rows * cells.cols for cells in stations)


def _between(sides: Sequence[str]) -> float:
    """How far planes beside one another stand apart, with what is said at the side of each."""
    return max(_APART, *(_BESIDE + measure(text, MIN_TEXT, "mono") for text in sides))


def _high(planes: int, rows: int) -> float:
    return planes * rows * _ROW + (planes - 1) * _BETWEEN
