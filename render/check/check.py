"""`torchreel check`: what in a clip breaks a picture law or a layout rule, in words that say where and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from torchreel.assets.examples import Example, example
from torchreel.render.check.laws import LAWS
from torchreel.render.check.layout import broken, title_whole
from torchreel.render.check.stage import Show, proved, watch
from torchreel.scenes import catalogue
from torchreel.scenes.trace.proof import Trace

OF_EXAMPLES = ("default_numbers_are_plain",)
"""Laws that speak of the data that is shipped, not of a user's call."""


@dataclass(frozen=True)
class Breach:
    """One breach of a law: which clip and look, which law, and what is wrong where."""

    clip: str
    law: str
    message: str

    def __str__(self) -> str:
        return f"{self.clip}  {self.law}: {self.message}"


class Reading:
    """What was found in one clip: breaches by law and rule, and the facts of its timing and words."""

    def __init__(self, show: Show) -> None:
        self.broken = broken(show)
        self.breaches = {name: list(law(show)) for name, law in LAWS.items()}
        self.sections = list(show.scene.sections)
        self.duration = float(show.scene.time)
        self.alt = show.scene.alt

    def all(self) -> Iterator[tuple[str, str]]:
        """Every breach, with the law that is broken."""
        for name, messages in {**self.breaches, **self.broken}.items():
            yield from ((name, message) for message in messages)


@cache
def reading(operator: str, name: str, lang: str, theme: str) -> Reading:
    """The clip of one example, read once for all laws."""
    chosen = example(operator, name)
    return Reading(watch(chosen, proved(operator, name), lang, theme))


def check(chosen: Sequence[Example], langs: Sequence[str], themes: Sequence[str]) -> Iterator[Breach]:
    """The breaches of some examples in every language and theme asked for."""
    for one in chosen:
        for lang in langs:
            for look in themes:
                clip = f"{one.operator}:{one.name}.{lang}.{look}"
                found = reading(one.operator, one.name, lang, look)
                yield from (Breach(clip, law, message) for law, message in found.all())


def faults(
    operator: str,
    name: str = "default",
    changes: Mapping[str, Any] | None = None,
    text: str | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> list[str]:
    """What is wrong with the clip of any call: an example with other settings, another first input, or other inputs.

    All laws but those about shipped data, and not that the title is whole: the call of a user may be cut short.
    """
    chosen = example(operator, name)
    chosen = replace(chosen, inputs={**chosen.inputs, **(inputs or {})})
    return faults_of(catalogue.operator(operator).trace_example(chosen, changes, text), chosen)


def faults_of(trace: Trace, told: Example | None = None, lang: str = "en") -> list[str]:
    """What is wrong with the clip of a traced call, told in an example's words: by default its operator's first."""
    found = Reading(watch(told or example(trace.name), trace, lang, "light"))
    apart = {title_whole.__name__, *OF_EXAMPLES}
    return [f"{law}: {message}" for law, message in found.all() if law not in apart]
