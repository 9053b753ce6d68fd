"""An MP4 cut into pieces without encoding it anew: each shows the very frames of the whole, in a tenth of a second."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream


def cut(mp4: Path, times: Sequence[float]) -> list[bytes]:
    """The pieces (whole MP4s) that begin at `times`, in seconds, rising; each ends where the next begins.

    A piece can begin at a keyframe only. Raises `ValueError` where a time has none: render with keyframes there.
    """
    with av.open(str(mp4)) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        starts = [_keyframe(packets, time, stream, mp4) for time in times]
        return [_piece(packets[start:end], stream) for start, end in pairwise([*starts, len(packets)])]


def _keyframe(packets: Sequence[Packet], time: float, stream: VideoStream, mp4: Path) -> int:
    """The place among all packets of the keyframe at a time, which is the nearest frame's."""
    assert stream.average_rate is not None
    place = round(time * stream.average_rate)
    if place >= len(packets) or not packets[place].is_keyframe:
        raise ValueError(f"{mp4.name} has no keyframe at {time:g} s, where a piece should begin.")
    return place


def _piece(packets: Sequence[Packet], like: VideoStream) -> bytes:
    """Some packets as an MP4 of their own, which begins at 0 s."""
    with tempfile.TemporaryDirectory(prefix="torchreel-") as folder:
        path = Path(folder, "piece.mp4")
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as target:
            stream = target.add_stream_from_template(like)
            start = packets[0].pts or 0
            for packet in packets:
                assert packet.pts is not None
                packet.pts -= start
                packet.dts = packet.pts
                packet.stream = stream
                target.mux(packet)
        return path.read_bytes()
