"""The story of a transposed convolution: stamps land one after the other, and what overlaps adds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import cast

from manim import Animation, VGroup

from torchreel.scenes.convolution.story import runs_by_output
from torchreel.scenes.convolution.transposed.board import StampBoard
from torchreel.scenes.convolution.transposed.geometry import Stamp
from torchreel.scenes.convolution.transposed.steps import StampSteps
from torchreel.scenes.convolution.transposed.volume import Volume
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import Places, around
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.left_out import left_out
from torchreel.scenes.trace.proof import Step

_MOST_STEPS = 14
_MANY = 9
_MOST_CAPTIONS = 6
_IN_ORDER = ["in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding"]


class StampStory(StampSteps):
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
        board = self.stamps = StampBoard(self.look, self.trace, self.words("stamps"))
        more = [] if board.has_numbers else [self.words("colours")]
        if note := left_out(self, board.counts(), more):
            self.add(board.note(note))
        self.sums, self.joint, self.moving = VGroup(), VGroup(), list[Volume]()
        self.kernel, self.pair = board.kernel(0, 0), (0, 0)
        self.add(
            board.scenery,
            board.stamps_title,
            board.empty,
            self.kernel,
            board.source,
            board.stamping,
            board.landing,
        )
        if not board.has_places and (stamps := self._visible(0)):
            self._take(0, stamps[0])
        yield Beat("kernel")
        told = list(self._told() if board.tells else self._summary())
        yield from told
        yield from self._finish({beat.name for beat in told})

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call; with `output_padding` it is long, so what comes before it stands in order."""
        pieces, names = super().call(), [*self.trace.kwargs]
        if names[:6] != _IN_ORDER:
            return pieces
        short = {
            f"{name}={self.trace.kwargs[name]!r}" for name in _IN_ORDER[3:5] if name not in self.example.focus
        }
        return [(text.partition("=")[2] if text in short else text, focus) for text, focus in pieces]

    def figure(self) -> Step | None:
        return super().figure() if self.stamps is None else self._sum_at(*self._meeting)

    def pointing_at(self, step: Step) -> Pointer | None:
        """The input elements, the cells of their stamps, and the cell in which these meet."""
        board = self.stamps
        if board is None:
            return super().pointing_at(step)
        places, (out, at) = Places(self.mobjects), self._meeting
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        stamped = [("stamp", self._stamp_index(out, stamp, tap)) for stamp, tap in board.met(out, at)]
        read = [index for name, index in step.reads if name == "input"]
        sources = places.of(stamped if board.tells else [("input", index) for index in read])
        joined = board.size.dims > 1 and "stamp" in sources
        main = "" if joined else next(iter(sources), "")
        pointer = Pointer(self.look, target, sources, main, self._standing_texts())
        if joined:
            sign = "Σ" if len(stamped) > 1 else "+"
            pointer.add(board.joint(around(sources["stamp"]), target, sign))
        return pointer.add(*board.frames_of(read)) if board.tells else pointer

    # The stamps.

    def _told(self) -> Iterator[Beat]:
        """The first two stamps in full, the others as a sweep, output after output."""
        board = cast(StampBoard, self.stamps)
        steps = [(out, stamp) for out in board.outs for stamp in self._visible(out)]
        for number, (out, stamp) in enumerate(steps[:2]):
            key = self._key(out, number)
            yield Beat(
                key, partial(self._scale, out, stamp), 0.4, 0.6, self._stamp_step(out, stamp),
                look=partial(self._pick, out, stamp),
            )  # fmt: skip
            yield self._landing(key, out, stamp)
        rest = runs_by_output(steps[2:], _MOST_STEPS)
        seconds = 0.6 if len(rest) <= _MANY else 0.3
        for out, run in rest:
            yield Beat(
                self._key(out, 2), partial(self._put, out, run), seconds, 0.0,
                self._adding(out, run[-1]), look=partial(self._jump, out, run), sweep=True,
            )  # fmt: skip

    def _key(self, out: int, number: int) -> str:
        return "next_out" if out != cast(StampBoard, self.stamps).outs[0] else "next" if number else "stamp"

    def _landing(self, key: str, out: int, stamp: Stamp) -> Beat:
        """A stamp lands: where it overlaps another, both stand in the cell before they are added."""
        step = self._adding(out, stamp)
        adds = bool(self._overlaps(out, stamp))
        return Beat(
            key, partial(self._land, out, stamp), 0.4, 1.0, step if adds else None,
            look=partial(self._frame_landing, out, stamp), focus=step,
        )  # fmt: skip

    def _summary(self) -> Iterator[Beat]:
        """Calls too large to follow stamp by stamp: the first one, then what all of them leave."""
        stamp = cast(StampBoard, self.stamps).size.stamps(0)[0]
        yield Beat(
            "stamp", partial(self._scale, 0, stamp), 0.4, 0.6, self._product(stamp),
            look=partial(self._pick, 0, stamp),
        )  # fmt: skip
        yield Beat(
            "stamp",
            partial(self._land_alone, stamp),
            0.4,
            1.0,
            (),
            look=partial(self._frame_landing, 0, stamp),
        )
        if self.facts["several"]:
            yield Beat("others", self._settle, 0.5, 0.8, look=self._leave)

    def _land_alone(self, stamp: Stamp) -> list[Animation]:
        """The first stamp on the empty canvas is all that is there yet; on the rim too little would stay of it."""
        board, moves = cast(StampBoard, self.stamps), list[Animation]()
        for tap, at in board.size.taps(stamp):
            if board.size.kept(at) is not None:
                painted, _, new = board.canvases[0].put(at, "stamp", self._stamp_index(0, stamp, tap))
                self.add(*new)
                moves += painted
        return moves

    # What happens on the stage.

    def _take(self, out: int, stamp: Stamp) -> Volume:
        """The kernel and the place of a stamp."""
        board = cast(StampBoard, self.stamps)
        if (out, stamp.channel) != self.pair:
            self.remove(self.kernel)
            if out != self.pair[0]:
                self._clear(*board.places.values())
                self.add(board.begin(out))
            self.kernel, self.pair = board.kernel(out, stamp.channel), (out, stamp.channel)
            self.add(self.kernel)
        drawn = board.stamp(out, stamp)
        if not board.has_places:
            self._clear(*self.moving)
            self.moving = [drawn]
            self.add(drawn)
        return drawn

    def _clear(self, *drawn: Volume) -> None:
        """Stamps leave with their numbers, which have come one by one."""
        numbers = [number for one in drawn for grid in one.grids for number in grid.numbers.values()]
        self.remove(*drawn, *numbers)

    def _pick(self, out: int, stamp: Stamp) -> list[Animation]:
        """Frames go to an input element and to the place of its stamp."""
        board = cast(StampBoard, self.stamps)
        self.drawn = self._take(out, stamp)
        frames = board.point(stamp, self.drawn)
        self.remove(*frames, self.joint)
        return [Appear(*frames)]

    def _jump(self, out: int, run: Sequence[Stamp]) -> list[Animation]:
        """The last of a run of stamps is framed with its landing, and all of the run are there: a cut."""
        board = cast(StampBoard, self.stamps)
        stamps = run if board.has_places else run[-1:]
        moves = [move for stamp in stamps for move in self._stamped(out, stamp)]
        board.point(run[-1], self.drawn)
        board.land(out, run[-1])
        self._join(out, run[-1])
        return moves

    def _join(self, out: int, stamp: Stamp) -> None:
        """A stamp and where it lands are joined."""
        self.remove(self.joint)
        self.joint = cast(StampBoard, self.stamps).landing_joint(out, stamp, self.drawn)
        self.add(self.joint)

    def _stamped(self, out: int, stamp: Stamp) -> list[Animation]:
        self.drawn = self._take(out, stamp)
        return self._scale(out, stamp)

    def _scale(self, out: int, stamp: Stamp) -> list[Animation]:
        return [move for at in list(self.drawn.positions()) for move in self.drawn.write(at)]

    def _frame_landing(self, out: int, stamp: Stamp) -> list[Animation]:
        """The landing is framed; cells that have a value show both, what is there and what comes."""
        board = cast(StampBoard, self.stamps)
        canvas = board.canvases[out]
        board.land(out, stamp)
        self.sums = VGroup()
        for tap, at in self._overlaps(out, stamp) if board.tells else ():
            if at not in canvas.shown:
                continue
            both = canvas.overlap(at, "stamp", self._stamp_index(out, stamp, tap))
            if both is not None:
                self.remove(canvas.shown[at])
                self.sums.add(both)
        self.remove(board.landing)
        self._join(out, stamp)
        self.add(*self.sums)
        return [Appear(board.landing)]

    def _land(self, out: int, stamp: Stamp) -> list[Animation]:
        """The canvas takes what is there plus the stamp."""
        self.remove(*self.sums)
        return self._put(out, [stamp])

    def _put(self, out: int, run: Sequence[Stamp]) -> list[Animation]:
        board = cast(StampBoard, self.stamps)
        canvas, moves = board.canvases[out], list[Animation]()
        for at in sorted({at for each in run for _, at in board.size.taps(each)}):
            painted, old, new = canvas.put(at, "running", self._running(out, run[-1], at))
            self._swap(old, new)
            moves += painted
        return moves

    def _swap(self, old: Sequence[Number], new: Sequence[Number]) -> None:
        self.remove(*old)
        self.add(*new)

    # The end.

    def _finish(self, said: set[str]) -> Iterator[Beat]:
        board = cast(StampBoard, self.stamps)
        facts = self.facts
        rim = "both" if facts["cut"] and facts["longer"] else "crop" if facts["cut"] else "grow"
        told = len({*said, "kernel", "done"})
        if facts["cut"] or facts["longer"]:
            yield Beat(rim, self._show_rim, 0.5, 0.8, look=self._leave)
            told += 1
        if board.size.bias:
            key = "bias" if told < _MOST_CAPTIONS else "done"
            yield Beat(key, self._settle, 0.5, 0.8, self._sum_at(*self._meeting), look=self._point_at_sum)
        yield Beat("done", self._settle, 0.3, look=self._meet)

    def _leave(self) -> list[Animation]:
        cast(StampBoard, self.stamps).hide_frames()
        self.remove(self.joint)
        return []

    def _show_rim(self) -> list[Animation]:
        """What padding cuts off turns pale; what output_padding adds is marked."""
        board = cast(StampBoard, self.stamps)
        moves = [move for canvas in board.canvases.values() for move in canvas.pale()]
        marks = VGroup(*(mark for out in board.outs for mark in board.growth(out)))
        return [*moves, *([Appear(marks)] if len(marks) else []), *self._settled(not board.size.bias)]

    def _settled(self, now: bool) -> list[Animation]:
        return self._settle() if now else []

    def _point_at_sum(self) -> list[Animation]:
        board = cast(StampBoard, self.stamps)
        out, at = self._meeting
        self._leave()
        board.landing.points = board.canvases[out].outline([at], 0.03)
        return []

    def _meet(self) -> list[Animation]:
        """What meets in the chosen cell takes the place of the last stamp, where all stamps had one place."""
        board = cast(StampBoard, self.stamps)
        self._leave()
        if board.tells and not board.has_places and (shown := board.summands(*self._meeting)) is not None:
            self._clear(*self.moving)
            self.remove(board.stamps_title)
            self.add(shown)
        return []

    def _settle(self) -> list[Animation]:
        """Every cell shows torch's own output."""
        moves: list[Animation] = []
        for canvas in cast(StampBoard, self.stamps).canvases.values():
            painted, old, new = canvas.settle()
            self._swap(old, new)
            moves += painted
        return moves
