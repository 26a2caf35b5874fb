"""What a declaration asks for, once read: the common language of every kind of environment file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Notice


@dataclass(frozen=True)
class Requirements:
    """What to install, in the terms of Python packaging.

    ``python`` is a version (``3.8``, ``3.8.10``) or a PEP 440 specifier (``>=3.6,<3.9``), None when nothing names one;
    ``python_reason`` says where it comes from. ``packages`` are PEP 508 requirements; local ones are absolute paths or
    ``file:`` URLs; pip's ``--hash=…`` may follow after a space. ``implied`` names those of the packages that we added
    because their conda twins bring them: nobody asked for a version of them.
    ``editables`` are absolute folders installed in place (``-e``), or ``git+…`` URLs.
    ``build_dependencies`` are installed first. ``options`` are installer options in pip's spelling, one list item per
    word (``--extra-index-url``, URL, ``--no-binary``, name). ``lock_file`` is set when the declaration is a lock, which
    is installed as it is; of one that was made before, ``kept_lock`` is what is kept with the run. Where its packages
    came along, those of ``editables`` are among them, with these ``import_roots``. ``files`` are all files read on the
    way: their content is part of the environment's key.
    ``notes`` are choices that people should know: what was skipped, translated or implied, and why.
    ``addressed`` are requirements besides those of the lock whose addresses have a login, which a lock does not keep.
    ``relaxed`` names packages whose pins may give way. ``sources`` say where the packages of some names come from
    instead of an index, in the words of uv's ``tool.uv.sources`` with absolute paths; ``settings`` are what the project
    says to uv about indexes, overrides and builds, in the words of ``uv.toml``.
    ``variables`` are environment variables that the declaration sets for the program (``variables:`` of conda.yaml).
    """

    python: str | None = None
    python_reason: str = ""
    packages: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    editables: tuple[str, ...] = ()
    build_dependencies: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    lock_file: Path | None = None
    kept_lock: Path | None = None
    import_roots: Sequence[tuple[int, str]] = ()
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    implied: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    relaxed: tuple[str, ...] = ()
    addressed: tuple[str, ...] = field(default=(), repr=False)

    @property
    def with_login(self) -> tuple[str, ...]:
        """The requirements whose addresses have a login."""
        asked = (*self.packages, *self.constraints, *self.editables, *self.build_dependencies)
        sources = (str(place) for entries in self.sources.values() for one in entries for place in one.values())
        return (*self.addressed, *(one for one in (*asked, *sources) if "://" in one and "@" in one))

    @property
    def all_pinned(self) -> bool:
        """Whether every direct package names one exact version, so that only their dependencies are free."""
        direct = [
            package
            for package in self.packages
            if package not in self.implied and package not in ("pip", "setuptools", "wheel")
        ]
        return bool(direct) and all(_is_pinned(package) for package in direct)

    @property
    def is_bundled(self) -> bool:
        """Whether the packages of the lock are here as files, those of ``editables`` among them."""
        return self.kept_lock not in (None, self.lock_file)


def _is_pinned(package: str) -> bool:
    requirement = package.partition(";")[0]
    return "==" in requirement and ".*" not in requirement and "," not in requirement
