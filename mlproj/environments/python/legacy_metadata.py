"""Releases whose metadata predates PEP 440 and that uv refuses, such as pandas 0.24 with ``pytz (>=2011k)``.

uv is given corrected metadata (``dependency-metadata`` in ``uv.toml``): the clauses that no current tool can read are
left out, everything else stays. What was corrected is in ``uv.toml`` and is reported to the user.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlproj.environments.python.lock import ResolveRequest, bounds
from mlproj.environments.python.uv import Uv
from mlproj.foundation import paths

MOST_CORRECTIONS = 25
_REFUSED = re.compile(r"Metadata for `(?P<name>[^`]+)` \(v(?P<version>[^)]+)\) could not be parsed")
_REQUIRES = re.compile(r"^Requires-Dist:\s*(.+)$", re.MULTILINE)
_SHAPE = re.compile(r"^(?P<head>[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?)\s*\(?(?P<clauses>[^;()]*)\)?\s*(?P<marker>;.*)?$")


def correct(uv: Uv, refusal: str, ask: ResolveRequest) -> bool:
    """Add what uv needs to read the release that *refusal* names; False when it is not about metadata.

    The release's own metadata is read from its installed form, so that indexes, credentials and builds are uv's affair.
    The configuration is whole at any time: another uv may be at work in the folder.
    """
    match = _REFUSED.search(refusal)
    if match is None:
        return False
    name, version = match["name"], match["version"]
    file = uv.configuration
    before = file.read_text("utf-8") if file.exists() else uv.own_configuration()
    if f"name = {json.dumps(name)}\nversion = {json.dumps(version)}\n" in before:
        return False
    paths.write_atomic(file, before + entry(name, version, []))
    requires = _requires(uv, name, version, ask)
    if requires is None:
        paths.write_atomic(file, before)
        return False
    paths.write_atomic(file, before + entry(name, version, [corrected(line) for line in requires]))
    return True


def corrections(folder: Path) -> list[str]:
    """The releases that were corrected in *folder*, such as ``pandas 0.24.2``."""
    file = folder / "uv.toml"
    if not file.exists():
        return []
    return [
        f"{name} {version}"
        for name, version in re.findall(r'^name = "(.+)"\nversion = "(.+)"$', file.read_text("utf-8"), re.MULTILINE)
    ]


def entry(name: str, version: str, requires: list[str]) -> str:
    """One ``dependency-metadata`` table of ``uv.toml``."""
    return (
        f"[[dependency-metadata]]\nname = {json.dumps(name)}\nversion = {json.dumps(version)}\nrequires-dist ="
        f" {json.dumps(requires)}\n\n"
    )


def corrected(requirement: str) -> str:
    """*requirement* without the version clauses that PEP 440 does not know."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return str(Requirement(requirement))
    except InvalidRequirement:
        pass
    shape = _SHAPE.match(requirement.strip())
    if shape is None:
        return re.split(r"[\s(<>=!~;\[]", requirement.strip(), maxsplit=1)[0]
    readable = []
    for clause in shape["clauses"].split(","):
        try:
            readable.append(str(SpecifierSet(clause.strip())))
        except InvalidSpecifier:
            continue
    text = (
        f"{shape['head'].strip()}{','.join(filter(None, readable))}{' ' + shape['marker'] if shape['marker'] else ''}"
    )
    try:
        return str(Requirement(text))
    except InvalidRequirement:
        return shape["head"].strip()


def _requires(uv: Uv, name: str, version: str, ask: ResolveRequest) -> list[str] | None:
    """The ``Requires-Dist`` lines of a release, None when it cannot be had."""
    import shutil

    target = uv.folder / "metadata"
    arguments = ["--python", ask.interpreter.path, *bounds(ask.moment, ask.interpreter)]
    try:
        done = uv.run("pip", "install", "--quiet", "--no-deps", "--target", target, *arguments, f"{name}=={version}")
        found = next(target.glob("*.dist-info/METADATA"), None)
        if done.returncode or found is None:
            return None
        head = found.read_text("utf-8", "replace").partition("\n\n")[0]
        return [line.strip() for line in _REQUIRES.findall(head)]
    finally:
        shutil.rmtree(target, ignore_errors=True)
