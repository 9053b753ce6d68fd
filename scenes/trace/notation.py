"""The symbols of a textbook for the tensors of a trace, declared once for each.

    spelled(trace, "output = Σ input·weight")   ->  y = Σ x·w, each symbol knowing its tensor
    head(trace, "output", (0, 0, 1, 2))         ->  y_{1,2}

A symbol is markup: `x`, `μ`, `σ²`, `h_{t-1}`. An operator declares those of its own tensors beside the common ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Trace

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
_LETTER = re.compile(r"[A-Za-z\u0370-\u03ffŷℓ]\u0302?[²′]?")
_MARKS = re.compile(r"(?:[_^]\{[^{}]*\})*")


def spelled(trace: Trace, text: str) -> list[Token]:
    """A formula in the names of tensors, as pieces in their symbols; words that name no tensor stay."""
    pieces, end = [], 0
    for word in _NAME.finditer(text):
        if word.start() < end or word[0] not in trace.tensors or text[word.end() : word.end() + 1] == "(":
            continue
        after = next(_MARKS.finditer(text, word.end()))
        marks = after[0] if after.start() == word.end() else ""
        pieces += [Token(text[end : word.start()]), Token(trace.symbol(word[0]) + marks, word[0])]
        end = word.end() + len(marks)
    return [piece for piece in [*pieces, Token(text[end:])] if piece.text]


def head(trace: Trace, tensor: str, index: Sequence[object]) -> Token:
    """A tensor's symbol with the place of one element, numbers or letters; leading axes of size 1 are not counted.

    A symbol that is more than a letter, such as `h_{t}` or `‖u‖`, takes no further index.
    """
    symbol = trace.symbol(tensor)
    place = _place(trace.shape(tensor), index)
    if not place or not _LETTER.fullmatch(symbol):
        return Token(symbol, tensor)
    return Token(f"{symbol}_{{{','.join(map(str, place))}}}", tensor)


def _place(shape: Sequence[int], index: Sequence[object]) -> Sequence[object]:
    leading = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    return index[leading:]


def respelled(trace: Trace, tokens: Sequence[Token]) -> Iterator[Token]:
    """A formula's pieces with every name of a tensor as its symbol."""
    for token in tokens:
        yield from spelled(trace, token.text) if token.tensor is None else [token]
