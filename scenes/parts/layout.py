"""Room on the stage: a board says what its stations need and how they stand to each other, and gets their places.

    figure = in_row({
        "input": Room(3, 3, texts, name="input (1, 1, 3, 3)"),
        "sign": Room(wide=0.5),
        "results": in_column({"weight": Room(2, 2, texts), "output": Room(2, 2, texts)}, lined=True),
    })
    placed = fill(STAGE, figure, same=[("input", "weight")])
    desk.grid("input", lead, placed["input"].cells, placed["input"].at[0])

Cells grow together, none at the cost of another, until nothing has room to grow; whoever can still grow goes on alone.
"""  # fmt: skip

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from manim import VGroup

from torchreel.scenes.parts.fitting import Fit
from torchreel.scenes.parts.rooms import LABEL, STAGE, Area, Mosaic, Part, Placed, Room
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.text import Text

__all__ = ["STAGE", "Area", "Mosaic", "Placed", "Room", "fill", "in_column", "in_row", "outlines"]

_SCALES = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2)


def in_row(parts: Mapping[str, Part], gap: tuple[float, float] = (0.34, 1.1), lined: bool = False) -> Mosaic:
    """Side by side; `lined` for rows that belong together from left to right."""
    return Mosaic([list(parts)], parts, gap, (False, lined))


def in_column(
    parts: Mapping[str, Part], gap: tuple[float, float] = (0.2, 0.6), lined: bool = False
) -> Mosaic:
    """One below another; `lined` for columns that belong together, such as a result under its cause."""
    return Mosaic([[name] for name in parts], parts, gap, (lined, False))


def fill(area: Area, figure: Mosaic, same: Iterable[Sequence[str]] = ()) -> dict[str, Placed]:
    """The places of all stations of a figure in the middle of an area, each as large as the others let it be.

    `same` names stations whose cells are alike because they are multiplied with one another. Raises ValueError where
    what has a fixed size does not fit.
    """
    alike = [list(names) for names in same]
    for scale in _SCALES:
        found = Fit(area, figure, alike, scale)
        if found.is_filled:
            break
    return found.stand()


def outlines(placed: Mapping[str, Placed], color: str = "#cf222e") -> VGroup:
    """To look at a layout: the area and the block of each station, and its name."""
    group = VGroup()
    for name, one in placed.items():
        for area, width in ((one.area, 1.0), (one.block, 2.5)):
            group.add(Box(area.width, area.height, area.middle, stroke=color, stroke_width=width))
        group.add(Text(name, LABEL, color, "mono").place(one.block.middle))
    return group
