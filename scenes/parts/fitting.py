"""How large the cells of a figure are: they grow together until nothing has room, and what cannot fit is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torchreel.scenes.parts.extents import AXES, Extents
from torchreel.scenes.parts.frame import STAGE_BOTTOM, STAGE_TOP, WIDTH
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.rooms import BESIDE, NUMBER, Area, Mosaic, Placed

_LINE = 0.6
"""The most of a cell's height that a number is."""
_FLATTEST = 1.8
_SMALLEST = 0.1
_LARGEST_TEXT = 0.4
_FILLED = 0.6
_UNSEEN = (0.0, 0.15)
"""The air above names and below what is kept free below: a part of the height where nothing is drawn."""
_NEAR, _STEP, _HALVINGS = 1e-6, 1e-3, 26

Names = frozenset[str]


class Fit(Extents):
    """A figure fitted to an area. `scale` lets cells and numbers grow beyond what they are at most otherwise."""

    def __init__(self, area: Area, figure: Mosaic, same: Sequence[Sequence[str]], scale: float = 1.0) -> None:
        super().__init__(figure)
        self.area, self.scale, self.free = area, scale, (area.width, area.height)
        in_line = [list(figure.in_line(axis)) for axis in AXES]
        self.alike = [_joined(self.with_cells, [*same, *in_line[axis]]) for axis in AXES]
        self.bound = _joined(self.with_cells, [*same, *in_line[0], *in_line[1]])
        self.ems = {name: self.rooms[name].ems for name in self.with_cells}
        self.numbered = dict.fromkeys(self.with_cells, True)
        self._show_most(self.with_cells)
        self._shrink()
        self._cut_down()
        self._grow()

    @property
    def is_filled(self) -> bool:
        """Whether it is seen to take enough of the stage's width or height, or takes all there is."""
        stage = (WIDTH, STAGE_TOP - STAGE_BOTTOM)
        enough = (_FILLED * stage[axis] + _UNSEEN[axis] for axis in AXES)
        return any(
            self.length(axis) >= min(least, 0.99 * self.free[axis])
            for axis, least in zip(AXES, enough, strict=True)
        )

    def stand(self) -> dict[str, Placed]:
        """All stations at their places."""
        return self.places(self.area, {name: self._cells(name) for name in self.with_cells})

    def _cells(self, name: str) -> Cells:
        """The cells of a station; what belongs together has numbers of one size."""
        group = next(one for one in self.bound if name in one)
        size = min(self._text(one) for one in group) if self.numbered[name] else 0.0
        width, height = (sizes[name] for sizes in self.sizes)
        cols, rows = (shown[name] for shown in self.shown)
        return Cells(width, height, size, rows, cols)

    def _text(self, name: str) -> float:
        width, height = (sizes[name] for sizes in self.sizes)
        wide = min(width - BESIDE, max(NUMBER * self.ems[name], self.rooms[name].number * width))
        return min(_LARGEST_TEXT * self.scale, wide / self.ems[name], height * _LINE)

    # The least, and what gives way where even that is too much.

    def _show_most(self, names: Iterable[str]) -> None:
        for name in names:
            for axis in AXES:
                self.shown[axis][name] = min(
                    self.rooms[name].count(axis), int(self.free[axis] / _SMALLEST) + 1
                )

    def _shrink(self) -> None:
        """All cells as small as they may be, alike where they are."""
        for axis in AXES:
            for group in self.alike[axis]:
                self.sizes[axis].update(dict.fromkeys(group, max(self._least(name, axis) for name in group)))

    def _least(self, name: str, axis: int) -> float:
        if not self.numbered[name]:
            return _SMALLEST
        return NUMBER / _LINE if axis else NUMBER * self.ems[name] + BESIDE

    def _fits(self, axis: int) -> bool:
        return self.length(axis) <= self.free[axis] + _NEAR

    def _cut_down(self) -> None:
        while not all(map(self._fits, AXES)):
            axis = next(axis for axis in AXES if not self._fits(axis))
            if not (self._cut(axis, self._kept) or self._give_way(axis) or self._unname()):
                raise ValueError(
                    f"{', '.join(self.rooms)} need a {('width', 'height')[axis]} of {self.length(axis):.2f} at least "
                    f"where there is {self.free[axis]:.2f}: fewer planes or parts of a fixed size, or more room"
                )

    def _kept(self, name: str, axis: int) -> int:
        """How many columns or rows stay for the sake of numbers."""
        keep = self.rooms[name].keep
        return self.shown[axis][name] if keep is None or not self.numbered[name] else max(1, keep[1 - axis])

    def _give_way(self, axis: int) -> bool:
        """The longest planes give way: their numbers to colours, or one column or row of colours."""
        able = [name for name in self.with_cells if self.numbered[name] or self.shown[axis][name] > 1]
        if not able:
            return False
        longest = max(able, key=lambda name: self.block(name, axis))
        if not self.numbered[longest]:
            return self._cut(axis, lambda name, _: 1 if not self.numbered[name] else self.shown[axis][name])
        faded = next(group for group in self.bound if longest in group)
        self.numbered.update(dict.fromkeys(faded, False))
        self._show_most(faded)
        self._shrink()
        return True

    def _cut(self, axis: int, least: Callable[[str, int], int]) -> bool:
        """One column or row less of the planes where it helps most; alike planes are cut alike."""
        shown, together = self.shown[axis], dict[tuple[Names, int], list[str]]()
        for group in self.alike[axis]:
            for name in group:
                if shown[name] > least(name, axis):
                    together.setdefault((group, shown[name]), []).append(name)
        cuts = [{**shown, **{name: shown[name] - 1 for name in names}} for names in together.values()]
        if cuts:
            self.shown[axis] = min(cuts, key=lambda cut: self._cost(axis, shown, cut))
        return bool(cuts)

    def _cost(self, axis: int, shown: dict[str, int], cut: dict[str, int]) -> tuple[float, float]:
        """How long the figure would be, and that it is better to cut what is long."""
        longest = max(self.block(name, axis) for name in cut if cut[name] < shown[name])
        self.shown[axis] = cut
        length = self.length(axis)
        self.shown[axis] = shown
        return round(length, 6), -longest

    def _unname(self) -> bool:
        """Names no longer claim their width: whoever writes them makes them fit."""
        was, self.named = self.named, False
        return was

    # Growing.

    def _grow(self) -> None:
        """Squares first; then what is left of the width, and of the height, while cells keep a fair shape."""
        self._raise(self.bound, AXES, self._largest)
        for axis in (*AXES, *AXES):
            self._raise(self.alike[axis], (axis,), self._fair)

    def _largest(self, name: str, axis: int) -> float:
        return self.rooms[name].largest * self.scale

    def _fair(self, name: str, axis: int) -> float:
        """Numbers may have cells that are wider or higher, colours have squares."""
        ratio = 1.0 if not self.numbered[name] else self.rooms[name].tall if axis else _FLATTEST
        return min(self._largest(name, axis), ratio * self.sizes[1 - axis][name])

    def _raise(
        self, groups: Sequence[Names], axes: Sequence[int], limit: Callable[[str, int], float]
    ) -> None:
        """Groups grow at one pace, each until it has no room or is at its limit."""
        growing = [Growth(self, group, axes, limit) for group in groups]
        level, most = 0.0, max((one.most for one in growing), default=0.0)
        while growing:
            level = self._highest(growing, level, most)
            for one in growing:
                one.reach(level)
            free = [one for one in growing if level < one.most and self._reaches([one], level * (1 + _STEP))]
            growing = free if len(free) < len(growing) else []

    def _highest(self, growing: Sequence[Growth], low: float, high: float) -> float:
        """The highest level that fits, if `low` does."""
        if self._reaches(growing, high):
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._reaches(growing, middle) else (low, middle)
        return low

    def _reaches(self, growing: Sequence[Growth], level: float) -> bool:
        """Whether all would fit at a level."""
        kept = [dict(sizes) for sizes in self.sizes]
        for one in growing:
            one.reach(level)
        answer = all(map(self._fits, AXES))
        self.sizes = kept
        return answer


