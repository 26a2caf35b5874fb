"""Requirements while they are being read: every reader adds to a draft and says what it left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Notice, Place

_SHOWN = 15  # names in one note; more would not fit on two lines


@dataclass
class Draft:
    """What was found so far. The fields mean what they mean in :class:`Requirements`.

    ``leaves_out``: what cannot be had is left out with a warning, as MLflow does with conda's packages under virtualenv
    and uv.
    """

    python: str | None = None
    python_reason: str = ""
    packages: list[str] = field(default_factory=list)
    implied: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    editables: list[str] = field(default_factory=list)
    build_dependencies: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    sources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    lock_file: Path | None = None
    leaves_out: bool = False
    _skipped: dict[str, list[str]] = field(default_factory=dict)

    def add_file(self, path: Path) -> None:
        """Remember that *path* was read."""
        if path not in self.files:
            self.files.append(path)

    def add_option(self, *words: str) -> None:
        """Hand an installer option on, once."""
        for start in range(len(self.options) - len(words) + 1):
            if tuple(self.options[start : start + len(words)]) == words:
                return
        self.options.extend(words)

    def note(self, text: str) -> None:
        """Tell people about a choice, once."""
        if text not in self.notes:
            self.notes.append(text)

    def warn(
        self, message: str, place: Place | None = None, hint: str | None = None, *, is_error: bool = False
    ) -> None:
        """Tell people about something that may be a mistake, or with *is_error* is one that MLflow takes; once."""
        self.tell(Notice(message, place, hint, is_error))

    def tell(self, *findings: Notice) -> None:
        """Add what other code found to the notes, each once."""
        self.warnings.extend(one for one in findings if one not in self.warnings)

    def skip(self, name: str, reason: str) -> None:
        """Leave *name* out; *reason* completes "skipped 3 …:" (``packages for Windows only``)."""
        names = self._skipped.setdefault(reason, [])
        if name not in names:
            names.append(name)

    def choose_python(self, version: str, reason: str) -> None:
        """The first place that names a Python decides; another one that contradicts it is noted."""
        if self.python is None:
            self.python, self.python_reason = version, reason
        elif self.python != version:
            self.note(f"Python {version} ({reason}) gives way to {self.python} ({self.python_reason})")

    def finish(self) -> Requirements:
        """The finished requirements."""
        return Requirements(
            python=self.python,
            python_reason=self.python_reason,
            packages=tuple(self.packages),
            implied=tuple(self.implied),
            constraints=tuple(self.constraints),
            editables=tuple(self.editables),
            build_dependencies=tuple(self.build_dependencies),
            options=tuple(self.options),
            lock_file=self.lock_file,
            files=tuple(self.files),
            notes=(*self.notes, *(_skip_note(reason, names) for reason, names in self._skipped.items())),
            warnings=tuple(self.warnings),
            variables=dict(self.variables),
            sources=dict(self.sources),
            settings=dict(self.settings),
        )


def _skip_note(reason: str, names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"skipped {len(names)} {reason}: {shown}{rest}"
