"""Settings and inputs that Unfold and Fold cannot take, said in one line that a reader can act on."""

from __future__ import annotations

import math

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.operator import Inputs, Settings
from torchreel.scenes.trace.windows import check_window, per_dimension

_LEAST = {"output_size": 1, "kernel_size": 1, "dilation": 1, "padding": 0, "stride": 1}
_DEFAULTS = {"dilation": 1, "padding": 0, "stride": 1}


def check_unfold(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse sizes that are no sizes, an input that is no picture, a window that does not fit."""
    _check_sizes(name, settings)
    shape = tuple(inputs["input"].shape)
    if len(shape) not in (3, 4):
        raise UserError(
            f"{name}: expected an input (N, C, H, W) or (C, H, W), got shape {shape}. "
            "Give 3 or 4 dimensions, such as torch.randn(1, 1, 4, 4)."
        )
    if 0 in shape[-3:]:
        raise UserError(f"{name}: expected an input without empty dimensions but N, got shape {shape}.")
    check_window(name, settings, inputs, 2)


def check_fold(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse sizes that are no sizes, and columns that do not make up output_size."""
    _check_sizes(name, settings)
    shape = tuple(inputs["input"].shape)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise UserError(
            f"{name}: expected an input (N, C * kernel size, L) or (C * kernel size, L), got shape {shape}. "
            "Give columns, such as torch.ones(1, 4, 9)."
        )
    taps = math.prod(per_dimension(settings["kernel_size"], 2))
    if shape[-2] % taps:
        raise UserError(
            f"{name}: the input has {shape[-2]} rows, which is no multiple of kernel_size={settings['kernel_size']} "
            f"with its {taps} positions. Use an input of {taps} rows for each channel, or another kernel_size."
        )
    _check_columns(settings, shape[-1])


def infer_fold(settings: Settings, inputs: Inputs) -> Settings:
    """New columns bring an output_size of their own where the example's does not fit: as square as they allow."""
    try:
        _check_sizes("Fold", settings)
    except UserError:
        return settings
    columns = inputs["input"].shape[-1] if inputs["input"].ndim else 0
    if columns == 0 or _windows(settings, "output_size") == columns:
        return settings
    return {**settings, "output_size": _fitting(settings, columns)}


def _check_columns(settings: Settings, columns: int) -> None:
    size, kernel = settings["output_size"], settings["kernel_size"]
    windows = _windows(settings, "output_size")
    if windows == columns:
        return
    if windows == 0:
        raise UserError(
            f"Fold: kernel_size={kernel} does not fit output_size={size} with "
            f"padding={settings.get('padding', 0)} and dilation={settings.get('dilation', 1)}. "
            f"Use a larger output_size, such as {_fitting(settings, columns)}."
        )
    raise UserError(
        f"Fold: output_size={size} with kernel_size={kernel} has {windows} windows, but the input has {columns} "
        f"columns. Use an input of {windows} columns, or output_size={_fitting(settings, columns)}."
    )


def _windows(settings: Settings, name: str) -> int:
    """How many windows a plane of the named size has; 0 where none fits."""
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(per_dimension(settings[name], 2), *_geometry(settings), strict=True)
    ]
    return math.prod(counts) if min(counts) > 0 else 0


def _fitting(settings: Settings, columns: int) -> tuple[int, ...]:
    """The smallest output_size whose windows are `columns` in number, nearly as many down as across."""
    down = next(n for n in range(math.isqrt(columns), 0, -1) if columns % n == 0)
    counts = (down, columns // down)
    return tuple(
        max(1, (count - 1) * s + d * (k - 1) + 1 - 2 * p)
        for count, k, d, p, s in zip(counts, *_geometry(settings), strict=True)
    )


def _geometry(settings: Settings) -> list[tuple[int, ...]]:
    merged = {**_DEFAULTS, **settings}
    return [per_dimension(merged[name], 2) for name in ("kernel_size", "dilation", "padding", "stride")]


def _check_sizes(name: str, settings: Settings) -> None:
    for label, least in _LEAST.items():
        if label in settings and not _is_size(settings[label], least):
            raise UserError(
                f"{name}: {label} should be an integer of at least {least}, or two of them, "
                f"got {settings[label]!r}."
            )


def _is_size(value: object, least: int) -> bool:
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    return len(pair) == 2 and all(type(one) is int and one >= least for one in pair)
