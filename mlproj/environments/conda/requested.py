"""What a conda file asks for, in conda's own terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlproj import yaml_document
from mlproj.environments.base import Declaration
from mlproj.environments.conda import channels, lock_files
from mlproj.environments.conda.credentials import Credentials
from mlproj.environments.conda.locked import EXPLICIT, PIP
from mlproj.environments.declarations import declaration, requirements_file, text_file
from mlproj.environments.declarations.conda_file import Reader, items, parsed
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.redaction import mask_channel

_CHANNEL = re.compile(r"\s*([^\s=<>!~|,\[\]]+)::")
_PACKAGE = re.compile(r"(https?|file)://[^\s/]*/\S+/[\w-]+/[^\s/]+\.(conda|tar\.bz2)(#\S*)?")


@dataclass(frozen=True)
class Requested:
    """Addresses of channels, the first one preferred; requirements for rattler's solver; and what pip is to install
    besides.

    ``explicit`` are addresses of packages, of a file that locks them; nothing is solved then. What was secret in any
    address is in ``credentials`` and nowhere else.
    """

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    pip: Requirements
    explicit: tuple[str, ...] = ()
    python: str | None = None
    credentials: Credentials = field(default_factory=Credentials, repr=False)

    @property
    def has_pip(self) -> bool:
        """Whether pip is to install anything."""
        return bool(self.pip.packages or self.pip.editables)


def is_native(declared: Declaration) -> bool:
    """Whether the file is conda's: some projects name another kind of file as ``conda_env``."""
    if declared.file is None:
        return False
    if declared.file.suffix.lower() == ".txt":
        return is_explicit(declared.file)
    if declared.file.name in lock_files.NAMES:
        return True
    if declared.file.suffix.lower() == ".toml":
        from mlproj.environments.declarations import pixi_file

        return pixi_file.is_one(declared.file)
    document = yaml_document.load(declared.file, remembered=True)
    return isinstance(document.value, dict) and declaration.kind_of(document.value) != "python_env"


def is_explicit(path: Path) -> bool:
    """Whether the file lists packages by address. Raises InvalidProject when it cannot be read."""
    return path.suffix.lower() == ".txt" and EXPLICIT in text_file.load(path).splitlines()


def read(path: Path, folder: Path | None = None) -> Requested:
    """What the file at *path* asks for; what a lock names by a relative path is in *folder*. Raises InvalidProject."""
    if path.name in lock_files.NAMES:
        return _explicit(path, folder or path.parent, [EXPLICIT, *lock_files.explicit(path)])
    if path.suffix.lower() == ".txt":
        return _explicit(path, folder or path.parent, text_file.load(path).splitlines())
    draft = Draft()
    reader = _of_pixi(draft, path) if path.suffix.lower() == ".toml" else _of_yaml(draft, path)
    declaration.add_sources_beside(draft, path.parent)
    return Requested(
        tuple(reader.channels),
        tuple(reader.specs),
        draft.finish(),
        python=reader.python,
        credentials=reader.credentials,
    )


def _of_yaml(draft: Draft, path: Path) -> _Native:
    document = yaml_document.load(path, remembered=True)
    draft.add_file(path)
    draft.tell(*document.findings)
    reader = _Native(draft, document, path)
    reader.name_channels()
    reader.read()
    return reader


def _of_pixi(draft: Draft, path: Path) -> _Native:
    from mlproj.environments.declarations import pixi_file  # with the readers of TOML, which other files do not need

    manifest = pixi_file.load(path)
    reader = _Native(draft, yaml_document.parse("{}", str(path)), path)
    reader.add_channels(pixi_file.channels(manifest))
    pixi_file.read_into(draft, manifest, reader)
    return reader


@dataclass
class _Native(Reader):
    """Keeps conda's packages as they are."""

    channels: list[str] = field(default_factory=list)
    specs: list[str] = field(default_factory=list)
    python: str | None = None
    credentials: Credentials = field(default_factory=Credentials)

    def name_channels(self) -> None:
        """Read the list of channels."""
        self.add_channels(self._named_channels())

    def _named_channels(self) -> Iterator[tuple[str, Place]]:
        for index, item in enumerate(items(self.document, ("channels",))):
            place = self.document.place("channels", index)
            if not isinstance(item, str) or not item.strip():
                raise InvalidProject(
                    "a channel must be a name or an address",
                    place=place,
                    hint="write conda-forge, or https://host/channel",
                )
            yield item.strip(), place

    def add_channels(self, named: Iterable[tuple[str, Place]]) -> None:
        """Ask the channels that are *named*, the first one preferred; conda-forge where none is."""
        for name, place in named:
            self._add_channel(name, place)
        if not self.channels:
            self._add_channel("conda-forge", None)
            self.draft.note("the file names no channel; conda-forge is used")

    def _add_channel(self, name: str, place: Place | None) -> list[str]:
        found = [self.credentials.taken_from(one) for one in channels.addresses(name, self.path.parent, place)]
        self.channels += [one for one in found if one not in self.channels]
        return found

    def conda(self, text: str, place: Place) -> None:
        """One of conda's packages, in the words that rattler takes."""
        if not text.strip():
            return self.draft.warn("this list item is empty", place)
        named = _CHANNEL.match(text)
        spec = parsed(text[named.end() :] if named else text, place)
        if spec.name == "python":
            self.python = spec.version
        spelled = " ".join(filter(None, (spec.name, spec.version or ("*" if spec.build else None), spec.build)))
        if named:
            # Of a name for several channels (defaults) the first has to have it: rattler takes one.
            spelled = "".join(f"{address}::" for address in self._add_channel(named[1], place)[:1]) + spelled
        if spelled not in self.specs:
            self.specs.append(spelled)
        return None

    def finish(self) -> None:
        """Nothing is left to be decided: the solver does."""


def _explicit(path: Path, folder: Path, lines: list[str]) -> Requested:
    draft = Draft()
    draft.add_file(path)
    credentials = Credentials()
    addresses = []
    for number, line in enumerate(lines, start=1):
        line, place = line.strip(), Place(str(path), number, 1)
        if line.startswith(PIP):
            requirements_file.add_text(draft, line.removeprefix(PIP), folder, place)
        elif line and not line.startswith("#") and line != EXPLICIT:
            if not _PACKAGE.fullmatch(line):
                message = f"{mask_channel(line)[:80]!r} is no address of a conda package"
                raise InvalidProject(message, place=place, hint="expected https://…/name-version-build.conda#hash")
            addresses.append(credentials.taken_from_package(line))
    return Requested((), (), draft.finish(), explicit=tuple(addresses), credentials=credentials)
