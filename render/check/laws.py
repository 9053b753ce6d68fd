"""The picture laws, each a function from a clip to what breaks it, with the second and what to do.

The numbers are those of docs/laws.md. What can be seen on a stage alone is in `layout`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from torchreel.render.check.stage import Bounds, Piece, Show, Stage
from torchreel.scenes.parts.places import Element, Place, Places
from torchreel.scenes.stage.bars import EDGE, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.stage.beats import FORMULA, reading_time
from torchreel.scenes.stage.scene import Said
from torchreel.scenes.trace.proof import Step

MOST_CAPTIONS = 6
LONGEST_CAPTION, LONGEST_FIRST = {"en": 60, "zh": 26}, {"en": 45, "zh": 20}
SHORTEST_CLIP, LONGEST_CLIP = 8.0, 30.0
CELL_MARGIN = 8 / 800 * 2 * EDGE
FILLED = 0.6
FUNCTIONS = frozenset(
    """max min exp log ln abs sign sqrt tanh erf cos acos softplus logsumexp log1p expm1 mean var std sum ReLU clip
    round floor ceil mod if and or else median norm NaN""".split()  # noqa: SIM905
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_]+")
_MOST_READ, _MOST_PARTS = 64, 2000

Law = Callable[[Show], Iterator[str]]


def captions_are_read(show: Show) -> Iterator[str]:
    """1. Every caption stands as long as it takes to read, and there are few and short ones."""
    lang, said = show.scene.request.lang, _of(show, "caption")
    ends = [one.time for one in said[1:]] + [float(show.scene.time)]
    for number, (one, end) in enumerate(zip(said, ends, strict=True)):
        need, stands = reading_time(one.text, lang), end - one.time
        if stands < need - 0.051:
            yield f"{one.time:.1f} s: the caption {one.text!r} stands {stands:.1f} s and needs {need:.1f} s"
        most = LONGEST_FIRST[lang] if number == 0 else LONGEST_CAPTION[lang]
        if len(one.text) > most:
            yield (
                f"{one.time:.1f} s: the caption {one.text!r} has {len(one.text)} characters, at most {most}; "
                "what does not fit becomes a label on the stage, or goes"
            )
    if len(said) > MOST_CAPTIONS:
        yield f"{len(said)} captions, at most {MOST_CAPTIONS}: sweeps and further elements keep the last one"


def lasts_as_it_should(show: Show) -> Iterator[str]:
    """1. A clip lasts 8 to 30 s."""
    seconds = float(show.scene.time)
    if not SHORTEST_CLIP - 0.05 <= seconds <= LONGEST_CLIP + 0.05:
        yield f"the clip lasts {seconds:.1f} s, expected {SHORTEST_CLIP:g} to {LONGEST_CLIP:g} s"


def one_thing_at_a_time(show: Show) -> Iterator[str]:
    """2. Caption and formula never change in the same moment, and a formula with numbers stands 1.2 s."""
    said = show.scene.said
    for one in said:
        if one.kind == "numbers" and any(
            other.kind == "caption" and abs(other.time - one.time) < 0.05 for other in said
        ):
            yield f"{one.time:.1f} s: the formula {one.text!r} changes together with the caption"
    bar = [one for one in said if one.kind != "caption"]
    ends = [one.time for one in bar[1:]] + [float(show.scene.time)]
    for one, end in zip(bar, ends, strict=True):
        if one.kind == "numbers" and end - one.time < FORMULA - 0.051:
            yield f"{one.time:.1f} s: the formula {one.text!r} stands {end - one.time:.1f} s, at least {FORMULA} s"


def frames_mark_the_focus(show: Show) -> Iterator[str]:
    """3. At the end of every beat that explains an element, its cell is framed, and no frame marks anything else."""
    for stage in show.stages:
        if stage.section.focus is None:
            continue
        frames = [piece.bounds for piece in stage.pieces if _is_frame(piece, show)]
        if not frames:
            continue
        places = stage.places
        target = places[stage.section.focus]
        if target is not None and not any(_holds(frame, target) for frame in frames):
            yield f"{stage.section.end:.1f} s: {_name(stage.section.focus)} is explained and not framed"
        yield from _stray(stage, frames, places, show)


def formula_is_of_the_focus(show: Show) -> Iterator[str]:
    """3. Numbers in the bar belong to the element that is explained, to a part of it, or to what it is a part of."""
    for stage in show.stages:
        focus, computed = stage.section.focus, stage.section.computed
        if focus is None or computed is None:
            continue
        parts = _closure(show, focus)
        if not (
            computed in parts or focus in _closure(show, computed) or _is_made_of(show, parts, [computed])
        ):
            yield (
                f"{stage.section.end:.1f} s: the formula is of {_name(computed)} while {_name(focus)} is explained"
            )


def _stray(stage: Stage, frames: list[Bounds], places: Places, show: Show) -> Iterator[str]:
    focus = stage.section.focus
    assert focus is not None
    named = {*_closure(show, focus), *show.scene.selects(*focus)}
    related = [place for one in named for place in places.everywhere(one)]
    drawn = places.all()
    for frame in frames:
        inside = [one for one, place in drawn.items() if _holds(frame, place, 0.0)]
        if (
            inside
            and not any(_holds(frame, place, 0.0) for place in related)
            and not _leads_to(show, focus, inside)
            and not _is_made_of(show, _closure(show, focus), inside)
        ):
            yield (
                f"{stage.section.end:.1f} s: a frame marks {_name(inside[0])} while {_name(focus)} is explained"
            )


def first_frame_says_what_this_is(show: Show) -> Iterator[str]:
    """4. The law stands in the formula bar from the first frame."""
    bar = [one for one in show.scene.said if one.kind != "caption"]
    if show.scene.has_values() and (not bar or bar[0].time > 0.05 or not bar[0].text.strip()):
        yield "0.0 s: the formula bar is empty; the story's law() says what is computed"


def last_frame_is_the_figure(show: Show) -> Iterator[str]:
    """5. The last frame explains one element: framed, with its formula in the bar."""
    scene = show.scene
    if not scene.has_values():
        return
    step = scene.figure()
    if step is None:
        yield "the story names no element for the last frame: figure()"
        return
    bar = [one for one in scene.said if one.kind != "caption"]
    if not bar or bar[-1].kind != "numbers":
        yield f"{scene.time:.1f} s: the last frame has no formula with numbers"
    if not any(_is_frame(piece, show) for piece in show.stages[-1].pieces):
        yield f"{scene.time:.1f} s: {_name((step.tensor, step.index))} is not drawn, so nothing is framed"


def formulas_speak_as_textbooks(show: Show) -> Iterator[str]:
    """6. No name of the program in the bar, and no term twice."""
    for one in show.scene.said:
        if one.kind == "caption":
            continue
        for word in dict.fromkeys(_WORD.findall(re.sub(r"[_^]\{[^{}]*\}", "", one.text))):
            if word not in FUNCTIONS:
                yield f"{one.time:.1f} s: the formula {one.text!r} says {word!r}: declare a symbol for it"
        sides = [side.strip() for side in re.split("[=≈]", one.text)]
        if any(a == b and a for a, b in pairwise(sides)):
            yield f"{one.time:.1f} s: the formula {one.text!r} says the same twice"


def default_numbers_are_plain(show: Show) -> Iterator[str]:
    """7. Inputs and parameters of an example have at most two decimals, unless it is the handbook's own."""
    scene = show.scene
    if scene.example.name == "handbook" or scene.request.trace.seed:
        return
    for name in scene.trace.tensors:
        known = scene.trace.range(name)
        if scene.trace.role(name) != "result" and known.decimals > 2:
            yield f"{name} has numbers that nobody adds up in the head: take integers, halves or quarters"


