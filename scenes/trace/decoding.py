"""From a file's bytes to a tensor, each kind of file in its way. Nothing in a file is run.

What a file claims to hold is compared with what may be held before memory is taken for it.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.files import HELD, File, TooLargePicture, shown
from torchreel.scenes.trace.grammar import MAX_ELEMENTS, Refusal

_OVERHEAD = 1 << 20
_MOST_ENTRIES = 1000
_MOST_NAMES = 5
_ENTRY = b"PK\x01\x02"


def decode(file: File, limit: int) -> Tensor:
    """The tensor in a file, at most `limit` elements. Raises `Refusal` only, whatever foreign readers raise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _DECODERS[file.kind](file, limit)
    except Refusal:
        raise
    except TooLargePicture as error:
        raise Refusal(str(error)) from None
    except Exception as error:
        raise Refusal(f"the file is damaged or not what its name says ({type(error).__name__})") from error


def _npy(file: File, limit: int) -> Tensor:
    return _array(file.data, limit)


def _npz(file: File, limit: int) -> Tensor:
    with _archive(file) as archive:
        entries = archive.infolist()
        if len(entries) != 1:
            names = _named([entry.filename.removesuffix(".npy") for entry in entries])
            raise Refusal(f"it holds {len(entries)} arrays{names}; save one with np.save('x.npy', …)")
        if entries[0].file_size > 8 * limit + _OVERHEAD:
            raise Refusal(f"{entries[0].file_size} bytes are more than {limit} elements take")
        return _array(archive.read(entries[0]), limit)


def _array(data: bytes, limit: int) -> Tensor:
    shape, dtype = _header(data)
    if dtype.kind not in "biuf":
        raise Refusal("it should hold one array of real numbers")
    check_count(int(np.prod(shape, dtype=object)), limit)
    array = np.load(io.BytesIO(data), allow_pickle=False)
    fits = np.can_cast(array.dtype, np.int64)
    return torch.from_numpy(np.ascontiguousarray(array, np.int64 if fits else np.float64).reshape(shape))


def _header(data: bytes) -> tuple[tuple[int, ...], np.dtype]:
    stream = io.BytesIO(data)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    reader = readers.get(np.lib.format.read_magic(stream))
    if reader is None:
        raise Refusal("it should hold one array of real numbers")
    shape, _, dtype = reader(stream)
    return shape, dtype


def decode_state(file: File) -> dict[str, Tensor]:
    """The parameters and buffers in a file that `torch.save(module.state_dict(), …)` wrote. Raises `UserError`."""
    try:
        if file.kind != "pt":
            raise Refusal("it should be a .pt file")
        held = _loaded(file, MAX_ELEMENTS)
        if not isinstance(held, dict) or not all(isinstance(one, Tensor) for one in held.values()):
            raise Refusal(f"it holds a {type(held).__name__}")
        check_count(sum(tensor.numel() for tensor in held.values()), MAX_ELEMENTS)
        return {str(name): _dense(tensor) for name, tensor in held.items()}
    except Exception as error:
        why = str(error) if isinstance(error, Refusal) else f"it is damaged ({type(error).__name__})"
        raise UserError(
            f"Cannot read the state {shown(file)}: {why}. Save one with torch.save(module.state_dict(), 'weights.pt')."
        ) from None


def _pt(file: File, limit: int) -> Tensor:
    held = _loaded(file, limit)
    if not isinstance(held, Tensor):
        names = _named(list(held)) if isinstance(held, dict) else ""
        raise Refusal(f"it holds a {type(held).__name__}{names}; save one tensor with torch.save(x, …)")
    check_count(held.numel(), limit)
    return _dense(held)


def _loaded(file: File, limit: int) -> Any:
    size = len(file.data)
    if zipfile.is_zipfile(io.BytesIO(file.data)):
        with _archive(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    if size > 8 * limit + _OVERHEAD:
        raise Refusal(f"{size} bytes are more than {limit} elements take")
    return torch.load(io.BytesIO(file.data), map_location="cpu", weights_only=True)


def _dense(held: Tensor) -> Tensor:
    plain = held.layout == torch.strided and held.device.type == "cpu"
    if not plain or held.is_quantized or held.is_complex():
        raise Refusal(f"it should hold a dense tensor of real numbers, not {held.layout} {held.dtype}")
    return held.detach().clone()


def _archive(file: File) -> zipfile.ZipFile:
    if file.data.count(_ENTRY) > _MOST_ENTRIES:
        raise Refusal(f"it holds more than {_MOST_ENTRIES} things; save one array or tensor")
    return zipfile.ZipFile(io.BytesIO(file.data))


def _csv(file: File, limit: int) -> Tensor:
    """Rows of numbers as `(rows, columns)`, separated by commas, semicolons or spaces."""
    try:
        text = file.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("it is not a table of numbers as text") from None
    separator = next((sign for sign in (",", ";") if sign in text), None)
    check_count(text.count(separator) if separator else len(text.split(maxsplit=limit + 1)), limit)
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=separator, ndmin=2)
    except ValueError as error:
        why = str(error).split(";")[0].rstrip(".")
        raise Refusal(f"a table has rows of numbers, all equally long, and no heading: {why}") from None
    if not table.size:
        raise Refusal("it holds no numbers")
    check_count(table.size, limit)
    return torch.from_numpy(table)


def _picture(file: File, limit: int) -> Tensor:
    from torchreel.scenes.trace.pictures import pixels  # what is typed needs no reader of pictures

    image = torch.from_numpy(np.ascontiguousarray(pixels(file.data, limit, file.resize)))
    check_count(image.numel(), limit)
    return image[None]


_DECODERS: dict[str, Callable[[File, int], Tensor]] = {
    "npy": _npy,
    "npz": _npz,
    "pt": _pt,
    HELD: _pt,
    "csv": _csv,
    "picture": _picture,
}


def check_count(count: int, limit: int) -> None:
    """Refuse more elements than are allowed."""
    if count > limit:
        raise Refusal(f"{count} elements are more than {limit}")


def _named(names: list[object]) -> str:
    """` (weight, bias, …)`, the first few names of what a file holds."""
    few = [str(name)[:40] for name in names[:_MOST_NAMES]]
    return f" ({', '.join(few)}{', …' if len(names) > len(few) else ''})" if few else ""
