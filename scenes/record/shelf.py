"""What is kept of a run in a bound of memory: of each kind of call the smallest, and others while there is room."""

from __future__ import annotations

from torchreel.scenes.record.calls import RecordedCall


class Shelf:
    """The calls that can be made again, at most `most` bytes of them; the largest go first, the last of a kind last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes: dict[RecordedCall, int] = {}
        self._smallest: dict[str, RecordedCall] = {}

    def may_hold(self, call: RecordedCall) -> bool:
        """Whether it is worth copying what a call was made with: one that is larger than all room there is, is not."""
        return 4 * call.size <= self._most

    def add(self, call: RecordedCall) -> None:
        """Keep a call, and let go of others that there is no room for any more."""
        assert call.kept is not None
        self._bytes[call] = call.kept.bytes
        known = self._smallest.get(call.kind)
        if known is None or call.size < known.size:
            self._smallest[call.kind] = call
        while sum(self._bytes.values()) > self._most:
            self.drop(max(self._bytes, key=lambda one: (not self._is_needed(one), self._bytes[one])))

    def drop(self, call: RecordedCall) -> None:
        """Let go of what a call was made with."""
        self._bytes.pop(call, None)
        call.kept = None
        if self._smallest.get(call.kind) is call:
            del self._smallest[call.kind]

    def _is_needed(self, call: RecordedCall) -> bool:
        return self._smallest.get(call.kind) is call
