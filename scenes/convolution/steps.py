"""Which steps of the trace a convolution's story is about, and how formulas and captions say them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.words import (
    convolution_law,
    direct,
    products,
    without_zeros,
)
from torchreel.scenes.parts.places import Place as Located
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.views import Place
from torchreel.scenes.stage.left_out import Size, left_out
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_TRIED = 64


class WindowSteps(OperatorScene):
    """What a clip of windows speaks of, as long as there is a board with windows."""

    _board: ConvolutionBoard | None = None

    def law(self) -> Sequence[Token]:
        if self._board is None:
            return super().law()
        return convolution_law(self.trace, self.board.size, self.board.names)

    @property
    def board(self) -> ConvolutionBoard:
        """What stands on stage, once the convolution has begun."""
        assert self._board is not None
        return self._board

    def figure(self) -> Step | None:
        return None if self._board is None else self._step(*self._chosen)

    @cached_property
    def _chosen(self) -> tuple[int, Place]:
        """An element with much to add up: on the rim where there is padding, inside where there is none."""
        board, size = self.board, self.board.size
        out = board.outs[-1]
        cells = list(board.outputs[out].positions())[:_MOST_TRIED]

        def merit(number: int) -> tuple[bool, bool, int, int, int]:
            cell = cells[number]
            outside = any(
                not all(0 <= k < n for k, n in zip(at, size.plane, strict=True)) for at in size.taps(cell)
            )
            step = self._step(out, cell)
            added = sum(1 for value in products(step) if value)
            padded = any(board.cut.pad)
            # In the middle row at the right, where nothing stands between the window and the kernel.
            across = size.dims == 1
            middle = [abs(2 * k - n + 1) for k, n in zip(cell, board.cut.out, strict=True)]
            place = -sum(middle if across else middle[:-1])
            return outside == padded, step.value != 0, min(added, 4), place, cell[-1]

        return out, cells[max(range(len(cells)), key=merit)]

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """As it is, or without products of zero where the whole does not fit the bar."""
        tokens = super().formula_tokens(step, most)
        if any("…" in one.text for one in tokens) and (shorter := without_zeros(step)) is not None:
            tokens = super().formula_tokens(shorter, most)
        if step.tensor == "partial" and self._board is not None:
            channel = step.index[len(self.board.size.lead) + 1]
            tokens[0] = Token(f"s_{{{channel}}}", "partial")
        return [self._uncopied(token) for token in tokens]

    def _uncopied(self, token: Token) -> Token:
        """A value of the padded input as the input's element that it is, or as the 0 that it is."""
        if self._board is None or token.tensor != self.board.size.pad_mode or token.value is None:
            return token
        source = next(iter(self.trace.step(token.tensor, token.index).reads), None)
        return Token(token.text) if source is None else replace(token, tensor=source[0], index=source[1])

    def pointing_at(self, step: Step) -> Pointer | None:
        """The window and its lines stand already; the kernel and what else was added up are framed too."""
        if self._board is None:
            return super().pointing_at(step)
        places = Places(self.staged)
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        sources: dict[str, list[Located]] = {}
        for tensor, index in [*step.reads, *direct(step).reads]:
            key = {
                self.board.names.weight: f"weight {index[1 : max(2, len(index) - 2)]}",
                "bias": "bias",
                "partial": f"{index}",
            }.get(tensor)
            if key and (place := places[(tensor, index)]) is not None:
                sources.setdefault(key, []).append(place)
        return Pointer(self.look, target, sources)

    def values(self) -> dict[str, object]:
        if self._board is None:
            return super().values()
        size = self.board.size
        inside, outside = (" × ".join(map(str, size.spatial(one))) for one in (size.plane, size.out))
        return {
            "channels": size.per_group,
            "in_channels": size.channels,
            "groups": size.groups,
            "outs": size.outs,
            "per_kernel": size.outs_per_group,
            "kernel": " × ".join(map(str, size.spatial(size.kernel))),
            "weights": math.prod(size.kernel),
            "span": " × ".join(map(str, size.spatial(size.spread(size.kernel)))),
            "size": inside,
            "out_size": outside,
            "stride": self._setting("stride", size.spatial(size.stride)),
            "padding": self._setting("padding", size.spatial(size.pad[::2])),
            "dilation": self._setting("dilation", size.spatial(size.dilation)),
            "mode": size.pad_mode,
            "depth": size.kernel[0],
        }

    def _setting(self, name: str, values: Sequence[int]) -> str:
        """A setting as the reader wrote it, or one number where all axes have the same."""
        given = self.trace.kwargs.get(name)
        if isinstance(given, str):
            return given
        return str(values[0]) if len(set(values)) == 1 else str(tuple(values)).replace(" ", "")

    def _left_out(self, board: ConvolutionBoard) -> str:
        """What of a large call is drawn."""
        size, cut = board.size, board.cut
        counts: dict[str, tuple[Size, Size]] = {
            "cut_batch": (1, board.batch),
            "cut_plane": (size.spatial(cut.plane), size.spatial(size.plane)),
            "cut_kernel": (size.spatial(cut.kernel), size.spatial(size.kernel)),
            "cut_channels": (len(board.channels), size.channels),
            "cut_outs": (len(board.outs), size.outs),
        }
        return left_out(self, counts, [self.words("colours")] if board.is_heat else [])

    def _step(self, out: int, cell: Place) -> Step:
        """The step that explains an output element: channel by channel where their sums stand on stage."""
        step = self.trace.step(self.board.tensor("output"), self.board.index(out, cell))
        return step if self.board.sums_channels else direct(step)
