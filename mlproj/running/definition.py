"""MLproject as it is kept with a run: without secrets."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlproj import projects
from mlproj.foundation.errors import MlprojError, Notice
from mlproj.foundation.redaction import MASK, SHORTEST, looks_secret, redact
from mlproj.projects import discovery
from mlproj.projects.base import Project
from mlproj.projects.parameter import secret_defaults
from mlproj.yaml_document.masking import masked


def without_secrets(content: bytes, project: Project) -> bytes:
    """What is kept to be looked at of the MLproject *content* of *project*."""
    shown = _without_defaults(content.decode("utf-8", "surrogateescape"), secret_defaults(project), redact)
    return shown.encode("utf-8", "surrogateescape")


class DefaultsMasked:
    """Takes the secret defaults out of each MLproject of a source snapshot, which must be the same project without
    them; ``parameters`` are those that this concerned, ``refused`` says that it cannot be."""

    def __init__(self) -> None:
        self.parameters: set[str] = set()
        self.refused = False

    def __call__(self, file: Path, content: bytes) -> bytes | None:
        """What is to be kept of *file*; None when it cannot be."""
        if not discovery.may_be_project(file.name):
            return content
        if not any(map(looks_secret, {*re.findall(r"[\w-]+", content.decode("utf-8", "replace"))})):
            return content  # as nearly always: reading YAML takes longer than the rest of a small run's copy
        try:
            project = projects.parse(content.decode("utf-8"), file.parent)
        except (MlprojError, UnicodeDecodeError):  # no project, or one in a text that nobody writes
            return content
        secrets = secret_defaults(project)
        kept = _without_defaults(content.decode("utf-8"), secrets, str).encode()
        if kept == content:
            return content
        if not _is_same(project, kept, file.parent):
            self.refused = True
            return None
        self.parameters |= {name for name, _ in secrets}
        return kept

    def notice(self) -> Notice | None:
        """What to tell of it."""
        if self.refused:
            return Notice(
                "MLproject has a secret default that something else in it repeats, so no copy of the project is kept,"
                " and the run cannot be done again",
                hint="give the parameter no default, and its value by -P",
            )
        if not self.parameters:
            return None
        names = ", ".join(sorted(self.parameters))
        return Notice(
            f"the default of {names} looks secret and is masked in the copy of the project that is kept; mlproj"
            " reproduce asks for it",
            hint="better give it no default, and its value by -P",
        )


def _without_defaults(text: str, secrets: list[tuple[str, str]], also: Callable[[str], str]) -> str:
    """*text* as *also* shows it, and without the defaults of the *secrets*, however they are written."""
    # Too short ones stay, as everywhere: masking every "1" would destroy the text.
    values = {f"SECRET_{number}": value for number, (_, value) in enumerate(secrets) if len(value) >= SHORTEST}
    return masked(text, lambda part: redact(also(part), values), values.values())


def _is_same(project: Project, kept: bytes, folder: Path) -> bool:
    try:
        return bool(_meaning(project) == _meaning(projects.parse(kept.decode(), folder)))
    except MlprojError:
        return False


def _meaning(project: Project) -> Any:
    """What of *project* decides a run, but for secret defaults."""
    environment = project.environment
    points = {
        point.name: (
            point.command,
            [
                (one.name, one.type, one.choices, one.optional, MASK if looks_secret(one.name) else one.default)
                for one in point.parameters.values()
            ],
        )
        for point in project.entry_points.values()
    }
    return points, environment and (environment.kind, environment.file, environment.options)
