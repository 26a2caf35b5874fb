"""Versions and hashes out of the locks of Poetry and PDM: what pyproject.toml asks for is resolved within them.

https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock, https://pdm-project.org/latest/usage/lockfile/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import pyproject_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical
from mlproj.foundation.errors import InvalidProject, Place

NAMES = ("poetry.lock", "pdm.lock")


def read_into(draft: Draft, path: Path) -> None:
    """Add what the pyproject.toml beside the lock *path* asks for, in the lock's versions. Raises InvalidProject."""
    data = toml_text.load(path)
    pyproject_file.read_into(draft, path.parent / "pyproject.toml")
    draft.add_file(path)
    entries = (
        [one for one in data.get("package", []) if isinstance(one, dict)]
        if isinstance(data.get("package"), list)
        else []
    )
    if not entries and draft.packages:
        raise InvalidProject("the lock lists no packages", place=Place(str(path)), hint=f"let {path.stem} make it anew")
    several = {name for name, count in Counter(canonical(str(one.get("name"))) for one in entries).items() if count > 1}
    files = _files(data)
    for entry in entries:
        name = canonical(str(entry.get("name")))
        if _is_elsewhere(entry):
            _fix_commit(draft, name, entry)
        elif name not in several or entry.get("markers") or entry.get("marker"):
            draft.constraints.append(_pin(name, entry, files.get(name, [])))
    draft.note(f"{path.name} fixes the versions, with its hashes, of what pyproject.toml asks for")
    unfixed = sorted(name for name in several if not any(one.startswith(f"{name}==") for one in draft.constraints))
    if unfixed:
        draft.note(
            f"{path.name} has several versions, without saying when, of {', '.join(unfixed)}: the newest that fits is"
            " taken"
        )


def _is_elsewhere(entry: Mapping[str, Any]) -> bool:
    source = entry.get("source")
    kind = source.get("type") if isinstance(source, dict) else None
    return kind in ("git", "directory", "file", "url") or any(key in entry for key in ("git", "path", "url"))


def _fix_commit(draft: Draft, name: str, entry: Mapping[str, Any]) -> None:
    """Take the commit that was locked of a repository that is asked for by a branch or tag."""
    source = entry.get("source")
    commit = source.get("resolved_reference") if isinstance(source, dict) else entry.get("revision")
    if not isinstance(commit, str) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        return
    for index, package in enumerate(draft.packages):
        found = re.match(r"([\w.-]+)(.*?@\s*git\+)([^;\s#]+)(.*)$", package)
        if found and canonical(found[1]) == name:
            address = re.sub(r"(?<=[^/])@[^/@]*$", "", found[3])
            draft.packages[index] = f"{found[1]}{found[2]}{address}@{commit}{found[4]}"
    for one in draft.sources.get(name, []):
        if "git" in one:
            one.update({"rev": commit})
            for key in ("tag", "branch"):
                one.pop(key, None)


def _pin(name: str, entry: Mapping[str, Any], files: list[Any]) -> str:
    listed = entry.get("files")
    marker = entry.get("markers") or entry.get("marker")
    # Poetry writes a table where the marker differs by group; the main one counts.
    marker = marker.get("main") if isinstance(marker, dict) else marker
    words = [
        f"{name}=={entry.get('version')}",
        *([f"; {marker}"] if marker else []),
        *_hashes(listed if isinstance(listed, list) else files),
    ]
    return " ".join(words)


def _hashes(files: list[Any]) -> Iterator[str]:
    for file in files:
        digest = str(file.get("hash", "")) if isinstance(file, dict) else ""
        if re.fullmatch(r"sha\d+:[0-9a-f]+", digest):
            yield f"--hash={digest}"


def _files(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Files by package, which older locks list apart."""
    metadata = data.get("metadata")
    listed = metadata.get("files") if isinstance(metadata, dict) else None
    found = {canonical(name.split(" ")[0]): files for name, files in listed.items()} if isinstance(listed, dict) else {}
    return {name: files for name, files in found.items() if isinstance(files, list)}
