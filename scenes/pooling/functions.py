"""The functions that pool, and those that go the way back."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Arguments, Function, single

_SIZES = ("kernel_size", "stride", "padding", "dilation")
_DIMS = (1, 2, 3)


def _windows(arguments: Arguments) -> Arguments:
    """No stride is that of the kernel, which functions written in C++ say by an empty list."""
    sizes = single(arguments, *_SIZES)
    return {**sizes, "stride": None if sizes["stride"] in ([], ()) else sizes["stride"]}


def _with_indices(arguments: Arguments) -> Arguments:
    return {"return_indices": True}


def _windows_and_indices(arguments: Arguments) -> Arguments:
    return {**_windows(arguments), **_with_indices(arguments)}


def _of(dims: int) -> tuple[Function, ...]:
    largest = f"adaptive_max_pool{dims}d"
    return (
        Function(f"MaxPool{dims}d", (f"max_pool{dims}d",), _windows),
        Function(f"MaxPool{dims}d", (f"max_pool{dims}d_with_indices",), _windows_and_indices),
        Function(f"AvgPool{dims}d", (f"avg_pool{dims}d",), _windows),
        Function(f"LPPool{dims}d", (f"lp_pool{dims}d",)),
        Function(f"AdaptiveAvgPool{dims}d", (f"adaptive_avg_pool{dims}d",)),
        Function(f"AdaptiveMaxPool{dims}d", (f"F.{largest}",)),
        Function(f"AdaptiveMaxPool{dims}d", (f"{largest}_with_indices", f"torch.{largest}"), _with_indices),
        Function(f"MaxUnpool{dims}d", (f"max_unpool{dims}d",)),
    )


_FRACTIONAL = tuple(
    function
    for dims in (2, 3)
    for function in (
        Function(f"FractionalMaxPool{dims}d", (f"fractional_max_pool{dims}d",)),
        Function(f"FractionalMaxPool{dims}d", (f"fractional_max_pool{dims}d_with_indices",), _with_indices),
    )
)

FUNCTIONS = (*(function for dims in _DIMS for function in _of(dims)), *_FRACTIONAL)
