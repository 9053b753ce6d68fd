"""Which steps of the trace a transposed convolution's story is about, and how its formulas say them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import torch

from torchreel.scenes.convolution.transposed.board import StampBoard
from torchreel.scenes.convolution.transposed.equal import EqualStory
from torchreel.scenes.convolution.transposed.facts import step_of
from torchreel.scenes.convolution.transposed.geometry import Stamp
from torchreel.scenes.convolution.transposed.words import stamping_law
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.trace.formula import Index, Mul, Ref, Token
from torchreel.scenes.trace.proof import Step

_MOST_TRIED, _MOST_TERMS = 200, 4


class StampSteps(EqualStory):
    """What a clip of stamps speaks of, as long as there is a board with stamps."""

    stamps: StampBoard | None = None

    def law(self) -> Sequence[Token]:
        if self.stamps is None:
            return super().law()
        return stamping_law(self.stamps.size)

    def values(self) -> dict[str, object]:
        if self.stamps is None:
            return super().values()
        size, module = self.stamps.size, cast(Any, self.trace.module)
        shapes = {"size": size.sizes, "out_size": size.out}
        given = {"stride": size.stride, "padding": size.padding, "dilation": size.dilation}
        return {
            **{name: " × ".join(map(str, size.spatial(one))) for name, one in shapes.items()},
            **{name: self._setting(name, size.spatial(one)) for name, one in given.items()},
            "output_padding": self._setting("output_padding", module.output_padding),
            "step": step_of(size.sizes, size.stride),
        }

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """A stamp's element is called by what it is made of; a sum so far needs no name."""
        tokens = super().formula_tokens(step, most)
        if self.stamps is None or step.tensor not in ("stamp", "running"):
            return tokens
        if step.tensor == "running":
            return tokens[2:]
        names = [Token(self._called(*one), one[0]) for one in step.reads]
        return [names[0], Token("·"), names[1], *tokens[1:]] if len(names) == 2 else tokens[2:]

    def _called(self, tensor: str, index: Index) -> str:
        """The symbol of an input element or a weight with its place."""
        size = cast(StampBoard, self.stamps).size
        planes = index[-size.dims - 1 : -size.dims] if tensor == "input" else index[:2]
        alone = size.channels == 1 and (tensor == "input" or size.outs == 1)
        place = index[-size.dims :] if alone else (*planes, *index[-size.dims :])
        return f"{self.trace.symbol(tensor)}_{{{','.join(map(str, place))}}}"

    def _visible(self, out: int) -> list[Stamp]:
        board = cast(StampBoard, self.stamps)
        return [stamp for stamp in board.size.stamps(out) if stamp.channel in board.channels]

    def _adding(self, out: int, stamp: Stamp) -> Step:
        """The step at a cell of the stamp that something lies on already, or else at its first cell."""
        board = cast(StampBoard, self.stamps)
        taps = [at for _, at in board.size.taps(stamp)]
        overlaps = [at for _, at in self._overlaps(out, stamp)]
        kept = [at for at in overlaps if board.canvases[out].shows(at)]
        clear = [at for at in kept if self.trace.value("running", self._running(out, stamp, at)) != 0]
        at = next(iter([*clear, *kept, *overlaps, *taps]))
        return self.trace.step("running", self._running(out, stamp, at))

    @cached_property
    def _reached(self) -> dict[Position, list[int]]:
        """The numbers of the stamps that reach a canvas position: those of every output channel are alike."""
        board = cast(StampBoard, self.stamps)
        reached: dict[Position, list[int]] = {}
        for stamp in self._visible(0):
            for _, place in board.size.taps(stamp):
                reached.setdefault(place, []).append(stamp.number)
        return reached

    def _overlaps(self, out: int, stamp: Stamp) -> list[tuple[Position, Position]]:
        """The taps that fall on a cell that has a value already."""
        board = cast(StampBoard, self.stamps)
        taps = board.size.taps(stamp)
        return [(tap, at) for tap, at in taps if self._reached.get(at, [stamp.number])[0] < stamp.number]

    def _running(self, out: int, stamp: Stamp, at: Position) -> Index:
        size = cast(StampBoard, self.stamps).size
        return (*size.lead, out, stamp.number, *size.spatial(at))

    def _stamp_index(self, out: int, stamp: Stamp, tap: Position) -> Index:
        return self._running(out, stamp, tap)

    def _stamp_step(self, out: int, stamp: Stamp) -> Step:
        """The largest element of a stamp: it says more than one that is 0 or 1."""
        board = cast(StampBoard, self.stamps)
        indices = [self._stamp_index(out, stamp, tap) for tap, _ in board.size.taps(stamp)]
        return self.trace.step("stamp", max(indices, key=lambda index: self.trace.value("stamp", index)))

    def _product(self, stamp: Stamp) -> Step:
        """What the first element of a stamp is made of, where stamps are not kept."""
        size = cast(StampBoard, self.stamps).size
        tap = next(tap for tap, _ in size.taps(stamp))
        x = (*size.lead, stamp.channel, *size.spatial(stamp.at))
        w = (stamp.channel, 0, *size.spatial(tap))
        read = Mul((Ref("input", torch.tensor([x])), Ref("weight", torch.tensor([w]))))
        index = self._stamp_index(0, stamp, tap)
        return Step("stamp", index, index, self.trace.value("stamp", index), read, self.trace)

    def _sum_at(self, out: int, at: Position) -> Step:
        board = cast(StampBoard, self.stamps)
        return self.trace.step("output", board.canvases[out].element(at))

    @cached_property
    def _meeting(self) -> tuple[int, Position]:
        """The canvas position that the last picture explains: many stamps meet there, and it is not 0."""
        board = cast(StampBoard, self.stamps)
        out = board.outs[-1]
        kept = [at for at in board.canvases[out].positions() if board.size.kept(at) is not None]
        places = kept[:_MOST_TRIED] or [board.size.padding]
        if not board.tells:
            return out, places[0]

        def merit(at: Position) -> tuple[int, bool, int, float]:
            met = board.met(out, at)
            values = [self.trace.value("stamp", self._stamp_index(out, stamp, tap)) for stamp, tap in met]
            added = sum(1 for value in values if value)
            terms = min(added, _MOST_TERMS) - max(0, len(met) - 2 * _MOST_TERMS)
            value = self._sum_at(out, at).value
            return terms, value != 0, -len(met), value if math.isfinite(value) else 0.0

        return out, max(places, key=merit)
