"""What a user gives: tensors as text, `.npy`, `.pt` or picture files, and values of settings. Nothing is run."""

from __future__ import annotations

import ast
import math
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.grammar import GRAMMAR, MAX_ELEMENTS, Refusal, as_tensor, evaluate, parse

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_MAX_LITERAL = 1000
_OVERHEAD = 1 << 20
_BARE = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_WORDS = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "inf": math.inf,
    "nan": math.nan,
}


def read_input(
    source: str | Path | list[Any] | float,
    dtype: torch.dtype | None = torch.float32,
    seed: int = 0,
    limit: int = MAX_ELEMENTS,
) -> Tensor:
    """The tensor that a text, a nested list or a file gives, as `dtype` (None keeps the type it has).

    Text is read by `scenes.grammar`; random numbers are those of `torch.manual_seed(seed)`. A `.npy` file is read
    without pickles, a `.pt` file holds one plain tensor; a picture gives `(1, C, H, W)` in 0 to 1, C = 1 for grey and
    3 for colour, without its transparency. Anything else, and more than `limit` elements, is a `UserError`.
    """
    try:
        return _as_dtype(_read(source, seed, limit), dtype)
    except Refusal as refusal:
        why = " ".join(str(refusal).split())
        raise UserError(
            f"Cannot read the input {_shown(source)}: {why}. Give {GRAMMAR}; or a .npy, .pt or picture file."
        ) from None


def read_literal(text: str) -> Any:
    """The Python value of a setting: a number, a bool, None, a string, or a tuple or list of these.

    `2,1` is a tuple; a single word such as `reflect` is a string without quotes. Raises `UserError`.
    """
    bare = text.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    try:
        if len(bare) <= _MAX_LITERAL and _BARE.fullmatch(bare):
            return bare
        return _literal(parse(bare, _MAX_LITERAL))
    except (Refusal, RecursionError):
        raise UserError(
            f"Cannot read the value {_shown(text)}. Give a number, True, False, None, a word or 'text', "
            "or several in a tuple (1, 2) or a list [1, 2]."
        ) from None


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | bool() | str() | float() as value):
            return value
        case ast.Constant(value=int(value)) if abs(value) < 1 << 63:
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _literal(operand)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value if isinstance(sign, ast.USub) else value
        case ast.Tuple(elts=items):
            return tuple(map(_literal, items))
        case ast.List(elts=items):
            return list(map(_literal, items))
        case ast.Name(id=name) if name in _WORDS:
            return _WORDS[name]
    raise Refusal("not a literal")


def _read(source: Any, seed: int, limit: int) -> Tensor:
    if not isinstance(source, (str, Path)):
        return as_tensor(source)
    reader = _READERS.get(Path(source).suffix.lower()) if len(str(source)) < 4096 else None
    if reader is not None:
        return _read_file(Path(source), reader, limit)
    if isinstance(source, Path):
        raise Refusal(f"{source.suffix or 'no suffix'} is not a kind of file that can be read")
    return evaluate(source, seed, limit)


def _read_file(path: Path, reader: Callable[[Path, int], Tensor], limit: int) -> Tensor:
    """Readers of foreign formats raise whatever they like on a damaged file, so all of it is caught here."""
    try:
        if not path.is_file():
            raise Refusal("there is no such file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(path, limit)
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(f"the file is damaged or not what its name says ({type(error).__name__})") from error


def _read_npy(path: Path, limit: int) -> Tensor:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise Refusal("a .npy file should hold one array of real numbers")
    _check_count(array.size, limit)
    fits = np.can_cast(array.dtype, np.int64)
    return torch.from_numpy(array.astype(np.int64 if fits else np.float64))


def _read_pt(path: Path, limit: int) -> Tensor:
    size = _unpacked_bytes(path)
    if size > 8 * limit + _OVERHEAD:
        raise Refusal(f"{size} bytes are more than {limit} elements take")
    tensor = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(tensor, Tensor):
        raise Refusal(f"it holds a {type(tensor).__name__}; save one tensor with torch.save(x, …)")
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_quantized or tensor.is_complex():
        kind = f"{tensor.layout} {tensor.dtype}"
        raise Refusal(f"a .pt file should hold a dense tensor of real numbers, not {kind}")
    _check_count(tensor.numel(), limit)
    return tensor.detach().clone()


def _unpacked_bytes(path: Path) -> int:
    if not zipfile.is_zipfile(path):
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _read_picture(path: Path, limit: int) -> Tensor:
    properties = iio.improps(path, plugin="pillow", index=0)
    _check_count(math.prod(properties.shape), limit)
    mode = str(iio.immeta(path, plugin="pillow", index=0)["mode"])
    deep = mode.startswith("I")
    grey = mode in ("1", "L", "LA")
    pixels = iio.imread(path, plugin="pillow", index=0, mode=None if deep else "L" if grey else "RGB")
    image = torch.from_numpy(pixels.astype(np.float64)) / (65535 if deep else 255)
    return (image[None] if image.ndim == 2 else image.permute(2, 0, 1))[None].contiguous()


_READERS: dict[str, Callable[[Path, int], Tensor]] = {
    ".npy": _read_npy,
    ".pt": _read_pt,
    **dict.fromkeys(_PICTURES, _read_picture),
}


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise Refusal(f"{count} elements are more than {limit}")


def _as_dtype(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or tensor.dtype == dtype:
        return tensor
    converted = tensor.to(dtype)
    rounds = tensor.is_floating_point() and not dtype.is_floating_point
    if rounds and not torch.equal(converted.to(tensor), tensor):
        raise Refusal("whole numbers are needed here")
    return converted


def _shown(source: Any) -> str:
    text = str(source)
    return repr(text if len(text) <= 60 else text[:57] + "…")
