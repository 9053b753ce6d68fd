"""The layout rules of a clip, each a function from a stage to the places where it is broken.

Distances are scene units (90 to a px-width of 1280). A rule yields messages that name texts and their boxes in px.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from torchreel.assets.themes import contrast
from torchreel.render.check.stage import Around, Bounds, Piece, Show, Stage
from torchreel.scenes.parts.number import Number
from torchreel.scenes.stage.bars import EDGE, STAGE_BOTTOM, STAGE_TOP

HAIR = 0.012
"""About one px at 1280: boxes that touch by less do not overlap."""
SMALLEST = 12 / 800 * 2 * EDGE
SMALLEST_NUMBER = 13 / 800 * 2 * EDGE
CONTRAST = 4.5
_OPAQUE = 0.9
_LINE = 0.15
_TINT = 0.5

StageRule = Callable[[Stage], Iterator[str]]
TextRule = Callable[[Around, str], Iterator[str]]
Answers = dict[tuple[TextRule, Around], list[str]]
Rule = Callable[[Stage, Answers], Iterator[str]]


def texts_inside(stage: Stage) -> Iterator[str]:
    """Every text stands wholly inside its zone."""
    for text in stage.texts:
        zone = stage.zones["caption" if text.zone == "bar" else text.zone]
        if not _within(text.bounds, zone, 0.002):
            yield f"{text} leaves the {text.zone} zone"


def shapes_inside(stage: Stage) -> Iterator[str]:
    """Whatever stands on the stage stays out of the bars and off the frame's edge."""
    zone = (-EDGE + 0.05, STAGE_BOTTOM, EDGE - 0.05, STAGE_TOP)
    for piece in stage.pieces:
        if piece.zone == "stage" and not piece.is_text and not _within(piece.bounds, zone, 0.002):
            yield f"{piece} leaves the stage"


def no_overlap(stage: Stage) -> Iterator[str]:
    """No two texts overlap; a text drawn exactly over itself is one text."""
    texts = stage.texts
    boxes = np.array([text.bounds for text in texts])
    for a, b in _meeting(boxes, HAIR):
        first, second = texts[a], texts[b]
        if first.mobject.text != second.mobject.text or np.abs(boxes[a] - boxes[b]).max() > 0.001:
            yield f"{first} overlaps {second}"


def large_enough(stage: Stage) -> Iterator[str]:
    """No label is smaller than 12 px, no number smaller than 13 px, at 800 px width."""
    for text in stage.texts:
        least = SMALLEST_NUMBER if isinstance(text.mobject, Number) else SMALLEST
        if text.em < least - 1e-3:
            yield f"{text} is {text.em / SMALLEST * 12:.1f} px at 800 px"


def readable(around: Around, background: str) -> Iterator[str]:
    """Every text has a contrast of at least 4.5:1 to what lies below its middle and its ends."""
    text = around.text
    left, bottom, right, top = text.bounds
    for x in (left, (left + right) / 2, right):
        ink, below = around.colors(background, np.array((x, (bottom + top) / 2)))
        ratio = contrast(ink, below)
        if ratio < CONTRAST - 0.005 and not around.again:
            yield f"{text} in {ink} on {below}: contrast {ratio:.2f}"
            return


def inside_cells(around: Around, background: str) -> Iterator[str]:
    """A text in a cell, box or circle does not reach over its edge."""
    cell = _cell(around)
    if cell is not None and not _within(around.text.bounds, cell.bounds, 0.0):
        yield f"{around.text} exceeds its {cell}"


def nothing_across(around: Around, background: str) -> Iterator[str]:
    """No line or edge runs through a text, and nothing covers one."""
    text, cell = around.text, _cell(around)
    for number, piece in enumerate(around.under):
        if piece is not cell and _edge_seen(piece, text, around.under[number + 1 :], background):
            yield f"{text} is crossed by {piece}"
    for piece in () if around.again else around.over:
        if _covers(piece, text):
            yield f"{text} is covered by {piece}"
        elif _edge_seen(piece, text, (), background):
            yield f"{text} is crossed by {piece}"


def caption_whole(stage: Stage) -> Iterator[str]:
    """The caption says its sentence to the end, on at most two lines."""
    lines = [text.mobject.text for text in stage.texts if text.zone == "caption"]
    said = stage.section.caption[stage.lang]
    if _solid("".join(lines)) != _solid(said):
        yield f"the caption shows {lines} of {said!r}"
    if len(lines) > 2:
        yield f"the caption has {len(lines)} lines"


