"""What the formula bar of a pooling says: its law with the settings in the indices."""

from __future__ import annotations

from collections.abc import Sequence

from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.trace.formula import Token

_NAMED = 5
"""The pieces of a formula that says more than a name and a value."""
_PLACES, _TAPS = {1: "i", 2: "ij", 3: "dij"}, {1: "u", 2: "uv", 3: "tuv"}


def output(size: PoolingGeometry) -> Token:
    """An output element, `y_{i,j}`."""
    return Token(f"y_{{{','.join(_PLACES[size.dims])}}}", "output")


def taps(size: PoolingGeometry) -> str:
    """The places in a window that are gone through, `u,v`."""
    return ",".join(_TAPS[size.dims])


def read(size: PoolingGeometry) -> Token:
    """What a window reads at its place, `x_{2i+u,2j+v}`, with stride, dilation and padding as numbers."""
    ours = zip(
        _PLACES[size.dims],
        _TAPS[size.dims],
        size.spatial(size.stride),
        size.spatial(size.dilation),
        size.spatial(size.padding),
        strict=True,
    )
    places = [
        f"{_times(stride)}{i}+{_times(dilation)}{u}{f'−{pad}' if pad else ''}"
        for i, u, stride, dilation, pad in ours
    ]
    return Token(f"x_{{{','.join(places)}}}", "input")


def without_unknown_name(tokens: list[Token], symbol: str, law: Sequence[Token]) -> list[Token]:
    """A formula that names what it makes, without that name where it stands neither in the law nor on the stage."""
    is_known = f"{symbol}_" in "".join(token.text for token in law)
    return tokens if is_known or len(tokens) < _NAMED else tokens[2:]


def _times(count: int) -> str:
    return "" if count == 1 else str(count)


def setting(sizes: Sequence[int]) -> str:
    """A setting as a reader types it: one number if all dimensions have the same."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(tuple(sizes))
