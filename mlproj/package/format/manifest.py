"""``mlproj.json`` of a package: what is in it and where that came from. What is read here may come from any source."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation import paths, strict_json
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import SourceError
from mlproj.package.format.field_reader import FieldReader

NAME = "mlproj.json"
FORMAT = 1
"""Raised when an older mlproj could not use what is written."""
PROJECT, LOCKS, INPUTS, PACKAGES, PYTHON, RECORD = "project", "locks", "inputs", "packages", "python", "record"
"""The folders of an archive."""
FOLDERS = (PROJECT, LOCKS, INPUTS, PACKAGES, PYTHON, RECORD)
DIFF, STATEMENT = f"{RECORD}/{paths.DIFF}", f"{RECORD}/{paths.STATEMENT}"
"""Members with the uncommitted changes that are in the project's files, and with the signed statement of the run."""
MAX_MEMBERS = 500_000
KINDS = ("python", "conda", "renv", "container", "system")
"""The kinds of environments that a package can name."""
_LONGEST = 2000  # bytes of a member's name
_LONGEST_STEP = 255
_MOMENT = r"[0-9TZ:.+-]{10,40}"


@dataclass(frozen=True)
class Member:
    """A file (``sha256``, ``size`` in bytes, whether it may be executed) or a symbolic link (``target``) of a
    package."""

    sha256: str = ""
    size: int = 0
    executable: bool = False
    target: str | None = None

    def document(self) -> dict[str, Any]:
        """As ``mlproj.json`` has it."""
        if self.target is not None:
            return {"link": self.target}
        return {"sha256": self.sha256, "size": self.size} | ({"executable": True} if self.executable else {})


@dataclass(frozen=True)
class Manifest:
    """What a package says of itself. ``source``, ``environment`` and ``run`` are documents of the record's contract
    (schema 1).

    ``folders`` are those that are empty. ``entry_point`` and ``parameters`` are those of the run that was packaged, of
    which ``defaults`` had the project's own values; ``secret`` names parameters whose values were left out, and
    ``inputs`` the member that one means. ``locks`` has the lock for each platform, by conda's names for platforms.
    ``offline`` has, for each platform whose packages are inside, the member of each package by what the lock calls it.
    ``import_roots`` are folders of packages that the project has installed in place: the number of the package among
    those, and the folder in it. ``python`` tells of a Python that is inside: its ``version``, ``platform`` and
    ``program``. ``model`` tells of a package with a model in place of a project: its ``name``, and its ``address`` and
    ``version`` where it has them.
    """

    mlproj: str
    source: Mapping[str, Any]
    subdirectory: str
    members: Mapping[str, Member]
    folders: Sequence[str] = ()
    environment: Mapping[str, Any] | None = None
    locks: Mapping[str, str] = field(default_factory=dict)
    offline: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    import_roots: Sequence[tuple[int, str]] = ()
    python: Mapping[str, str] | None = None
    run: Mapping[str, Any] | None = None
    entry_point: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    defaults: Sequence[str] = ()
    secret: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, str] | None = None

    def text(self) -> str:
        """``mlproj.json``."""
        content = {name: value for name, value in vars(self).items() if name != "members"}
        if self.model is None:  # packages of projects stay the bytes that they were
            del content["model"]
        members = {name: self.members[name].document() for name in sorted(self.members)}
        return (
            json.dumps({"format": FORMAT, **content, "members": members}, indent=1, sort_keys=True, allow_nan=False)
            + "\n"
        )


def parse(text: bytes) -> Manifest:
    """Read ``mlproj.json``. Raises SourceError for one that is damaged, of a newer format, or names what no package may
    hold."""
    try:
        content = strict_json.load(text)
    except ValueError as error:
        raise SourceError(f"its {NAME} cannot be read: {error}", hint="is the file complete?") from error
    version = content.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise SourceError(
            f"its format is {version!r:.50}, and this mlproj knows up to {FORMAT}", hint="pip install --upgrade mlproj"
        )
    try:
        return _manifest(FieldReader(content))
    except ValueError as error:
        raise SourceError(f"its {NAME} is not as it should be: {error}", hint="make the package again") from error


def check_name(name: str) -> None:
    """Raises ValueError for what no member of a package may be called."""
    steps = name.split("/")
    if any(step in ("", ".", "..") for step in steps) or steps[0] not in FOLDERS or len(steps) == 1:
        raise ValueError(f"the name {name!r:.200} is not allowed in a package")
    if "\\" in name or "\0" in name:
        raise ValueError(f"the name {name!r:.200} holds a character that not every system takes in a name")
    if len(check_text(name)) > _LONGEST or any(len(step.encode()) > _LONGEST_STEP for step in steps):
        raise ValueError(
            f"the name {name!r:.200} is longer than {_LONGEST_STEP} bytes, or than {_LONGEST} with its folders"
        )


