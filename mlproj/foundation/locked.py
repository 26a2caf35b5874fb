"""What an earlier run, or a package, fixes beforehand: the environment as its lock says, and values of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import UsageError


@dataclass(frozen=True)
class Locked:
    """What was recorded of an environment. ``of`` names for people where it comes from.

    ``kind`` and ``manager`` are those of the record, ``python`` the version that was used, ``as_of`` the moment (UTC)
    that packages were resolved at. ``lock`` is the file that names every package, None where nothing was locked;
    ``image`` what is known of a container's image. Where packages came along, ``lock`` names files of this machine, and
    ``kept`` is what is kept with the run in its place; ``import_roots`` are then folders of packages that the project
    has installed in place: the number of the package among those, and the folder in it. ``interpreter`` is the program
    of a Python that came along.
    """

    of: str
    kind: str
    manager: str
    python: str | None = None
    as_of: datetime | None = None
    lock: Path | None = None
    image: Mapping[str, Any] = field(default_factory=dict)
    kept: Path | None = None
    import_roots: Sequence[tuple[int, str]] = ()
    interpreter: Path | None = None


@dataclass(frozen=True)
class Given:
    """What comes with the files of a package: its environment, and the entry point and parameters of the run that it
    was made of.

    ``defaults`` are the values that the project's own defaults had. ``inputs`` are the files here of parameters that
    name files; ``secret`` names parameters whose values did not come along.
    ``notes`` are for people. ``model`` tells of the model that the package has in place of a project.
    """

    locked: Locked | None = None
    entry_point: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Path] = field(default_factory=dict)
    secret: Sequence[str] = ()
    notes: tuple[str, ...] = ()
    model: Mapping[str, str] | None = None

    @property
    def files(self) -> dict[str, Path]:
        """The files that came along, by the URI that a parameter names."""
        return {
            value: self.inputs[name]
            for name, value in self.parameters.items()
            if name in self.inputs and "://" in value
        }

    def values(self, entry_point: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The values for *entry_point*, of which those that are *asked* for win. Raises UsageError when a secret one is
        missing."""
        if entry_point != self.entry_point:
            return dict(asked)
        if missing := [name for name in self.secret if name not in asked]:
            example = " ".join(f"-P {name}=…" for name in missing)
            raise UsageError(
                f"the value of {', '.join(missing)} is secret, and is not in the package", hint=f"add {example}"
            )
        files = {name: str(path) for name, path in self.inputs.items() if self.parameters.get(name) not in self.files}
        return {**self.parameters, **files, **asked}
