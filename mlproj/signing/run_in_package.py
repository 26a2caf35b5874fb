"""What a package says of the run that it was made of, beside what was signed of that run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping

from mlproj.foundation import paths
from mlproj.foundation.redaction import MASK
from mlproj.foundation.tree_digest import file_entry, link_entry, tree_digest
from mlproj.package.format.manifest import DIFF, PROJECT, Manifest
from mlproj.signing.report import Change
from mlproj.signing.statement import COPY

_PARAMETER, _INPUT = "parameter ", "input "


def differences(facts: Mapping[str, str], manifest: Manifest) -> Iterator[Change]:
    """Where *manifest* differs from the signed *facts*, as far as it knows of them."""
    now = dict(_known(manifest))
    for what, value in now.items():
        if facts.get(what) != value:
            yield Change("changed" if what in facts else "added", f"signed {what}", facts.get(what), value)
    for what, value in _files(manifest, facts):
        if facts.get(what, value) != value:
            yield Change("changed", f"signed {what}", facts[what], value)
    for what, was in facts.items():
        if what not in now and _is_expected(what, was, manifest):
            yield Change("missing", f"signed {what}", was)


def _known(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What every statement of a run says."""
    source = manifest.source
    yield "run", str((manifest.run or {}).get("run_id"))
    yield "entry point", str(manifest.entry_point)
    if source.get("commit"):
        yield "source", f"gitCommit:{source['commit']}"
    elif source.get("digest"):
        yield "source", str(source["digest"])
    if DIFF in manifest.members:
        yield paths.DIFF, f"sha256:{manifest.members[DIFF].sha256}"
    yield from ((f"{_PARAMETER}{name}", value) for name, value in manifest.parameters.items())


def _snapshot(manifest: Manifest) -> str:
    """The digest of the project's files as they are in the package."""
    below = f"{PROJECT}/"
    entries = {
        name.removeprefix(below): file_entry(member.sha256, member.executable)
        if member.target is None
        else link_entry(member.target)
        for name, member in manifest.members.items()
        if name.startswith(below)
    }
    return f"mlprojSnapshot:{tree_digest(entries)}"


def _files(manifest: Manifest, facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Files of which a statement says something when they were kept with the run."""
    if COPY in facts:
        yield COPY, _snapshot(manifest)
    definition = "/".join(filter(None, (PROJECT, manifest.subdirectory, paths.DEFINITION)))
    if definition in manifest.members:
        yield paths.DEFINITION, f"sha256:{manifest.members[definition].sha256}"
    for name in dict.fromkeys(lock.rpartition("/")[2] for lock in manifest.locks.values()):
        digests = [
            f"sha256:{manifest.members[lock].sha256}" for lock in manifest.locks.values() if lock.endswith(f"/{name}")
        ]
        yield (
            name,
            facts[name] if facts.get(name) in digests else digests[0],
        )  # there are those of further platforms, too
    for name, member in manifest.inputs.items():
        if digest := _digest(member, manifest):
            yield f"{_INPUT}{name}", digest


def _digest(name: str, manifest: Manifest) -> str | None:
    """The digest of an input as it is recorded: of a file, or of a folder over names and contents."""
    member = manifest.members.get(name)
    if member is not None:
        return f"sha256:{member.sha256}"
    below = {
        one.removeprefix(f"{name}/"): found for one, found in manifest.members.items() if one.startswith(f"{name}/")
    }
    if any(found.target is not None for found in below.values()):  # recorded as what it leads to
        return None
    digest = hashlib.sha256()
    for one in sorted(below, key=os.fsencode):
        digest.update(os.fsencode(one) + b"\0" + below[one].sha256.encode() + b"\n")
    return f"mlprojTree:{digest.hexdigest()}"


def _is_expected(what: str, was: str, manifest: Manifest) -> bool:
    name = what.partition(" ")[2]
    if what.startswith(_PARAMETER):
        return MASK not in was and name not in manifest.inputs and name not in manifest.secret
    return what == paths.DIFF
