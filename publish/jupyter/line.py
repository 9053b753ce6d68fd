"""`%torchreel`: a clip of an example, of a call as typed, or of a module and tensors that the notebook has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.publish.recorded import same_chances
from torchreel.render import explaining, plan
from torchreel.render.explain import Clip, Look, clip_of, clip_of_job
from torchreel.render.streams import say
from torchreel.scenes import own
from torchreel.scenes.trace.inputs import held

_PATH = re.compile(r"([A-Za-z_]\w*)(\.[A-Za-z_]\w*|\[[^\[\]]*\])*", re.ASCII)
_OF_EXAMPLES = ("settings", "call", "resize")
_OPTIONS = {"settings": "--set", "call": "--call", "resize": "--resize"}


def clip(
    what: str,
    names: Mapping[str, Any],
    *,
    lang: str,
    theme: str,
    precision: int,
    input_text: Sequence[str],
    **asked: Any,
) -> Clip:
    """The clip that a line asks for, by the options of `torchreel render` and `torchreel explain`.

    `names` are those that the notebook has: `what` may be a module or function among them, and inputs may be tensors,
    by a name or by what is found from it, such as `net.conv1` or `x[:1]`. Raises `UserError`.
    """
    inputs = [_input(text, names) for text in input_text]
    with same_chances():
        look = Look.read(lang, theme, precision)
        mine = _value(what, names)
        is_held = callable(mine) and not isinstance(mine, type)
        if not (is_held or "." in what or "(" in what):
            made = _example(what, look, input_text=inputs, **asked)
        else:
            call = _call(what, inputs, **asked)
            made = clip_of(own.held(mine, call) if is_held else own.typed(call), *look)
    for note in made.notes:
        say(f"note: {note}")
    return made


def _example(what: str, look: Look, **asked: Any) -> Clip:
    looks: dict[str, Any] = {"langs": (look.lang,), "themes": (look.theme,), "precision": look.precision}
    planned = plan.jobs((what,), formats=("gif",), folder=Path(), **looks, **asked)
    if len(planned) > 1:
        raise UserError(f"%torchreel shows one clip: name one example, such as {planned[1].label}.")
    return clip_of_job(planned[0])


def _call(what: str, inputs: Sequence[plan.NamedInput], **asked: Any) -> own.Asked:
    for name in _OF_EXAMPLES:
        if asked.pop(name):
            raise UserError(
                f"{_OPTIONS[name]} changes an example, such as Conv2d; {what} is a call of your own: change it there."
            )
    call = explaining.read(what, input_text=inputs, **asked)
    if call.is_file:
        raise UserError(
            f"{what}: import it, and put %%torchreel over the cell that calls it, or see torchreel.record."
        )
    return call


def _input(text: str, names: Mapping[str, Any]) -> plan.NamedInput:
    """An input as typed, by its name in forward; what the notebook has is taken as it is."""
    name, given = plan.named_input(text)
    value = _value(given, names)
    return (name, given) if value is None else (name, held(given, value))


def _value(text: str, names: Mapping[str, Any]) -> Any:
    """What the notebook has under a name, or what is found from it; None where the text is no such thing."""
    match = _PATH.fullmatch(text.strip())
    if match is None or match[1] not in names or isinstance(names[match[1]], ModuleType):
        return None
    try:
        return eval(text, {}, dict(names))
    except Exception as error:
        raise UserError(f"{text}: {type(error).__name__}: {error}") from error
