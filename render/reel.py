"""Recording from Python: the calls of a run, a clip of each kind of them, and a page that lists them all."""

from __future__ import annotations

import fnmatch
import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torchreel.assets.errors import TorchreelError, UserError
from torchreel.render import overview
from torchreel.render.explain import Clip, Look, clip_of
from torchreel.render.html import claim
from torchreel.render.job import FORMATS
from torchreel.render.sizes import read_size
from torchreel.scenes.record.calls import RecordedCall
from torchreel.scenes.record.graph import Graph
from torchreel.scenes.record.recorder import Recorder
from torchreel.scenes.tour import tour

EVERY = ("kind", "distinct", "all")
_FUSED = "torch's fused attention calls no layers, so it was off meanwhile; results may differ in rounding."


@contextmanager
def record(model: Any = None, *, max_memory: str = "1GB", once: bool = False) -> Iterator[Reel]:
    """Note every leaf call that is made meanwhile, in order.

        with torchreel.record(net) as reel:
            net(x)
        reel.save("folder/")

    `model` gives calls their paths in the net. Noted before it is run, a call can be made again as it was: what it was
    made with is kept as long as all of it takes no more than `max_memory`, and of each kind of call the smallest last.
    With `once` only the first call of a class at each line of code is noted, and how often it was made, so that loops
    stay short; there is no `tour` of it then. torch's fused attention is off meanwhile. Nothing of the model is
    changed.
    """
    recorder = Recorder(model, read_size(max_memory, "max_memory="), once)
    reel = Reel(recorder)
    with recorder.watching():
        yield reel


class Reel:
    """The calls of a run in order.

    `calls` lists them, `reel["layer1.0.conv1"]` is the clip of one, `save` draws one of each kind.
    """

    def __init__(self, recorder: Recorder, notes: Sequence[str] = ()) -> None:
        self._recorder = recorder
        self._said = list(notes)
        self.failed: list[RecordedCall] = []

    @property
    def calls(self) -> list[RecordedCall]:
        """Every leaf call in the order in which they were made."""
        return list(self._recorder.calls)

    @property
    def graph(self) -> Graph:
        """How tensors ran from call to call."""
        return self._recorder.graph

    @property
    def notes(self) -> list[str]:
        """What a reader of the reel should know."""
        attends = any("Attention" in call.name or "Transformer" in call.name for call in self.calls)
        fused = [_FUSED] if attends and not self._recorder.fast_path_was_off else []
        return [*fused, *self._said]

    def __getitem__(self, path: str | int) -> Clip:
        """The clip of a call, by its module's path or by its number; a `UserError` says why there is none."""
        return self.clip(self._call(path))

    def clip(self, call: RecordedCall, *, prove_all: bool = False, **options: Any) -> Clip:
        """The clip of one recorded call; `prove_all` and the other `options` are those of `explain`."""
        if not call.is_supported:
            raise UserError(f"{call.label} has no clip: {call.why_not}")
        if call.kept is None:
            raise UserError(
                f"{call.label} was not kept: all calls of this run take more than max_memory. "
                'Give more, as in record(net, max_memory="4GB"), or a smaller input.'
            )
        return clip_of(call.kept.called(call.label, prove_all), **options)

    def _call(self, path: str | int) -> RecordedCall:
        found = [call for call in self.calls if path in (call.path, call.number)]
        if not found:
            paths = [call.path for call in self.calls if call.path]
            shown = ", ".join(paths[:5]) + (", …" if len(paths) > 5 else "")
            raise UserError(f"No call {path!r} was recorded. There are {len(self.calls)}: {shown}.")
        return found[0]

    def select(self, every: str = "kind", only: str | None = None, most: int = 12) -> list[RecordedCall]:
        """The calls to draw: of each kind (or each distinct call) the smallest, in the order of first calls.

        `only` is a pattern for paths, such as `"layer1.*"`.
        """
        if every not in EVERY:
            raise UserError(f"every={every!r} should be one of {', '.join(EVERY)}.")
        wanted = [
            call
            for call in self.calls
            if (only is None or fnmatch.fnmatchcase(call.path, only))
            and call.is_supported
            and call.kept is not None
        ]
        return one_of_each(wanted, every)[:most]

    def clips(
        self, *, every: str = "kind", only: str | None = None, most: int = 12, **options: Any
    ) -> list[Clip]:
        """The clips of the calls that `select` chooses, in order; `options` are those of `explain`."""
        return [self.clip(call, **options) for call in self.select(every, only, most)]

    def tour(self, **options: Any) -> Clip:
        """One clip of the net as a whole: the chain of its parts with shapes, parameters and real activations.

        Results that are read again later are lines, what repeats is folded, one block is opened. `options` are those of
        `explain`.
        """
        if not self.graph.nodes:
            raise UserError(
                "Nothing was recorded: call the net inside `with torchreel.record(net) as reel:`."
            )
        return Clip(
            tour.request(self.graph, self._recorder.name, *Look.read(**options)), self.notes, tour.Tour
        )

    def save(
        self,
        folder: str | Path,
        *,
        every: str = "kind",
        only: str | None = None,
        most: int = 12,
        formats: Iterable[str] = ("gif",),
        quality: str = "m",
        **options: Any,
    ) -> list[Path]:
        """Draw clips into a folder, and a page `index.html` that lists every call; returns the paths written.

        By default one clip for each kind of call (class and settings without sizes), the smallest of its kind, at most
        `most`; `every` may also be `"distinct"` (one for each shape) or `"all"`. A call that cannot be drawn is listed
        with the reason, and the others go on. A page that torchreel did not write stays, and nothing is drawn then.
        `options` are those of `explain`: `lang`, `theme`, `precision`, `prove_all`.
        """
        target = Path(folder)
        endings = [one for name in FORMATS for one in formats if one == name]
        if not endings:
            raise UserError(f"formats={list(formats)!r} should be some of {', '.join(FORMATS)}.")
        look = Look.read(**{name: options[name] for name in Look._fields if name in options})
        page = target / "index.html"
        claim(page, force=False, advice="choose another folder")
        target.mkdir(parents=True, exist_ok=True)
        drawn: dict[RecordedCall, overview.Shown] = {}
        written: list[Path] = []
        for call in self.select(every, only, most):
            paths = [target / f"{call.label}.{ending}" for ending in endings]
            try:
                clip = self.clip(call, **options)
                written += clip.save(*paths, quality=quality)
                drawn[call] = overview.Shown(paths[0], clip.alt)
            except TorchreelError as error:
                call.why_not = str(error)
                self.failed.append(call)
            gc.collect()
        overview.write(page, self.calls, drawn, self.notes, look.lang)
        return [*written, page]


def one_of_each(calls: Iterable[RecordedCall], every: str) -> list[RecordedCall]:
    """Of each kind of some calls (or of each distinct one) the smallest, in the order of first calls."""
    chosen: dict[str, RecordedCall] = {}
    for call in calls:
        key = {"kind": call.kind, "distinct": call.distinct}.get(every, call.label)
        if key not in chosen or call.size < chosen[key].size:
            chosen[key] = call
    return list(chosen.values())
