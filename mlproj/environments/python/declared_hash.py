"""Hashes that a declaration demands (``apple==1.0 --hash=sha256:…``, ``--require-hashes``): nothing else gets into the
lock.

uv records the hashes that the index tells and leaves those of the declaration alone when it makes a lock. As with pip,
a file counts only when its hash is declared. With ``--require-hashes`` every package needs one, but for the installers
themselves, which are there without being asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock

_HASH = re.compile(r"\s--hash[= ](\w+:[0-9a-fA-F]+)")
_WHEEL = re.compile(r'\{ [^{}]*hashes = \{ (\w+) = "([0-9a-f]+)" \} \},?\s*')
_SDIST = re.compile(r'^sdist = \{ [^{}]*hashes = \{ (\w+) = "([0-9a-f]+)" \} \}\n', re.MULTILINE)
_ENTRY = re.compile(r"^(?=\[\[packages\]\])", re.MULTILINE)


def only_declared(requirements: Requirements, text: str) -> str | lock.Refusal:
    """The lock *text* without the files whose hash is not declared, or why that leaves a package without any."""
    declared = _declared([*requirements.build_dependencies, *requirements.packages, *requirements.constraints])
    demanded = "--require-hashes" in requirements.options
    if not declared and not demanded:
        return text
    kept = "".join(_without_others(part, declared) for part in _ENTRY.split(text))
    for entry in lock.packages(kept):
        allowed = declared.get(entry["name"])
        if allowed is None and demanded and entry["name"] not in lock.SEEDS:
            return lock.Refusal(f"--require-hashes: {entry['name']} {entry.get('version', '')} has no --hash")
        found = set(_hashes(entry))
        if allowed is not None and not (found and found <= allowed):
            return lock.Refusal(
                f"no file of {entry['name']} {entry.get('version', '')} that fits has a hash that is declared for it"
            )
    return kept


def _declared(packages: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package in packages:
        name, hashes = lock.name_of(package), _HASH.findall(package)
        if name is not None and hashes:
            found.setdefault(name, set()).update(one.lower() for one in hashes)
    return found


def _without_others(entry: str, declared: dict[str, set[str]]) -> str:
    name = re.search(r'^name = "(.+)"$', entry, re.MULTILINE)
    allowed = declared.get(name[1]) if name else None
    if allowed is None:
        return entry
    for pattern in (_SDIST, _WHEEL):
        entry = pattern.sub(lambda found: found[0] if f"{found[1]}:{found[2]}" in allowed else "", entry)
    return re.sub(r"^wheels = \[\s*\]\n", "", entry, flags=re.MULTILINE)


def _hashes(entry: dict[str, Any]) -> Iterator[str]:
    files = [*entry.get("wheels", []), *(entry[kind] for kind in ("sdist", "archive") if kind in entry)]
    for file in files:
        yield from (f"{algorithm}:{digest}" for algorithm, digest in file.get("hashes", {}).items())
