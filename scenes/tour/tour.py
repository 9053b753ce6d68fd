"""The tour's story: the net as it is, the data on its way through, the skips, and one block from inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from torchreel.assets.captions import LANGUAGES, caption
from torchreel.assets.examples import Example
from torchreel.scenes.parts.frame import STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.record.graph import Graph
from torchreel.scenes.record.outline import Part, edges, opened, outline
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.tour.board import Chain, Opening, thousands
from torchreel.scenes.tour.layout import Zone
from torchreel.scenes.trace.calling import Call
from torchreel.scenes.trace.operator import Operator, Recording
from torchreel.scenes.trace.proof import Trace

_PANEL = STAGE_BOTTOM + (STAGE_TOP - STAGE_BOTTOM) * 0.4
_MOST_STEPS = 16


def _nothing(call: Call) -> Recording:
    """A tour computes nothing of its own: what it shows was computed by the net."""
    return Recording({}, (), ())


TOUR = Operator(None, _nothing, label="Tour")
EXAMPLE = Example("Tour", "default", "tour")


@dataclass(frozen=True)
class TourRequest(Request):
    """Which net to draw: the graph of a recorded run, and what it is called."""

    graph: Graph | None = None
    name: str = ""


def request(graph: Graph, name: str, lang: str, theme: str, precision: int = 2) -> TourRequest:
    """The request for a net's tour."""
    trace = Trace(TOUR.name, None, {}, {}, (), (), None)
    return TourRequest(trace, EXAMPLE, lang, theme, precision, graph=graph, name=name)


class Tour(OperatorScene):
    """A net as a whole: a chain of parts with the real activations, skips as lines, one block opened."""

    operator = TOUR
    request: TourRequest

    @property
    def graph(self) -> Graph:
        """The recorded net."""
        assert self.request.graph is not None
        return self.request.graph

    @cached_property
    def parts(self) -> list[Part]:
        """The net from input to output."""
        return outline(self.graph)

    @cached_property
    def inside(self) -> tuple[Part, list[Part]] | None:
        """The block that is opened, and what it is made of."""
        return opened(self.graph, self.parts)

    @cached_property
    def facts(self) -> Mapping[str, bool]:
        inner = self.inside[1] if self.inside else []
        return {
            "has_skips": bool(list(edges(self.parts)) or list(edges(inner))),
            "has_block": self.inside is not None,
            "repeats": self.inside is not None and self.inside[0].times > 1,
            "has_parameters": self._parameters > 0,
            "per_sample": len({part.last.shape[:1] for part in [*self.parts, *inner]}) == 1
            and all(len(part.last.shape) > 1 for part in self.parts),
        }

    @property
    def _parameters(self) -> int:
        return sum(part.parameters for part in self.parts)

    def values(self) -> dict[str, object]:
        """What the captions name."""
        block = self.inside[0] if self.inside else None
        return {
            "parts": len(self.parts),
            "times": block.times if block else 1,
            "parameters": thousands(self._parameters),
            "calls": sum(1 for node in self.graph.nodes if node.call is not None),
        }

    def words(self, key: str, lang: str | None = None, **values: object) -> str:
        return caption(TOUR.name, "default", key, lang or self.request.lang, self.facts, **values)

    @property
    def alt(self) -> dict[str, str]:
        return {lang: self.words("alt", lang, **self.values()) for lang in LANGUAGES}

    def call(self) -> list[tuple[str, bool]]:
        return [(self.request.name, False)]

    def story(self) -> Iterable[Beat]:
        chain = self._chain()
        self.add(chain.frames, chain.wires, chain.labels, chain.focus)
        yield Beat("start")
        for run in runs(range(len(self.parts)), _MOST_STEPS):
            yield Beat("run", partial(chain.show_all, run), 0.3, 0.2)
        if len(chain.skips):
            yield Beat("skips", lambda: [*chain.leave(), Appear(chain.skips)], 0.6)
        if self.inside is not None:
            yield from self._from_inside(chain, *self.inside)
        yield Beat("done")

    def _chain(self) -> Chain:
        lowest = _PANEL + 0.1 if self.inside else STAGE_BOTTOM + 0.1
        return Chain(self.look, self.parts, Zone(lowest, STAGE_TOP - 0.08), self.facts["per_sample"])

    def _from_inside(self, chain: Chain, block: Part, inner: list[Part]) -> Iterable[Beat]:
        panel = Zone(STAGE_BOTTOM + 0.06, _PANEL)
        room = Zone(panel.bottom, panel.top - 0.36, panel.left + 0.3, panel.right - 0.1)
        below = Chain(self.look, inner, room, self.facts["per_sample"], rows=1)
        number = next((k for k, part in enumerate(self.parts) if set(block.nodes) <= set(part.nodes)), 0)
        opening = Opening(self.look, chain, number, panel, block.path or block.name)
        yield Beat(
            "open",
            lambda: [Appear(opening, below.frames, below.wires, below.labels)],
            0.5,
            look=partial(chain.look_at, number),
        )
        for run in runs(range(len(inner)), _MOST_STEPS):
            yield Beat("open", partial(below.show_all, run), 0.3, 0.1)
        if len(below.skips):
            yield Beat("join", lambda: [Appear(below.skips)], 0.6)
