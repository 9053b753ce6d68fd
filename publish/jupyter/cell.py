"""`%%torchreel`: the calls of a cell are recorded while it runs, and their clips stand below."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.assets.examples import examples, unknown_operator
from torchreel.publish.recorded import Gathered, Gathering, same_chances
from torchreel.render.endings import ending, is_debugging
from torchreel.render.explain import Look
from torchreel.render.reel import Reel, one_of_each, record
from torchreel.render.sizes import read_size
from torchreel.render.streams import say
from torchreel.scenes.record.calls import RecordedCall

LINE = "line"


class Cell:
    """A cell that is run now: its calls are recorded, and shown when it has ended, whatever became of it.

    `every` is `"line"`, the first call of a class or function at each line of code, or as in `Reel.select`.
    """

    def __init__(
        self,
        shell: Any,
        *,
        every: str,
        most: int,
        only: Sequence[str],
        lang: str,
        theme: str,
        precision: int,
        max_memory: str | None,
        prove: str,
    ) -> None:
        for name in only:
            if name not in examples():
                raise UserError(unknown_operator(name, examples()))
        if max_memory is not None:
            read_size(max_memory, "--max-memory ")
        look = Look.read(lang, theme, precision)
        self._shell, self._every, self._most, self._only = shell, every, most, only
        self._options = {"precision": precision, "prove_all": prove == "all"}
        self._gathering = Gathering(look.lang, look.theme, only, most)
        self._watch = record(max_memory=max_memory or "1GB", once=every == LINE)
        self._cells_inside = 0

    def run(self, source: str) -> None:
        """Record what is to come; a `source` that is not blank is the whole of it, and run here."""
        self._reel = self._watch.__enter__()
        if source.strip():
            try:
                self._shell.run_cell(source)
            finally:
                self._show()
            return
        self._shell.events.register("pre_execute", self._enter)
        self._shell.events.register("post_execute", self._leave)

    def _enter(self) -> None:
        """The cell runs another one, as `%run` does with a notebook."""
        self._cells_inside += 1

    def _leave(self) -> None:
        if self._cells_inside:
            self._cells_inside -= 1
            return
        self._shell.events.unregister("pre_execute", self._enter)
        self._shell.events.unregister("post_execute", self._leave)
        self._show()

    def _show(self) -> None:
        self._watch.__exit__(None, None, None)
        try:
            calls = [call for call in self._reel.calls if not call.inside]
            chosen = calls if self._every == LINE else one_of_each(calls, self._every)
            found = self._gathering.take(self._reel, chosen, **self._options)
            for one in found.clips:
                _display(one.clip)
            for text in self._notes(found, self._reel):
                say(text)
        except (Exception, KeyboardInterrupt) as error:
            tell(error)

    def _notes(self, found: Gathered, reel: Reel) -> Iterator[str]:
        """What is to be known of the clips, and of what has none."""
        for one in found.clips:
            if one.call.times > 1:
                yield f"note: {one.call.name}{_place(one.call)} was called {one.call.times} times; this is the first."
            yield from (f"note: {note}" for note in one.clip.notes)
        yield from (f"not drawn: {why}" for why in found.skipped)
        if found.over:
            calls = f"{found.over} further call{'s' * (found.over > 1)}"
            yield f"not drawn: {calls}, since --most is {self._most}."
        if not (found.clips or found.skipped or found.over):
            yield f"note: no call of {' or '.join(self._only) or 'torch.nn'} was made in this cell."
        yield from (f"note: {note}" for note in reel.notes)


def tell(error: BaseException) -> None:
    """Say what went wrong, in a line; with the traceback for whoever looks for a defect."""
    if is_debugging():
        traceback.print_exception(error)
    say(f"torchreel: {ending(error)[1]}", err=True)


def _display(clip: Any) -> None:
    """Show a clip; what cannot be drawn is an error here, while IPython would print it and go on."""
    from IPython.display import display

    with same_chances():
        shown, said = clip._repr_mimebundle_()
    display(shown, metadata=said, raw=True)


def _place(call: RecordedCall) -> str:
    """The line of code that made a call, as a reader finds it."""
    if call.site is None:
        return ""
    function = call.site.function
    return f" in line {call.site.line}{'' if function.startswith('<') else f' of {function}'}"
