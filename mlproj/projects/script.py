"""Scripts that a command names: are they there? A look at the text, not a shell: what is unclear is not judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlproj.foundation import file_tree, presence
from mlproj.foundation.errors import Notice, Place, did_you_mean
from mlproj.projects.base import EntryPoint

# An interpreter with options that take no value, then the script. A script with a placeholder in its name is not
# judged.
_SCRIPT = re.compile(
    r"(?:^|[;&|(\n]|&&|\|\|)\s*(?:python[0-9.]*|Rscript|bash|sh)(?:\s+-[A-Za-z]+(?<!-m)(?<!-c))*\s+(?P<script>[\w./-]+\.(?:py|R|r|sh))(?=\s|$|[;&|)])"
)
_SUFFIXES = (".py", ".R", ".r", ".sh")
_SKIPPED = {"__pycache__", "node_modules", "mlruns", "venv", "env", "site-packages"}
_MOST_SCRIPTS = 2000


def missing_scripts(point: EntryPoint, folder: Path) -> Iterator[Notice]:
    """Scripts that the command of *point* runs and *folder* lacks, each with its place and the one that is likely
    meant."""
    if not any(suffix in point.command for suffix in _SUFFIXES) or re.search(r"\b(?:cd|pushd)\s", point.command):
        return  # there are none, or they are looked for somewhere else
    for match in _SCRIPT.finditer(point.command):
        script = match["script"]
        if not presence.exists(folder / script):
            guess = _similar(script, folder)
            yield Notice(
                f"the command of {point.name!r} runs {script}, which is not in the project",
                hint=f"did you mean {guess}?" if guess else None,
                place=within(point, script),
            )


def _similar(script: str, folder: Path) -> str | None:
    """The script that is likely meant: the same name elsewhere, a similar name, or the only one of its kind."""
    known = _scripts(folder, Path(script).suffix)
    same_name = [other for other in known if Path(other).name == Path(script).name]
    return next(iter(same_name), None) or did_you_mean(script, known) or (known[0] if len(known) == 1 else None)


def _scripts(folder: Path, suffix: str) -> list[str]:
    found: list[str] = []
    for parent, folders, names in file_tree.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        found += [str((Path(parent) / name).relative_to(folder)) for name in sorted(names) if name.endswith(suffix)]
        if len(found) > _MOST_SCRIPTS:
            break
    return found


def within(point: EntryPoint, fragment: str) -> Place | None:
    """Where *fragment* stands in the command, or else where the entry point is declared."""
    return point.find(fragment) or point.place