def leads_out(name: str, below: str, target: str) -> bool:
    """Whether the link *name*, as it is written, leads out of the archive's folder *below*."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return target.startswith("/") or not f"{place}/".startswith(f"{below}/")


def check_text(text: str) -> bytes:
    """*text* as UTF-8. Raises ValueError for a name that is none, and so no JSON."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{text!r:.200} is no UTF-8") from None


def _manifest(reader: FieldReader) -> Manifest:
    members = _members(reader.mapping("members"))
    folders = reader.texts("folders")
    for name in folders:
        check_name(name)
    files = {name for name, member in members.items() if member.target is None}
    inputs = reader.named("inputs")
    below = {name.rpartition("/")[0] for name in members} | {*folders}
    for name in inputs.values():
        if not name.startswith(f"{INPUTS}/") or not (
            name in files or any(f"{folder}/".startswith(f"{name}/") for folder in below)
        ):
            raise ValueError(f"the input {name!r:.200} is not in it")
    return Manifest(
        mlproj=reader.text("mlproj"),
        source=_source(reader.part("source")),
        subdirectory=_subdirectory(reader.text("subdirectory")),
        members=members,
        folders=folders,
        environment=_environment(reader.part("environment")) if reader.has("environment") else None,
        locks=_among(reader.named("locks"), LOCKS, files),
        offline={
            name: _among(reader.part("offline").named(name), PACKAGES, files) for name in reader.mapping("offline")
        },
        import_roots=_import_roots(reader),
        python=_python(reader.part("python"), files) if reader.has("python") else None,
        run=reader.mapping("run") if reader.has("run") else None,
        entry_point=reader.text("entry_point") if reader.has("entry_point") else None,
        parameters=reader.named("parameters", lines=True),
        defaults=reader.texts("defaults"),
        secret=reader.texts("secret"),
        inputs=inputs,
        model=_model(reader.part("model")) if reader.has("model") else None,
    )


def _members(entries: Mapping[str, Any]) -> dict[str, Member]:
    if len(entries) > MAX_MEMBERS:
        raise ValueError(f"it lists more than {MAX_MEMBERS} members")
    for name in entries:
        check_name(name)
    return {name: _member(FieldReader(content, name)) for name, content in entries.items()}


def _member(reader: FieldReader) -> Member:
    if reader.has("link"):
        return Member(target=reader.matching("link", r"[^\0]{1,4000}"))
    return Member(reader.matching("sha256", r"[0-9a-f]{64}"), reader.number("size"), reader.flag("executable"))


def _among(named: dict[str, str], below: str, files: set[str]) -> dict[str, str]:
    for name in named.values():
        if name not in files or not name.startswith(f"{below}/"):
            raise ValueError(f"{name!r:.200} is no file among its {below}")
    return named


def _source(reader: FieldReader) -> dict[str, Any]:
    reader.text("uri")
    reader.matching("kind", r"[a-z]+")
    reader.flag("dirty")
    for name in ("branch", "tag", "subdirectory"):
        if reader.has(name):
            reader.text(name)
    _check_forms(
        reader, {"commit": r"[0-9a-f]{40}|[0-9a-f]{64}", "commit_date": _MOMENT, "digest": r"sha256:[0-9a-f]{64}"}
    )
    return dict(reader.content)


def _environment(reader: FieldReader) -> dict[str, Any]:
    reader.matching("kind", "|".join(KINDS))
    reader.matching("manager", r"[a-z]+")
    _check_forms(reader, {"python": r"\d{1,3}(\.\d{1,5}){1,2}\w{0,9}", "as_of": _MOMENT, "lock": r"[\w.-]{1,100}"})
    image = reader.part("image")
    for name in image.content:
        if image.has(name):
            image.text(name)
    return dict(reader.content)


def _check_forms(reader: FieldReader, forms: Mapping[str, str]) -> None:
    for name, pattern in forms.items():
        if reader.has(name):
            reader.matching(name, pattern)


def _model(reader: FieldReader) -> dict[str, str]:
    reader.text("name")
    return {name: reader.text(name) for name in ("name", "address", "version") if reader.has(name)}


def _python(reader: FieldReader, files: set[str]) -> dict[str, str]:
    described = {name: reader.text(name) for name in ("version", "platform", "program")}
    _among({"program": described["program"]}, PYTHON, files)
    return described


def _import_roots(reader: FieldReader) -> list[tuple[int, str]]:
    found = []
    for root in reader.items("import_roots"):
        if not isinstance(root, list) or [type(one) for one in root] != [int, str] or root[0] < 0:
            raise ValueError("import_roots is not as it should be")
        found.append((root[0], _subdirectory(root[1])))
    return found


def _subdirectory(name: str) -> str:
    if name not in ("", "."):
        check_name(f"{PROJECT}/{name}")
    return name