def cells_have_room(show: Show) -> Iterator[str]:
    """10. A cell is at least 8 px (at 800 px) wider than its number."""
    for stage in show.stages[-1:]:
        for grid in stage.grids:
            for cell, number in grid.numbers.items():
                wide = float(np.ptp(number.points[:, 0])) if len(number.points) else 0.0
                if wide > grid.cells.width - CELL_MARGIN + 1e-3:
                    yield (
                        f"{grid.tensor}{list(grid.index(cell))}: {number.text!r} leaves "
                        f"{(grid.cells.width - wide) / CELL_MARGIN * 8:.0f} px of its cell, at least 8"
                    )
                    break


def stage_is_used(show: Show) -> Iterator[str]:
    """10. What is drawn fills at least 60 % of the stage's width or height; nothing to compute needs no figure."""
    pieces = [piece.bounds for piece in show.stages[-1].pieces if piece.zone == "stage"]
    if not pieces or not show.scene.has_values():
        return
    left, bottom = (min(box[k] for box in pieces) for k in (0, 1))
    right, top = (max(box[k] for box in pieces) for k in (2, 3))
    wide, high = (right - left) / (2 * EDGE), (top - bottom) / (STAGE_TOP - STAGE_BOTTOM)
    if max(wide, high) < FILLED:
        yield f"the figure fills {wide:.0%} of the stage's width and {high:.0%} of its height, one of them 60 %"


LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        captions_are_read,
        lasts_as_it_should,
        one_thing_at_a_time,
        frames_mark_the_focus,
        formula_is_of_the_focus,
        first_frame_says_what_this_is,
        last_frame_is_the_figure,
        formulas_speak_as_textbooks,
        default_numbers_are_plain,
        cells_have_room,
        stage_is_used,
    )
}


def _leads_to(show: Show, focus: Element, marked: list[Element]) -> bool:
    """Whether what a frame marks is made of the element in focus."""
    return any(focus in _closure(show, one) for one in marked[:_MOST_READ])


def _is_made_of(show: Show, parts: set[Element], marked: list[Element]) -> bool:
    """Whether what a frame marks, such as a product, is made of nothing but what the element in focus is made of."""
    made = ({*_closure(show, one)} - {one} for one in marked[:_MOST_READ])
    return any(own and own <= parts for own in made)


def _of(show: Show, kind: str) -> list[Said]:
    return [one for one in show.scene.said if one.kind == kind]


def _name(element: Element) -> str:
    return f"{element[0]}{list(element[1])}"


def _is_frame(piece: Piece, show: Show) -> bool:
    """A closed outline in the accent colour, on the stage; an open one is a way that leads somewhere."""
    accent = show.scene.look.theme.accent
    is_outline = _is_closed(piece.mobject.points) and piece.stroke_opacity > 0.5 and piece.stroke == accent
    left, bottom, right, top = piece.bounds
    return piece.zone == "stage" and is_outline and right - left > 0.12 and top - bottom > 0.12


def _is_closed(path: np.ndarray) -> bool:
    """Whether a path ends where it began, or is made of several that do, as round cells that lie apart."""
    if not len(path):
        return False
    ends, starts = path[3:-1:4], path[4::4]
    cuts = np.flatnonzero(np.abs(ends - starts).max(axis=1) > 1e-6) + 1
    firsts, lasts = path[[0, *(cuts * 4)]], path[[*(cuts * 4 - 1), -1]]
    return bool(np.allclose(firsts, lasts, atol=1e-6))


def _holds(frame: Bounds, place: Place, slack: float = 0.12) -> bool:
    """Whether the middle of a place lies inside a frame that is not much larger all round."""
    x, y = (place.left + place.right) / 2, (place.bottom + place.top) / 2
    return frame[0] - slack <= x <= frame[2] + slack and frame[1] - slack <= y <= frame[3] + slack


def _closure(show: Show, focus: Element) -> set[Element]:
    """An element with everything that it was made of, the nearest first; of very much, what is near.

    The last picture may tell its element in another way than the rules: what that reads belongs to it too.
    """
    trace, found, waiting = show.scene.trace, {focus}, deque([focus])
    figure = show.scene.figure()
    if figure is not None and (figure.tensor, figure.index) == focus:
        waiting.extend(one for one in _reads(figure) if one != focus)
        found.update(waiting)
    ruled = {rule.tensor for rule in trace.rules}
    while waiting and len(found) < _MOST_PARTS:
        tensor, index = waiting.popleft()
        if tensor not in ruled or trace.rule(tensor).over is not None:
            continue
        for one in list(_reads(trace.step(tensor, index))):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _reads(step: Step) -> Iterator[Element]:
    """What a step reads; of very many terms the first and the last, and all that stands beside them."""
    return step.shortened(_MOST_READ * 16).reads
