"""Clips of calls that were recorded in a kernel: no call twice, no more than wanted, and why some have none."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torchreel.assets.errors import TorchreelError
from torchreel.render.explain import Clip
from torchreel.render.reel import Reel
from torchreel.scenes.record.calls import RecordedCall
from torchreel.scenes.trace.calling import first_line


@dataclass(frozen=True)
class Drawable:
    """A recorded call and its clip, not drawn yet; `key` is a digest of all that the clip shows."""

    call: RecordedCall
    clip: Clip
    key: str


@dataclass
class Gathered:
    """The clips of some calls, what was left out and why, and how many calls there were `over` the limit."""

    clips: list[Drawable] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    over: int = 0


class Gathering:
    """Makes clips of recorded calls, in one language and theme: `only` of these operators, at most `limit` in all."""

    def __init__(self, lang: str, theme: str, only: Collection[str], limit: int, *look: object) -> None:
        self._lang, self._theme, self._only, self._limit = lang, theme, only, limit
        self._look = (lang, theme, *look)
        self._keys: set[str] = set()

    def take(self, reel: Reel, calls: Iterable[RecordedCall], **options: Any) -> Gathered:
        """The clips of some of the calls of a reel. `options` are further ones of `reel.clip`."""
        gathered = Gathered()
        with same_chances():
            for call in calls:
                self._add(gathered, reel, call, options)
        gathered.skipped = list(dict.fromkeys(gathered.skipped))
        return gathered

    def _add(self, gathered: Gathered, reel: Reel, call: RecordedCall, options: dict[str, Any]) -> None:
        if len(self._keys) >= self._limit:
            gathered.over += 1
            return
        if not call.is_supported:
            if not self._only or call.name in self._only:
                gathered.skipped.append(f"{call.name}: {call.why_not.split('. ')[0].rstrip('.')}")
            return
        try:
            clip = reel.clip(call, lang=self._lang, theme=self._theme, **options)
        except TorchreelError as error:
            gathered.skipped.append(f"{call.name}: {error}")
            return
        except Exception as error:
            gathered.skipped.append(f"{call.name}: {type(error).__name__}: {first_line(error)}")
            return
        if self._only and clip.trace.name not in self._only:
            return
        key = digest(clip, *self._look)
        if key in self._keys:
            gathered.skipped.append(f"{call.name}: the very same call is shown above")
            return
        self._keys.add(key)
        gathered.clips.append(Drawable(call, clip, key))


def digest(clip: Clip, *look: object) -> str:
    """A digest of all that a clip shows: its call, and how it looks."""
    trace = clip.trace
    plain = {name: value for name, value in trace.call.items() if not hasattr(value, "dtype")}
    training = trace.module is not None and trace.module.training
    told = hashlib.sha256(repr((trace.name, dict(trace.kwargs), plain, training, look)).encode())
    for name, tensor in trace.tensors.items():
        told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if hasattr(tensor, "detach"):  # what is computed on demand follows from the others
            told.update(_bytes(tensor.detach()))
    return told.hexdigest()[:12]


def _bytes(tensor: Any) -> bytes:
    try:
        data: bytes = tensor.contiguous().numpy().tobytes()
        return data
    except TypeError:
        return repr(tensor.tolist()).encode()


@contextlib.contextmanager
def same_chances() -> Iterator[None]:
    """What is done meanwhile leaves the random numbers of Python and NumPy as they were; torch's are safe anyway."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)