class Growth:
    """Planes that grow as one: from what they are, at the pace of their weight, up to a limit alike for alike cells."""

    def __init__(
        self, fit: Fit, group: Names, axes: Sequence[int], limit: Callable[[str, int], float]
    ) -> None:
        self.fit, self.weight = fit, max(fit.rooms[name].weight for name in group)
        self.ends: dict[tuple[int, str], tuple[float, float]] = {}
        for axis in axes:
            for alike in (one for one in fit.alike[axis] if one <= group):
                most = min(limit(name, axis) for name in alike)
                for name in alike:
                    self.ends[axis, name] = fit.sizes[axis][name], max(fit.sizes[axis][name], most)

    @property
    def most(self) -> float:
        """The level at which all are at their limits."""
        return max(most for _, most in self.ends.values()) / self.weight

    def reach(self, level: float) -> None:
        """All take the sizes of a level."""
        for (axis, name), (least, most) in self.ends.items():
            self.fit.sizes[axis][name] = max(least, min(level * self.weight, most))


def _joined(names: Iterable[str], sets: Iterable[Sequence[str]]) -> list[Names]:
    """All names in as many sets as they fall into where some belong together."""
    found = [frozenset({name}) for name in names]
    for together in map(set, sets):
        touched = [one for one in found if one & together]
        found = [one for one in found if one not in touched]
        found += [frozenset[str]().union(*touched)] if touched else []
    return found