def title_whole(stage: Stage) -> Iterator[str]:
    """The constructor call in the title is not cut short."""
    for text in stage.texts:
        if text.zone == "title" and text.mobject.text.startswith("…"):
            yield f"the call is cut short at {text}"


def _each_text(rule: TextRule) -> Rule:
    """A rule for one text and its surroundings as a rule for whole stages; what stays the same is asked once."""

    def whole(stage: Stage, answers: Answers) -> Iterator[str]:
        for around in stage.surroundings:
            key = (rule, around)
            if key not in answers:
                answers[key] = list(rule(around, stage.background))
            yield from answers[key]

    return whole


def _each_stage(rule: StageRule) -> Rule:
    return lambda stage, answers: rule(stage)


RULES: dict[str, Rule] = {
    **{
        rule.__name__: _each_stage(rule)
        for rule in (texts_inside, shapes_inside, no_overlap, large_enough, caption_whole, title_whole)
    },
    **{rule.__name__: _each_text(rule) for rule in (readable, inside_cells, nothing_across)},
}


MOVING: dict[str, Rule] = {
    **{rule.__name__: _each_stage(rule) for rule in (shapes_inside, no_overlap)},
    **{rule.__name__: _each_text(rule) for rule in (nothing_across,)},
}
"""The rules that hold in mid-flight too."""


def broken(show: Show) -> dict[str, list[str]]:
    """What is broken in a clip, by rule: at the end of every beat, and while things are on their way."""
    found = {name: list(_collect(rule, show.stages)) for name, rule in RULES.items()}
    for name, rule in MOVING.items():
        found[name] += [f"in flight, {said}" for said in _collect(rule, show.glimpses)]
    return found


def _collect(rule: Rule, stages: Sequence[Stage]) -> Iterator[str]:
    """A rule's messages, each with the first beat it holds for and how many more."""
    found: dict[str, list[Stage]] = {}
    answers: Answers = {}
    for stage in stages:
        for message in dict.fromkeys(rule(stage, answers)):
            found.setdefault(message, []).append(stage)
    for message, where in found.items():
        first = where[0]
        more = f", and {len(where) - 1} more" if len(where) > 1 else ""
        yield f"beat {first.number} {first.section.name!r} ({first.section.end:.1f} s{more}): {message}"


def _cell(around: Around) -> Piece | None:
    """The topmost filled shape under a text's middle."""
    left, bottom, right, top = around.text.bounds
    at = np.array([[(left + right) / 2, (bottom + top) / 2]])
    filled = (piece for piece in reversed(around.under) if piece.fill_opacity)
    return next((piece for piece in filled if piece.outline.contains(at)[0]), None)


def _covers(piece: Piece, text: Piece) -> bool:
    """Whether a filled shape lies over some part of a text."""
    if piece.fill_opacity < _TINT:
        return False
    left, bottom, right, top = _shrunk(text.bounds)
    grid = np.array([(x, y) for x in np.linspace(left, right, 5) for y in np.linspace(bottom, top, 3)])
    return bool(piece.outline.contains(grid).any())


def _edge_seen(piece: Piece, text: Piece, between: tuple[Piece, ...], background: str) -> bool:
    """Whether a piece's edge is seen inside a text's box, past whatever is drawn between them."""
    plain = piece.stroke_opacity < _LINE
    if plain and (piece.fill_opacity < _LINE or contrast(piece.fill, background) < 1.05):
        return False
    left, bottom, right, top = _shrunk(text.bounds)
    trail = piece.outline.trail
    x, y = trail.T
    inside = trail[(left < x) & (x < right) & (bottom < y) & (y < top)]
    for above in between:
        if len(inside) and above.fill_opacity > _OPAQUE:
            inside = inside[~above.outline.contains(inside)]
    return bool(len(inside))


def _meeting(boxes: np.ndarray, hair: float) -> Iterator[tuple[int, int]]:
    """Pairs of boxes (n, 4) that overlap by more than a hair both ways."""
    if len(boxes) < 2:
        return
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.minimum(high, high.swapaxes(0, 1)) - np.maximum(low, low.swapaxes(0, 1))
    found = np.argwhere(np.triu((shared > hair).all(axis=2), 1))
    yield from ((int(a), int(b)) for a, b in found)


def _within(inner: Bounds, outer: Bounds, slack: float) -> bool:
    return all(inner[k] >= outer[k] - slack and inner[k + 2] <= outer[k + 2] + slack for k in (0, 1))


def _shrunk(bounds: Bounds) -> Bounds:
    left, bottom, right, top = bounds
    return (left + HAIR, bottom + HAIR, right - HAIR, top - HAIR)


def _solid(text: str) -> str:
    return "".join(text.split())
