"""What the formula bar of a transposed convolution says."""

from __future__ import annotations

from torchreel.scenes.convolution.transposed.geometry import StampGeometry
from torchreel.scenes.trace.formula import Token

_PLACES, _TAPS = {1: "i", 2: "ij", 3: "dij"}, {1: "u", 2: "uv", 3: "tuv"}


def stamping_law(size: StampGeometry) -> list[Token]:
    """`y_{2i+u−1,2j+v−1} += x_{i,j}·w_{u,v}`, with stride, dilation and padding as numbers, and the bias after it."""
    places, taps = _PLACES[size.dims], _TAPS[size.dims]
    settings = zip(
        places, taps, *(size.spatial(one) for one in (size.stride, size.dilation, size.padding)), strict=True
    )
    reached = [
        f"{_times(stride)}{i}+{_times(dilation)}{u}{f'−{pad}' if pad else ''}"
        for i, u, stride, dilation, pad in settings
    ]
    channel = ["c"] if size.channels > 1 else []
    out = ["o"] if size.outs > 1 else []
    tokens = [
        Token(f"y_{{{','.join([*out, *reached])}}}", "output"),
        Token(" += "),
        Token(f"x_{{{','.join([*channel, *places])}}}", "input"),
        Token("·"),
        Token(f"w_{{{','.join([*channel, *out, *taps])}}}", "weight"),
    ]
    if size.bias:
        mark = "_{o}" if out else ""
        tokens += [Token("     "), Token(f"y{mark}", "output"), Token(" += "), Token(f"b{mark}", "bias")]
    return tokens


def _times(count: int) -> str:
    return "" if count == 1 else str(count)
