"""What a conda file asks for, in conda's own terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlproj import yaml_document
from mlproj.environments.base import Declaration
from mlproj.environments.conda import channels
from mlproj.environments.conda_file import Reader, items, parsed
from mlproj.environments.draft import Draft
from mlproj.environments.requirements import Requirements
from mlproj.errors import InvalidProject, Place
from mlproj.yaml_document import Document

_CHANNEL = re.compile(r"\s*([^\s=<>!~|,\[\]]+)::")


@dataclass(frozen=True)
class Asked:
    """Addresses of channels, the first one preferred; requirements for rattler's solver; and what pip is to install besides.

    ``explicit`` are addresses of packages, of a file that locks them; nothing is solved then.
    """

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    pip: Requirements
    explicit: tuple[str, ...] = ()
    python: str | None = None


def is_native(declaration: Declaration) -> bool:
    """Whether the file is conda's: some projects name another kind of file as ``conda_env``."""
    if declaration.file is None:
        return False
    if declaration.file.suffix.lower() == ".txt":
        return _is_explicit(declaration.file)
    from mlproj.environments import declaration as reading

    document = yaml_document.load(declaration.file, remembered=True)
    return isinstance(document.value, dict) and reading.kind_of(document.value) != "python_env"


def read(path: Path) -> Asked:
    """What the file at *path* asks for. Raises InvalidProject."""
    if path.suffix.lower() == ".txt":
        return _explicit(path)
    draft = Draft()
    document = yaml_document.load(path, remembered=True)
    draft.add_file(path)
    reader = _Native(draft, document, path)
    reader.channels = _channels(document, path.parent)
    reader.read()
    if not reader.channels:
        reader.channels = [channels.address("conda-forge", path.parent)]
        draft.note("the file names no channel; conda-forge is used")
    return Asked(tuple(reader.channels), tuple(reader.specs), draft.finish(), python=reader.python)


@dataclass
class _Native(Reader):
    """Keeps conda's packages as they are."""

    channels: list[str] = field(default_factory=list)
    specs: list[str] = field(default_factory=list)
    python: str | None = None

    def conda(self, text: str, place: Place) -> None:
        """One of conda's packages, in the words that rattler takes."""
        if not text.strip():
            return self.draft.warn(f"{place}: this list item is empty")
        spec = parsed(text, place)
        if spec.name == "python":
            self.python = spec.version
        spelled = " ".join(filter(None, (spec.name, spec.version or ("*" if spec.build else None), spec.build)))
        named = _CHANNEL.match(text)
        if named:
            address = channels.address(named[1].partition("/")[0] if "://" not in named[1] else named[1], self.path.parent)
            if address not in self.channels:
                self.channels.append(address)
            spelled = f"{address}::{spelled}"
        if spelled not in self.specs:
            self.specs.append(spelled)
        return None

    def finish(self) -> None:
        """Nothing is left to be decided: the solver does."""


def _channels(document: Document, folder: Path) -> list[str]:
    found: list[str] = []
    for index, item in enumerate(items(document, ("channels",))):
        place = document.place("channels", index)
        if not isinstance(item, str) or not item.strip():
            raise InvalidProject("a channel must be a name or an address", place=place, hint="write conda-forge, or https://host/channel")
        for name in channels.members(item.strip()):
            address = channels.address(name, folder, place)
            if address not in found:
                found.append(address)
    return found


def _is_explicit(path: Path) -> bool:
    try:
        return "@EXPLICIT" in path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return False


def _explicit(path: Path) -> Asked:
    draft = Draft()
    draft.add_file(path)
    lines = [(number, line.strip()) for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)]
    addresses = []
    for number, line in lines:
        if not line or line.startswith("#") or line == "@EXPLICIT":
            continue
        if not re.match(r"(https?|file)://\S+\.(conda|tar\.bz2)(#\S*)?$", line):
            message = f"{line[:80]!r} is no address of a conda package"
            raise InvalidProject(message, place=Place(str(path), number, 1), hint="expected https://…/name-version-build.conda#hash")
        addresses.append(line)
    return Asked((), (), draft.finish(), explicit=tuple(addresses))


def shown(value: Any) -> str:
    """A specification without the credentials of its channel."""
    return channels.shown(str(value))
