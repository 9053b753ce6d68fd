"""One clip to make: which call of which operator, in which words and colours, into which files.

A `Job` is data only. It can be named, hashed for the cache and sent to a worker without importing torch or Manim.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchreel.assets.examples import DEFAULT, Example
from torchreel.render.settings import View
from torchreel.scenes.trace.files import File, is_file, read_file

FORMATS = ("gif", "mp4", "png", "webp")
LEDGER = "json"


@dataclass(frozen=True)
class Output:
    """One media file of a clip: its format, its size in px and rate in frames per second, and a GIF's most colours.

    `loop` says how often a GIF plays, 0 for ever; `keyframes`, whether an MP4 can be stepped and cut at its captions.
    """

    format: str
    view: View
    colors: int | None = None
    loop: int = 0
    keyframes: bool = True

    def describe(self) -> str:
        """The output in words: `640x360, 20 fps, 64 colours`."""
        colors = f", {self.colors} colours" if self.colors else ""
        return f"{self.view.width}x{self.view.height}, {self.view.fps} fps{colors}"


@dataclass(frozen=True)
class Job:
    """One clip: an example, what the user changed of it, how it is shown, and the files to write into `folder`.

    `overrides` are constructor arguments in place of the example's, as the user typed them; `input_text` replaces the
    first input and `inputs` others by name, by an expression or a file, which is read when the job is made and not
    again; `call` are forward's further arguments, `state` a file of parameters, `train` the mode. `max_size` bounds the
    GIF's bytes, `max_memory` those that the call may take; `prove_all` has every element proved.
    """

    example: Example
    folder: Path
    outputs: tuple[Output, ...]
    lang: str = "zh"
    theme: str = "light"
    precision: int = 2
    seed: int = 0
    overrides: Mapping[str, str] = field(default_factory=dict)
    input_text: str | None = None
    max_size: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    call: Mapping[str, str] = field(default_factory=dict)
    state: File | None = None
    train: bool | None = None
    max_memory: int | None = None
    prove_all: bool = False

    def __post_init__(self) -> None:
        if self.input_text is not None:
            object.__setattr__(self, "input_text", _read(self.input_text))
        inputs = {name: _read(text) for name, text in self.inputs.items()}
        object.__setattr__(self, "inputs", inputs)

    @property
    def label(self) -> str:
        """The clip as the user names it: `Conv2d` or `Conv2d:stride`."""
        name = self.example.name
        return self.example.operator if name == DEFAULT else f"{self.example.operator}:{name}"

    @property
    def stem(self) -> str:
        """The file name without its suffix; a clip the user changed never takes the plain example's name."""
        parts = [self.example.operator]
        if self.example.name != DEFAULT:
            parts.append(self.example.name)
        if self.is_changed:
            parts.append(f"set-{self._change_digest()}")
        return f"{'-'.join(parts)}.{self.lang}.{self.theme}"

    @property
    def is_changed(self) -> bool:
        """Whether the tensors shown are not the example's own."""
        return self.seed != 0 or any(self._own().values())

    def path(self, suffix: str) -> Path:
        """The final place of one of the clip's files."""
        return self.folder / f"{self.stem}.{suffix}"

    @property
    def ledger_view(self) -> View:
        """The view whose pixels the ledger's boxes are in: the largest one written."""
        return max((output.view for output in self.outputs), key=lambda view: (view.width, view.fps))

    def change(self) -> dict[str, Any]:
        """What the user changed, in a form that does not depend on spelling: input files count by their bytes."""
        own = self._own()
        kept = {name: own.pop(name) for name in ("set", "input")}
        return {**kept, "seed": self.seed, **{name: value for name, value in own.items() if value}}

    @property
    def call_key(self) -> str:
        """A text that is the same for jobs that show the same tensors, in whatever words and colours."""
        return repr((self.example, self.change(), *["proved whole"][: self.prove_all]))

    @property
    def remark(self) -> str:
        """What the user should know of how the inputs were read; mostly nothing."""
        given = (self.input_text, *self.inputs.values())
        return ", ".join(text.remark for text in given if isinstance(text, File) and text.remark)

    def _own(self) -> dict[str, Any]:
        """All but the seed that the user changed, by the names that digests know it by."""
        return {
            "set": _canonical(self.overrides),
            "input": None if self.input_text is None else _key(self.input_text),
            "inputs": _canonical(self.inputs),
            "call": _canonical(self.call),
            "state": None if self.state is None else self.state.key,
            "mode": {True: "train", False: "eval", None: None}[self.train],
        }

    def _change_digest(self) -> str:
        return hashlib.sha256(json.dumps(self.change(), sort_keys=True).encode()).hexdigest()[:6]


def _read(text: str) -> str:
    return read_file(text) if not isinstance(text, File) and is_file(text) else text


def _canonical(given: Mapping[str, str]) -> dict[str, str | None]:
    return {name: _key(text) for name, text in sorted(given.items())}


def _key(text: str) -> str | None:
    return text.key if isinstance(text, File) else canonical(text)


def canonical(text: str | None) -> str | None:
    """A literal without its spacing and quoting."""
    if text is None:
        return None
    try:
        return ast.dump(ast.parse(text.strip(), mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text.strip()
