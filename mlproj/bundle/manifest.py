"""``mlproj.json`` of a package: what is in it and where that came from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from mlproj.dataclass import dataclass, field
from mlproj.errors import SourceError

NAME = "mlproj.json"
FORMAT = 1
"""Raised when an older mlproj could not use what is written."""
PROJECT, LOCKS, INPUTS, PACKAGES, PYTHON = "project", "locks", "inputs", "packages", "python"
"""The folders of an archive."""

_MEMBER = re.compile(rf"({PROJECT}|{LOCKS}|{INPUTS}|{PACKAGES}|{PYTHON})/[^\0]+")
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Member:
    """A file (``sha256``, ``size`` in bytes, whether it may be executed) or a symbolic link (``target``) of a package."""

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
    """What a package says of itself. ``source``, ``environment`` and ``run`` are documents of the record's contract (schema 1).

    ``entry_point`` and ``parameters`` are those of the run that was packaged; ``inputs`` names the member that a parameter means.
    ``locks`` has the lock for each platform, by conda's names for platforms. ``offline`` has, for each platform whose packages are
    inside, the member of each package: by its name, or for conda's by its address in the lock. ``python`` tells of a Python that is
    inside: its ``version``, ``platform`` and ``program``.
    """

    mlproj: str
    source: Mapping[str, Any]
    subdirectory: str
    members: Mapping[str, Member]
    environment: Mapping[str, Any] | None = None
    locks: Mapping[str, str] = field(default_factory=dict)
    offline: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    python: Mapping[str, Any] | None = None
    run: Mapping[str, Any] | None = None
    entry_point: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the whole content, hexadecimal: of this document, which has the hash of every file."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """``mlproj.json``."""
        content = {name: value for name, value in vars(self).items() if name != "members"}
        members = {name: self.members[name].document() for name in sorted(self.members)}
        return json.dumps({"format": FORMAT, **content, "members": members}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def parse(text: bytes) -> Manifest:
    """Read ``mlproj.json``. Raises SourceError for one that is damaged, of a newer format, or names what no package may hold."""
    try:
        content = json.loads(text)
        version = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceError(f"its {NAME} cannot be read: {error!r:.200}", hint="is the file whole?") from error
    if not isinstance(version, int) or version > FORMAT:
        raise SourceError(f"its format is {version!r:.50}, and this mlproj knows up to {FORMAT}", hint="pip install --upgrade mlproj")
    try:
        return _manifest(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SourceError(f"its {NAME} is not as it should be: {error!r:.200}", hint="make the package again") from error


def _manifest(content: Mapping[str, Any]) -> Manifest:
    members = {_member_name(name): _member(told) for name, told in content["members"].items()}
    manifest = Manifest(
        mlproj=str(content["mlproj"]),
        source=dict(content["source"]),
        subdirectory=str(content["subdirectory"]),
        members=members,
        environment=_mapping(content, "environment"),
        locks=_texts(content, "locks"),
        offline={str(key): _texts(content["offline"], key) for key in content.get("offline") or {}},
        python=_mapping(content, "python"),
        run=_mapping(content, "run"),
        entry_point=None if content.get("entry_point") is None else str(content["entry_point"]),
        parameters=_texts(content, "parameters"),
        inputs=_texts(content, "inputs"),
    )
    folders = {name.rpartition("/")[0] for name in members}
    packages = [name for named in manifest.offline.values() for name in named.values()]
    program = [str(manifest.python["program"])] if manifest.python else []
    for name in (*manifest.locks.values(), *manifest.inputs.values(), *packages, *program):
        if name not in members and not any(folder == name or folder.startswith(f"{name}/") for folder in folders):
            raise ValueError(f"{name} is not among the members")
    return manifest


def _mapping(content: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    return dict(content[name]) if content.get(name) else None


def _texts(content: Mapping[str, Any], name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in (content.get(name) or {}).items()}


def _member_name(name: str) -> str:
    steps = name.split("/")
    if not _MEMBER.fullmatch(name) or any(step in ("", ".", "..") for step in steps) or "\\" in name:
        raise ValueError(f"the name {name!r:.200} is none of a package's")
    return name


def _member(told: Mapping[str, Any]) -> Member:
    if "link" in told:
        return Member(target=str(told["link"]))
    if not _HEX.fullmatch(told["sha256"]) or not isinstance(told["size"], int) or told["size"] < 0:
        raise ValueError("a member without hash or size")
    return Member(told["sha256"], told["size"], bool(told.get("executable")))
