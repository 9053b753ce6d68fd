"""The folder of a page's pictures: put in, known again by its manifest, and taken out when no page needs them.

A picture belongs to torchreel if the manifest lists it with these bytes. `pages` in the manifest are those that show
it, by their place relative to the folder; only what a page showed once is ever deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from torchreel.render import manifest, outputs

Entry = dict[str, Any]
FORMAT = "gif"


class Shelf:
    """The pictures in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = manifest.read(folder) if folder.is_dir() else {}

    def of_page(self, page: Path) -> dict[str, Entry]:
        """What the manifest says of the pictures of a page, by their names without suffix."""
        place = self._place(page)
        return {stem: entry for stem, entry in self.entries.items() if place in _pages(entry)}

    def is_whole(self, stem: str) -> bool:
        """Whether a picture is there as it was made."""
        file = self.entries.get(stem, {}).get("files", {}).get(FORMAT)
        return file is not None and outputs.is_same(
            self.folder / file["name"], file["bytes"], file.get("sha256")
        )

    def stranger(self, stem: str, file: Path) -> Path | None:
        """The file of somebody else's that stands where a picture will be, if it is another one."""
        target = self.folder / f"{stem}.{FORMAT}"
        return target if manifest.strangers([target]) and not _is_copy(target, file) else None

    def put(
        self, page: Path, made: Mapping[str, tuple[Path | None, Entry]], say: Callable[[str], None]
    ) -> None:
        """Have pictures for a page: each a file to take, or None for one that is there, and its entry."""
        if not made:
            return
        place, changed = self._place(page), dict[str, Entry]()
        outputs.prepare_folder(self.folder, "choose another one with --assets")
        for stem, (file, entry) in made.items():
            target = self.folder / f"{stem}.{FORMAT}"
            if file is not None and not _is_copy(target, file):
                outputs.write_whole(target, file.read_bytes())
            facts = {**entry["files"][FORMAT], "name": target.name, "bytes": target.stat().st_size}
            facts["sha256"] = outputs.digest(target)
            pages = sorted({*_pages(self.entries.get(stem, {})), place})
            changed[stem] = {**entry, "pages": pages, "files": {FORMAT: facts}}
        self._list(changed, say)

    def drop(self, page: Path, kept: Collection[str], say: Callable[[str], None]) -> None:
        """Delete what pages showed once and none shows now; `kept` is what this one shows."""
        place, changed = self._place(page), dict[str, Entry]()
        for stem, entry in self.entries.items():
            left = [one for one in _pages(entry) if (one != place or stem in kept) and self._is_there(one)]
            if left != _pages(entry):
                changed[stem] = {**entry, "pages": left}
                if not left:
                    self._delete(entry)
        self._list(changed, say)
        listed = self.folder / manifest.NAME
        if changed and not self.entries and {*self.folder.iterdir()} == {listed}:
            outputs.discard([listed])
            self.folder.rmdir()

    def _list(self, changed: Mapping[str, Entry], say: Callable[[str], None]) -> None:
        if any(self.entries.get(stem) != entry for stem, entry in changed.items()):
            manifest.merge(self.folder, dict(changed), say)
            self.entries = manifest.read(self.folder)

    def _delete(self, entry: Entry) -> None:
        for file in entry["files"].values():
            path = self.folder / file["name"]
            if outputs.is_same(path, file["bytes"], file.get("sha256")):
                outputs.discard([path])

    def _is_there(self, place: str) -> bool:
        return (self.folder.resolve() / place).exists()

    def _place(self, page: Path) -> str:
        return Path(os.path.relpath(page.resolve(), self.folder.resolve())).as_posix()


def _pages(entry: Entry) -> list[str]:
    pages = entry.get("pages", [])
    return [one for one in pages if isinstance(one, str)] if isinstance(pages, list) else []


def _is_copy(target: Path, file: Path) -> bool:
    return outputs.is_same(target, file.stat().st_size, outputs.digest(file))
