"""A net in few parts: stations grouped as its modules are, and what repeats told once: hundreds stay legible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from torchreel.scenes.record.graph import Graph, Stop

_FEW = 6
_LONGEST_PATTERN, _MOST_OPENED = 12, 12


@dataclass(frozen=True, eq=False)
class Part:
    """Some stations in a row that belong together: one of them, or a module's.

    `path` is the module's place in the net, `times` how often the like of it comes in a row; `nodes` are the stations
    of all these times.
    """

    name: str
    path: str
    nodes: tuple[Stop, ...]
    times: int = 1

    @property
    def is_single(self) -> bool:
        """Whether it is one station, and nothing that could be opened."""
        return len(self.nodes) == 1

    @property
    def once(self) -> tuple[Stop, ...]:
        """The stations of the first time."""
        return self.nodes[: len(self.nodes) // self.times]

    @property
    def last(self) -> Stop:
        """The station whose result the part gives on."""
        return self.nodes[-1]

    @property
    def parameters(self) -> int:
        """The parameters of all its modules, each counted once."""
        return sum(
            {node.call.path or node.number: node.call.parameters for node in self.nodes if node.call}.values()
        )

    @property
    def joins(self) -> bool:
        """Whether something in it reads two results or more."""
        return any(len(node.sources) > 1 for node in self.nodes)


def outline(graph: Graph, most: int = 16) -> list[Part]:
    """The net from input to output in at most `most` parts.

    Equal modules in a row are one part with its `times`; the others are opened from the outside in until there are a
    few. What is still too much is told by the patterns that repeat in it, or by runs of neighbours.
    """
    parts = _folded(_inside(graph, graph.nodes, ""), 1)
    while len(parts) < _FEW and (largest := _largest(parts)) is not None:
        at = parts.index(largest)
        inside = _folded(_inside(graph, largest.nodes, largest.path), 1)
        if len(parts) - 1 + len(inside) > most:
            break
        parts[at : at + 1] = inside
    if len(parts) > most:
        parts = _folded(parts, _LONGEST_PATTERN)
    return parts if len(parts) <= most else _in_groups(parts, most)


def opened(graph: Graph, parts: Sequence[Part]) -> tuple[Part, list[Part]] | None:
    """The part that is worth opening, and what it is made of; None where nothing is.

    It is one with a join inside, else the one that repeats most; one that has too many parts of its own to be seen
    is opened further in.
    """
    several = [part for part in parts if len(part.once) > 1]
    chosen = max(several, key=lambda part: (part.joins, part.times), default=None)
    while chosen is not None:
        inside = _folded(_inside(graph, chosen.once, chosen.path), 1)
        deeper = next((part for part in inside if len(part.once) > 1), None)
        if len(inside) <= _MOST_OPENED and (deeper is None or any(part.is_single for part in inside)):
            return chosen, inside
        chosen = deeper
    return None


def edges(parts: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """Which part reads whose result, as places in the sequence; not those that just follow each other.

    -1 is what goes into the first part.
    """
    home = {node: number for number, part in enumerate(parts) for node in part.nodes}
    found = {
        (home.get(source, -1), number)
        for number, part in enumerate(parts)
        for node in part.nodes
        for source in node.sources
        if home.get(source, -1) < number - 1
    }
    yield from sorted(found)


def _inside(graph: Graph, nodes: Sequence[Stop], path: str) -> list[Part]:
    """Stations grouped by the next module in their paths, in the order of the run."""
    found: list[Part] = []
    for name, run in groupby(nodes, lambda node: _next(node, path)):
        if name:
            whole = f"{path}.{name}" if path else name
            found.append(Part(graph.classes.get(whole, name) if name.isdigit() else name, whole, tuple(run)))
        else:
            found += [Part(node.name, node.call.path if node.call else "", (node,)) for node in run]
    return found


def _next(node: Stop, path: str) -> str:
    """The name under `path` of the module that a station belongs to, empty if that is `path` itself."""
    inside = f"{node.place}."
    if path:
        if not inside.startswith(f"{path}."):
            return ""
        inside = inside[len(path) + 1 :]
    return inside.partition(".")[0]


def _largest(parts: Sequence[Part]) -> Part | None:
    several = [part for part in parts if not part.is_single and part.times == 1]
    return max(several, key=lambda part: len(part.nodes), default=None)


def _sign(part: Part) -> tuple[object, ...]:
    """The same for parts that do the same, whatever their sizes."""
    return tuple((node.name, node.call.kind if node.call else "", len(node.sources)) for node in part.nodes)


def _folded(parts: Sequence[Part], longest: int) -> list[Part]:
    """Equal parts in a row as one, and equal patterns of up to `longest` in a row as one."""
    found = list(parts)
    for length in range(1, longest + 1):
        found = list(_repeats(found, length))
    return found


def _repeats(parts: list[Part], length: int) -> Iterator[Part]:
    signs, at = [_sign(part) for part in parts], 0
    while at < len(parts):
        times = _times(signs, at, length)
        run = parts[at : at + times * length]
        nodes = tuple(node for part in run for node in part.nodes)
        if times == 1 or _is_read_inside(nodes) or (length == 1 and not _is_one_thing(run)):
            yield parts[at]
            at += 1
            continue
        name = run[0].name if length == 1 else f"{run[0].name} … {run[length - 1].name}"
        yield Part(name, run[0].path, nodes, times)
        at += len(run)


def _is_one_thing(run: Sequence[Part]) -> bool:
    """Whether parts in a row are the like for a reader: numbered modules, or results of one shape."""
    if run[0].is_single:
        return False
    return run[0].path.rpartition(".")[2].isdigit() or len({part.last.shape for part in run}) == 1


def _times(signs: Sequence[object], at: int, length: int) -> int:
    times = 1
    while signs[at : at + length] == signs[at + times * length : at + (times + 1) * length]:
        times += 1
    return times if at + length <= len(signs) else 1


def _is_read_inside(nodes: Sequence[Stop]) -> bool:
    """Whether somebody after these stations reads another one's result than the last one's."""
    own = set(nodes)
    return any(reader not in own for node in nodes[:-1] for reader in node.readers)


def _in_groups(parts: Sequence[Part], most: int) -> list[Part]:
    """Too many parts, as runs of neighbours."""
    size = math.ceil(len(parts) / most)
    runs = [parts[at : at + size] for at in range(0, len(parts), size)]
    return [
        run[0]
        if len(run) == 1
        else Part(f"{run[0].name} … {run[-1].name}", "", tuple(node for part in run for node in part.nodes))
        for run in runs
    ]
