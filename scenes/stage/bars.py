"""The fixed zones around the stage: title, formula, caption and progress.

Frame coordinates (scene units): the frame is 14.22 x 8; the stage lies between y = 3.28 and y = -2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from manim import VGroup

from torchreel.scenes.parts.frame import EDGE, HEIGHT, MARGIN, STAGE_BOTTOM, STAGE_TOP, WIDTH
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape, box_points, polyline
from torchreel.scenes.parts.text import Text, fit, measure, wrap
from torchreel.scenes.trace.formula import Token

FORMULA_EDGE = -3.16
FORMULA_Y, CAPTION_Y = (STAGE_BOTTOM + FORMULA_EDGE) / 2, -3.54
FORMULA_TEXT, LEAST_FORMULA = 0.34, 0.24
CAPTION_TEXT, LEAST_CAPTION = 0.34, 0.25


class TitleBar(VGroup):
    """The operator's name in the chosen language, and the constructor call with the arguments that matter in accent."""

    def __init__(self, look: Look, title: str, call: Sequence[tuple[str, bool]]) -> None:
        theme = look.theme
        middle = (STAGE_TOP + HEIGHT / 2) / 2
        height = HEIGHT / 2 - STAGE_TOP
        bar = Box(WIDTH, height, (0, middle), fill=theme.bar)
        line = Shape(polyline([(-EDGE, STAGE_TOP), (EDGE, STAGE_TOP)]), stroke=theme.line, stroke_width=1.2)
        name = Text(title, 0.32, theme.text, "bold").place((-EDGE + MARGIN, middle), align="left")
        super().__init__(bar, line, name)
        left = -EDGE + MARGIN + measure(title, 0.32, "bold") + 0.3
        whole = "".join(text for text, _ in call)
        size = fit(whole, EDGE - MARGIN - left, 0.26, MIN_TEXT, "mono")
        for text, focus in shorten(call, EDGE - MARGIN - left, size):
            color = theme.accent if focus else theme.muted
            self.add(Text(text, size, color, "mono").place((left, middle), align="left"))
            left += measure(text, size, "mono")


def shorten(call: Sequence[tuple[str, bool]], room: float, size: float) -> list[tuple[str, bool]]:
    """Pieces of a call that fit `room`: what comes last gives way to an ellipsis."""
    kept: list[tuple[str, bool]] = []
    used = 0.0
    ellipsis = measure("…)", size, "mono")
    whole = sum(measure(text, size, "mono") for text, _ in call)
    if whole <= room + 1e-6:
        return [piece for piece in call if piece[0]]
    for text, focus in call:
        used += measure(text, size, "mono")
        if used + ellipsis > room:
            return [*kept, ("…)", False)]
        kept.append((text, focus))
    return kept


class FormulaBar(VGroup):
    """The strip under the stage: one formula, its symbols and numbers in the colours of the cells they come from."""

    def __init__(self, look: Look) -> None:
        self.look = look
        middle = (STAGE_BOTTOM + FORMULA_EDGE) / 2
        super().__init__(Box(WIDTH, STAGE_BOTTOM - FORMULA_EDGE, (0, middle), fill=look.theme.bar))

    def row(self, tokens: Sequence[Token], ink: Callable[[Token], str]) -> VGroup:
        """A formula as objects, left-aligned and as large as fits; `ink` is the colour of a piece."""
        size = max(LEAST_FORMULA, min(FORMULA_TEXT, LEAST_FORMULA / max(1e-6, self.width(tokens))))
        row, left = VGroup(), -EDGE + MARGIN
        for token in merge(tokens):
            if token.text.strip():
                row.add(
                    _piece(token, size, ink(token)).place(
                        (left, FORMULA_Y - 0.1), align="left", vertical="baseline"
                    )
                )
            left += _width(token, size)
        return row

    def width(self, tokens: Sequence[Token]) -> float:
        """How much of the bar a formula takes at the smallest size, as a share of the room there is."""
        return sum(_width(token, LEAST_FORMULA) for token in merge(tokens)) / (WIDTH - 2 * MARGIN)


def _piece(token: Token, size: float, color: str) -> MathText | Number:
    if token.tensor is None or token.value is None:
        return MathText(token.text, size, color)
    return Number(token.text, token.tensor, token.index, token.value, size, color)


def _width(token: Token, size: float) -> float:
    if token.tensor is None or token.value is None:
        return width(token.text, size)
    return measure(token.text, size)


def merge(tokens: Sequence[Token]) -> list[Token]:
    """Neighbouring plain texts as one piece."""
    merged: list[Token] = []
    for token in tokens:
        if merged and token.tensor is None and merged[-1].tensor is None:
            merged[-1] = Token(merged[-1].text + token.text)
        else:
            merged.append(token)
    return merged


def caption_row(look: Look, text: str) -> VGroup:
    """The caption: one sentence on one line, or on two smaller ones if it is long."""
    theme = look.theme
    room = WIDTH - 2 * MARGIN
    size = fit(text, room, CAPTION_TEXT, LEAST_CAPTION, "sans")
    left = -EDGE + MARGIN
    if measure(text, size, "sans") <= room:
        return VGroup(Text(text, size, theme.text, "sans").place((left, CAPTION_Y), align="left"))
    lines = wrap(text, room, LEAST_CAPTION, "sans")
    return VGroup(
        *(
            Text(line, LEAST_CAPTION, theme.text, "sans").place(
                (left, CAPTION_Y + 0.16 - 0.31 * number), align="left"
            )
            for number, line in enumerate(lines[:2])
        )
    )


def progress_points(share: float) -> np.ndarray:
    """The path of the progress line at the frame's bottom edge, for a share of 0 to 1."""
    width = max(1e-3, WIDTH * share)
    return box_points(width, 0.05, (-EDGE + width / 2, -HEIGHT / 2 + 0.025))
