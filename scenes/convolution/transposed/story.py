"""The story of a transposed convolution: stamps land one after the other, and what overlaps adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, cast

from manim import Animation, Mobject, VGroup

from torchreel.scenes.convolution.story import runs_by_output
from torchreel.scenes.convolution.transposed.board import StampBoard
from torchreel.scenes.convolution.transposed.equal import EqualStory
from torchreel.scenes.convolution.transposed.geometry import Stamp
from torchreel.scenes.parts.motion import Appear, Fly, Morph, Vanish, sweep_times
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2
_MOST_STEPS = 22
_JUMP = 0.15
_COUNTED = 500


class StampStory(EqualStory):
    """Stamps land one after the other; the example `as_conv` tells the equal convolution in its place."""

    @cached_property
    def told_as(self) -> str:
        """The other view is told in its own words, whatever the settings."""
        return self.example.name if self._as_convolution else super().told_as

    @property
    def _as_convolution(self) -> bool:
        return self.example.extra.get("view") == "convolution" and "as_conv" in self.trace.tensors

    def story(self) -> Iterator[Beat]:
        if self._as_convolution:
            yield from self.equal()
            return
        self.stamps = StampBoard(self.look, self.trace)
        board = self.stamps
        self.add(*board.inputs.values(), *board.canvases.values(), *board.labels())
        self.moving, self.kernel, self.kept = VGroup(), VGroup(), VGroup()
        self.pair: tuple[int, int] | None = None
        yield Beat("kernel", partial(self._take_weight, 0, 0), 0.6, 0.8, self._symbols(), also=self._notes())
        yield from self._told() if board.tells else self._summary()
        yield from self._finish()

    def values(self) -> dict[str, object]:
        if not hasattr(self, "stamps"):
            return super().values()
        size, module = self.stamps.size, cast(Any, self.trace.module)
        return {
            "kernel": " × ".join(map(str, size.spatial(size.kernel))),
            "stride": size.stride[2],
            "padding": size.padding[2],
            "dilation": size.dilation[2],
            "output_padding": module.output_padding[-1],
            "outs": size.outs,
            "channels": size.per_group,
        }

    def _notes(self) -> tuple[str, ...]:
        board = self.stamps
        return (*([] if board.has_numbers else ["heat"]), *(["left_out"] if board.is_cut else []))

    def _told(self) -> Iterator[Beat]:
        """The first stamps in full, the others as a sweep, output after output."""
        steps = [(out, stamp) for out in self.stamps.outs for stamp in self._visible(out)]
        for out, stamp in steps[:_SLOW]:
            yield from self._one_stamp(out, stamp)
        rest = runs_by_output(steps[_SLOW:], _MOST_STEPS)
        for (out, run), seconds in zip(rest, sweep_times(len(rest), 0.7, 0.2), strict=True):
            key, added = "next" if out else "sweep", self._adding(out, run[-1])
            yield Beat(key, partial(self._sweep_stamps, out, run), seconds, 0.0, added, {"out": out})

    def _visible(self, out: int) -> list[Stamp]:
        return [stamp for stamp in self.stamps.size.stamps(out) if stamp.channel in self.stamps.channels]

    def _one_stamp(self, out: int, stamp: Stamp) -> Iterator[Beat]:
        """One stamp step by step: its element, the scaled kernel, its place, the sums."""
        first = stamp.number == 0
        one = self.trace.step("stamp", self._stamp_index(out, stamp, (0, 0, 0)))
        yield Beat("pick" if first else "next_element", partial(self._pick, out, stamp), 0.5, 0.3)
        yield Beat("scale", partial(self._scale, out, stamp), 0.5, 0.7 if first else 0.3, one)
        overlaps = self._overlaps(out, stamp)
        if overlaps:
            yield Beat("overlap", partial(self._overlap, out, stamp, overlaps), 0.6, 0.9)
        yield Beat(
            "sum" if overlaps else "land", partial(self._land, out, stamp), 0.5, 0.7, self._adding(out, stamp)
        )

    def _summary(self) -> Iterator[Beat]:
        """Calls too large to follow stamp by stamp: only where the first one lands."""
        stamp = self.stamps.size.stamps(0)[0]
        yield Beat("pick", partial(self._pick, 0, stamp), 0.5, 0.6)
        yield Beat("land", partial(self._frame_landing, 0, stamp), 0.5, 0.8)

    def _finish(self) -> Iterator[Beat]:
        size = self.stamps.size
        yield Beat("added", self._lift_frames, 0.3, 0.2)
        if size.is_cropped:
            yield Beat("crop", self._crop, 0.6, 0.8)
        if size.is_grown:
            yield Beat("grow", self._settle, 0.5, 0.8)
        key = "bias" if size.bias else "done"
        yield Beat(key, self._settle, 0.5, 0.6, self._most_added())
        if size.bias:
            yield Beat("done", tuple, 0.3)

    def _adding(self, out: int, stamp: Stamp) -> Step:
        """The step at a cell of the stamp that something lies on already, or else at its first cell."""
        taps = [at for _, at in self.stamps.size.taps(stamp)]
        at = next((each for each in taps if self._before(out, stamp, each) is not None), taps[0])
        return self.trace.step("running", self._running(out, stamp, at))

    def _before(self, out: int, stamp: Stamp, at: Position) -> int | None:
        """The last stamp before this one that reaches a canvas position."""
        if not hasattr(self, "_reached"):
            self._reached: dict[tuple[int, Position], list[int]] = {}
            for each in self._visible(out):
                for _, place in self.stamps.size.taps(each):
                    self._reached.setdefault((0, place), []).append(each.number)
        number = stamp.number % len(self._visible(out))
        return next((n for n in reversed(self._reached.get((0, at), [])) if n < number), None)

    def _overlaps(self, out: int, stamp: Stamp) -> list[tuple[Position, Position]]:
        """The taps that fall on a cell that has a value already."""
        taps = self.stamps.size.taps(stamp)
        return [(tap, at) for tap, at in taps if self._before(out, stamp, at) is not None]

    def _running(self, out: int, stamp: Stamp, at: Position) -> Index:
        size = self.stamps.size
        return (*size.lead, out, stamp.number, *size.spatial(at))

    def _stamp_index(self, out: int, stamp: Stamp, tap: Position) -> Index:
        return self._running(out, stamp, tap)

    def _symbols(self) -> list[Token]:
        """The formula of every output element, in names."""
        return [Token(f"output = {self._sum_at((0, 0, 0)).formula.symbols()}")]

    def _most_added(self) -> Step:
        """The step of an output element on which as many stamps lie as on any."""
        size = self.stamps.size
        counts: Counter[Position] = Counter()
        for stamp in self._visible(0)[:_COUNTED]:
            counts.update(at for _, at in size.taps(stamp))
        kept = {place: count for at, count in counts.items() if (place := size.kept(at)) is not None}
        return self._sum_at(max(kept, key=lambda place: kept[place], default=(0, 0, 0)))

    def _sum_at(self, kept: Position) -> Step:
        size = self.stamps.size
        return self.trace.step("output", (*size.lead, 0, *size.spatial(kept)))

    def _take_weight(self, out: int, channel: int) -> Iterable[Animation]:
        self.remove(self.kernel)
        drawn = self.stamps.kernel(out, channel)
        self.kernel, self.pair = VGroup(drawn, self.stamps.name(drawn, out, channel)), (out, channel)
        return [Appear(self.kernel)]

    def _pick(self, out: int, stamp: Stamp) -> Iterable[Animation]:
        """The frame goes to the input element whose turn it is."""
        board = self.stamps
        if (out, stamp.channel) != self.pair:
            self._take_weight(out, stamp.channel)
            self.add(self.kernel)
        place = board.inputs[stamp.channel].outline(stamp.at, stamp.at, 0.02)
        if board.source in self.mobjects:
            return [Morph(board.source, place, quick=_JUMP * 2)]
        board.source.points = place
        return [Appear(board.source)]

    def _scale(self, out: int, stamp: Stamp) -> Iterable[Animation]:
        self._take_stamp(out, stamp)
        return [Appear(self.moving)]

    def _take_stamp(self, out: int, stamp: Stamp) -> None:
        """A new stamp; in one dimension the earlier ones stay in their lanes."""
        board = self.stamps
        if board.size.dims > 1 or len(board.rooms["stamp"].centers) == 1 or stamp.number == 0:
            self.remove(self.moving, self.kept)
            self.kept = VGroup()
        elif len(self.moving):
            self.kept.add(*self.moving)
        self.drawn = board.stamp(out, stamp)
        self.moving = VGroup(self.drawn)

    def _frame_landing(self, out: int, stamp: Stamp) -> Iterable[Animation]:
        board = self.stamps
        canvas = board.canvases[out]
        if board.landing in self.mobjects:
            return canvas.move(board.landing, board.size.first(stamp), quick=_JUMP * 2)
        self._jump_landing(out, stamp)
        self.remove(board.landing)
        return [Appear(board.landing)]

    def _jump_landing(self, out: int, stamp: Stamp) -> None:
        board = self.stamps
        self.remove(board.landing)
        board.landing = board.canvases[out].frames(
            board.size.first(stamp), board.size.kernel, board.size.dilation
        )
        self.add(board.landing)

    def _overlap(
        self, out: int, stamp: Stamp, overlaps: Sequence[tuple[Position, Position]]
    ) -> Iterable[Animation]:
        """Cells that have a value show both, what is there and what comes."""
        canvas = self.stamps.canvases[out]
        self.sums = VGroup()
        for tap, at in overlaps:
            left = canvas.shown.get(at)
            both = canvas.overlap(at, left, "stamp", self._stamp_index(out, stamp, tap)) if left else None
            if left and both:
                self.remove(left)
                self.sums.add(both)
        shown = [Appear(self.sums)] if len(self.sums) else []
        return [*self._frame_landing(out, stamp), *shown]

    def _land(self, out: int, stamp: Stamp) -> Iterable[Animation]:
        """The canvas takes what is there plus the stamp."""
        board, canvas = self.stamps, self.stamps.canvases[out]
        overlapped = {at for _, at in self._overlaps(out, stamp)}
        self.remove(getattr(self, "sums", VGroup()))
        animations = list(self._frame_landing(out, stamp))
        for tap, at in board.size.taps(stamp):
            painted, old, new = canvas.put(at, "running", self._running(out, stamp, at))
            self.remove(*([old] if old else []))
            animations += painted
            if new and at in overlapped:
                self.add(new)
            elif new:
                animations.append(Fly(new, start=board.stamp_center(self.drawn, tap)))
        return animations

    def _sweep_stamps(self, out: int, run: Sequence[Stamp]) -> Iterable[Animation]:
        """Several stamps at once: only what the last of them leaves is drawn."""
        stamp = run[-1]
        board, canvas = self.stamps, self.stamps.canvases[out]
        moves = list(self._pick(out, stamp))
        self.remove(self.moving)
        self._take_stamp(out, stamp)
        self.add(self.kept, self.moving)
        self._jump_landing(out, stamp)
        places = {at for each in run for _, at in board.size.taps(each)}
        for at in sorted(places):
            painted, old, new = canvas.put(at, "running", self._running(out, stamp, at))
            self._swap(old, new)
            moves += painted
        return moves

    def _swap(self, old: Number | None, new: Number | None) -> None:
        self.remove(*([old] if old else []))
        self.add(*([new] if new else []))

    def _lift_frames(self) -> Iterable[Animation]:
        board = self.stamps
        gone: list[Mobject] = [part for part in (board.source, board.landing) if part in self.mobjects]
        return [Vanish(*gone)] if gone else []

    def _crop(self) -> Iterable[Animation]:
        """The rim that the output does not have leaves."""
        canvases = self.stamps.canvases.values()
        gone = [part for canvas in canvases for part in canvas.crop()]
        heads = [Appear(head) for canvas in canvases for head in canvas.heads()]
        return [*([Vanish(*gone)] if gone else []), *heads]

    def _settle(self) -> Iterable[Animation]:
        """Every cell shows torch's own output."""
        animations: list[Animation] = []
        for canvas in self.stamps.canvases.values():
            painted, old, new = canvas.settle()
            self.remove(*old)
            self.add(*new)
            animations += painted
        return animations
