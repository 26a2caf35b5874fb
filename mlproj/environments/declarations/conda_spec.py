"""Conda's words for a package, such as ``conda-forge::numpy=1.20.1=py38h18fd61f_0``, in the terms of PEP 440.

The syntax:
https://docs.conda.io/projects/conda/en/latest/user-guide/concepts/pkg-specs.html#package-match-specifications (``=1.2``
means any 1.2, ``==1.2`` exactly that, ``,`` is and, ``|`` is or).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKETS = re.compile(r"^(?P<head>[^\[\]]*)\[(?P<pairs>[^\[\]]*)\]\s*$", re.DOTALL)
_PAIR = re.compile(
    r"\s*(?P<key>[a-z_]+)\s*=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>[^\s,'\"]+))\s*(?:,|$)"
)
_NAME = re.compile(
    r"^\s*(?:(?P<channel>[^\s=<>!~|,]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?P<rest>.*)$", re.ASCII | re.DOTALL
)
# What follows the name: an optional version and, after another '=' or a space, an optional build string.
_VERSION = re.compile(
    r"^(?P<version>(?:[<>!=~]=?\s*)?[\w.*+!-]+(?:\s*[,|]\s*(?:[<>!=~]=?\s*)?[\w.*+!-]+)*)(?:(?:\s*=\s*|\s+)(?P<build>[\w.*+-]+))?\s*$",
    re.ASCII,
)
_CLAUSE = re.compile(r"^(?P<operator>===|[<>!=~]=|[<>=])?\s*(?P<version>[\w.*+!-]+)$", re.ASCII)
_BUILT_FOR = re.compile(r"(?<![A-Za-z])(?:py|cp)(?P<major>[23])\.?(?P<minor>\d{1,2})(?![\d.])")


@dataclass(frozen=True)
class CondaSpec:
    """One conda requirement. ``specifier`` is PEP 440 (``==1.2.*``, empty: any version); ``dropped`` says which part of
    the version has no equal there. ``version`` is the version as written, ``build`` the build string."""

    name: str
    specifier: str = ""
    version: str | None = None
    build: str | None = None
    dropped: str | None = None


def parse(text: str) -> CondaSpec:
    """Read one requirement in conda's syntax. Raises ValueError, saying what is wrong."""
    text = re.sub(r"(?:^|\s)#.*$", "", text, flags=re.DOTALL).strip()
    head, pairs = _split_brackets(text)
    matched = _NAME.match(head)
    if not matched:
        raise ValueError("a package name was expected")
    version, build = _split_version(matched["rest"])
    version, build = pairs.get("version", version), pairs.get("build", build)
    specifier, dropped = _specifier(version, exact=build is not None and build != "*") if version else ("", None)
    return CondaSpec(pairs.get("name", matched["name"]).lower(), specifier, version, build, dropped)


def python_of(build: str | None) -> str | None:
    """The Python minor version that a build string tells (``py37h27cfd23_0`` → ``3.7``, ``py3.8_cuda11.1`` →
    ``3.8``)."""
    found = _BUILT_FOR.search(build or "")
    return f"{found['major']}.{int(found['minor'])}" if found else None


def _split_brackets(text: str) -> tuple[str, dict[str, str]]:
    matched = _BRACKETS.match(text)
    if not matched:
        return text, {}
    pairs, position = dict[str, str](), 0
    while position < len(matched["pairs"]):
        pair = _PAIR.match(matched["pairs"], position)
        if not pair:
            raise ValueError("key='value' pairs were expected between the brackets")
        pairs[pair["key"]] = pair["single"] or pair["double"] or pair["bare"] or ""
        position = pair.end()
    return matched["head"], {key: value for key, value in pairs.items() if value}


def _split_version(rest: str) -> tuple[str | None, str | None]:
    """(version, build) of what follows the name; a bare version after a space is exact, so it gets its ``==``."""
    rest = rest.strip()
    if rest in ("", "=", "*"):
        return None, None
    matched = _VERSION.match(rest)
    if not matched:
        raise ValueError("a version such as =1.2, ==1.2.3 or >=1,<2 was expected after the name")
    version = re.sub(r"\s+", "", matched["version"])
    if version[0] not in "<>!=~":
        version = f"=={version}" if "," not in version and "|" not in version and "*" not in version else version
    return version, matched["build"]


def _specifier(version: str, *, exact: bool) -> tuple[str, str | None]:
    """PEP 440 for a conda version expression, and what of it was lost: PEP 440 has no "or", so the last choice is
    taken."""
    choices = version.split("|")
    chosen = choices[-1]
    clauses, lost = [], []
    if len(choices) > 1:
        chosen = f"={chosen}" if version[0] == "=" != version[1] and chosen[0] not in "<>!=~" else chosen
        lost.append(f"of {version} the last choice is used")
    for part in chosen.split(","):
        clause = _clause(part, exact=exact)
        if clause is None:
            lost.append(f"{part} is no version that PyPI can have")
        elif clause:
            clauses.append(clause)
    return ",".join(clauses), "; ".join(lost) or None


def _clause(text: str, *, exact: bool) -> str | None:
    """One comparison in PEP 440: empty for "any version", None when it cannot be said there. Raises ValueError."""
    matched = _CLAUSE.match(text)
    if not matched:
        raise ValueError(f"{text!r} is no version")
    operator, version = matched["operator"] or "", matched["version"]
    if version == "*":
        return ""
    starred = version.endswith("*")
    version = _normal(version.rstrip("*").rstrip("."))
    plain = version is not None and version.replace(".", "").isdigit()
    if version is None or (starred and not plain):  # PEP 440 allows a ".*" after numbers only
        return None
    if operator in ("<", "<=", ">", ">=", "~="):
        return _bound(operator, version)
    sign = "!=" if operator == "!=" else "=="
    loose = starred or (operator == "=" and not exact and version.count(".") < 2 and plain)
    return f"{sign}{version}{'.*' if loose else ''}"


def _bound(operator: str, version: str) -> str:
    """``~=1`` needs two numbers in PEP 440; conda means "1 or later, still 1". Local parts (``1+cu``) have no order
    there."""
    version = version.partition("+")[0]
    if operator != "~=" or "." in version:
        return f"{operator}{version}"
    return f"~={version}.0" if version.isdigit() else f">={version}"


def _normal(version: str) -> str | None:
    """The version as PEP 440 writes it, None when it has no form there (``1.1.1k``, ``9b``)."""
    from packaging.version import InvalidVersion, Version

    try:
        parsed = Version(version.replace("_", "."))
    except InvalidVersion:
        return None
    # Version() reads "1.2" and "1.2.0" as equal; the text decides how many numbers a ".*" is put after.
    return version if re.fullmatch(r"\d+(?:\.\d+)*", version) else str(parsed)
