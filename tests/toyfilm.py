"""A film of plain colours with three captions, and its ledger: what slides are made of, without a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from torchreel.publish.slides.deck import Told
from torchreel.render.encoders.mp4 import Mp4Encoder
from torchreel.render.settings import View

VIEW = View(160, 90, 10)
STARTS = (0.0, 0.7, 1.5)
FRAMES = 24


def grey(frame: int) -> int:
    """The one grey of a frame's picture, by which it is known again."""
    return 20 + 9 * frame


def film(path: Path, starts: tuple[float, ...] = STARTS) -> Path:
    """The film, with a keyframe at each of `starts`."""
    encoder = Mp4Encoder(lambda: starts)
    encoder.start(path, VIEW)
    for frame in range(FRAMES):
        picture = np.full((VIEW.height, VIEW.width, 4), grey(frame), np.uint8)
        encoder.frame(picture, [VIEW.whole], 1)
    encoder.stop(True)
    return path


def step(start: float, end: float, number: int) -> dict[str, Any]:
    words = {"zh": f"第 {number} 步</script>", "en": f"Step {number} </script>"}
    shown = {"text": str(number), "box": [10.0, 10.0, 20.0, 20.0]}
    return {
        "start": start,
        "end": end,
        "caption": words,
        "formula": f"y_{{{number},0}} = {number}",
        "numbers": [shown],
    }


def told(folder: Path, operator: str = "Conv2d", lang: str = "en", title: str = "Toy") -> Told:
    """A finished clip of the film."""
    ends = (*STARTS[1:], FRAMES / VIEW.fps)
    ledger = {
        "operator": operator,
        "title": {"zh": "玩具", "en": title},
        "call": f"nn.{operator}(1)",
        "lang": lang,
        "theme": "dark",
        "size": {"width": VIEW.width, "height": VIEW.height},
        "duration": FRAMES / VIEW.fps,
        "alt": {"zh": "整段动画。", "en": "The whole clip."},
        "steps": [step(*times, number) for number, times in enumerate(zip(STARTS, ends, strict=True), 1)],
    }
    return Told(operator, film(folder / f"{operator}.mp4"), ledger)
