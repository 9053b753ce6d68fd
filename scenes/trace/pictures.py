"""Pictures as numbers: upright, by the type of their pixels, and not larger than asked for. No torch here."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps

from torchreel.scenes.trace.files import Size, TooLargePicture

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

_GREY = ("1", "L", "LA", "La")
_MOST_PIXELS = 1 << 26
_BITS, _SAMPLE_FORMAT, _SIGNED = 258, 339, 2


def pixels(data: bytes, limit: int, resize: Size | None = None) -> np.ndarray:
    """The first frame of a picture as float64 `(C, H, W)`, C = 1 for grey and 3 for colour, without transparency.

    Whole numbers are divided by the largest one of their type, which gives 0 to 1 (-1 to 1 for signed ones); floats
    stay as they are. A photo lies as its EXIF orientation says. More than `limit` numbers: `TooLargePicture`.
    """
    with _opened(data) as image:
        if resize is not None:
            # A large JPEG is decoded at a fraction of its size, but still at twice what is asked for.
            image.draft(image.mode, (2 * max(resize), 2 * max(resize)))
        _check_size(image, limit, resize)
        upright = ImageOps.exif_transpose(image)
        plain = _plain(upright, _largest(image))
        if resize is not None:
            # Bilinear weights are not negative, so no value leaves the range of those it was made of.
            plain = plain.resize(_fitted(plain.size, resize), Image.Resampling.BILINEAR)
        values = np.asarray(plain, dtype=np.float64) / (1 if plain.mode == "F" else 255)
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def is_moving(data: bytes) -> bool:
    """Whether a picture has more than one frame; a damaged one has none."""
    try:
        with _opened(data) as image:
            return bool(getattr(image, "is_animated", False)) and image.format in ("GIF", "WEBP", "PNG")
    except Exception:
        return False


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.DecompressionBombError:
            raise TooLargePicture("it has too many pixels; make it smaller first") from None
        with image:
            yield image


def _check_size(image: Image.Image, limit: int, resize: Size | None) -> None:
    width, height = image.size
    if resize is not None and width * height > _MOST_PIXELS:
        raise TooLargePicture(f"{width}x{height} px are more than can be resized; make it smaller first")
    channels = 1 if image.mode in _GREY or image.mode[0] in "IF" else 3
    count = width * height * channels
    if resize is None and count > limit:
        raise TooLargePicture(
            f"{width}x{height} px, {count} elements are more than {limit}; --resize 64 makes it smaller"
        )


def _plain(image: Image.Image, largest: float) -> Image.Image:
    """A picture of 8-bit grey, 8-bit colour or floats."""
    if image.mode == "F":
        return image
    if image.mode[0] != "I":
        return image.convert("L" if image.mode in _GREY else "RGB")
    values = np.asarray(image)
    if values.dtype == np.int32 and largest > np.iinfo(np.int32).max:
        values = values.view(np.uint32)
    return Image.fromarray((values / largest).astype(np.float32))


def _largest(image: Image.Image) -> float:
    """The largest number that pixels of whole numbers can have: PNG and PPM have 16 bits, TIFF says how many."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 65535
    bits = int(tags.get(_BITS, (16,))[0])
    is_signed = int(tags.get(_SAMPLE_FORMAT, (1,))[0]) == _SIGNED
    return float((1 << (bits - is_signed)) - 1)


def _fitted(size: tuple[int, int], resize: Size) -> tuple[int, int]:
    if len(resize) == 2:
        return resize[0], resize[1]
    longer = max(size)
    width, height = (max(1, round(side * resize[0] / longer)) for side in size)
    return width, height
