"""conda-lock.yml and pixi.lock: the packages of this platform by address and hash, and what pip adds.

https://conda.github.io/conda-lock/output/, https://pixi.sh/latest/workspace/lockfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj import yaml_document
from mlproj.foundation import platforms
from mlproj.foundation.errors import InvalidProject, Place

NAMES = ("conda-lock.yml", "conda-lock.yaml", "pixi.lock")


def explicit(path: Path) -> list[str]:
    """The lines of conda's own kind of lock that say the same; those for pip begin with ``# pip``. Raises
    InvalidProject."""
    data = yaml_document.load(path).value
    if not isinstance(data, dict):
        raise InvalidProject("this is no lock of conda packages", place=Place(str(path)))
    here = platforms.here()
    lines = list(_of_pixi(data, here, path) if "environments" in data else _of_conda_lock(data, here))
    if not lines:
        raise InvalidProject(
            f"the lock has no packages for {here}",
            place=Place(str(path)),
            hint=f"add the platform {here} where the lock is made, and lock anew",
        )
    return lines


def _of_conda_lock(data: Mapping[str, Any], here: str) -> Iterator[str]:
    for one in _tables(data.get("package")):
        if one.get("platform") != here or one.get("optional") is True or one.get("category", "main") != "main":
            continue
        hash_field = one.get("hash")
        hashes = hash_field if isinstance(hash_field, dict) else {}
        if one.get("manager") == "pip":
            yield _pip(one, hashes.get("sha256"))
        else:
            yield _address(str(one.get("url")), hashes)


def _of_pixi(data: Mapping[str, Any], here: str, path: Path) -> Iterator[str]:
    known = {one.get("conda") or one.get("pypi") or one.get("url"): one for one in _tables(data.get("packages"))}
    default = (data["environments"] or {}).get("default") if isinstance(data["environments"], dict) else None
    listed = (default.get("packages") or {}).get(here) if isinstance(default, dict) else None
    for entry in _tables(listed):
        if "conda" in entry:
            yield _address(str(entry["conda"]), known.get(entry["conda"], {}))
        elif "pypi" in entry:
            one = known.get(entry["pypi"], {})
            yield _pip({"url": entry["pypi"], **one}, one.get("sha256"), path.parent)


def _address(url: str, hashes: Mapping[str, Any]) -> str:
    digest = f"#sha256:{hashes['sha256']}" if hashes.get("sha256") else f"#{hashes['md5']}" if hashes.get("md5") else ""
    return url.partition("#")[0] + digest


def _pip(entry: Mapping[str, Any], sha256: Any, folder: Path | None = None) -> str:
    url = str(entry.get("url") or entry.get("pypi") or "")
    if folder is not None and url and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
        return f"# pip {'-e ' if entry.get('editable') else ''}{(folder / url).resolve()}"
    if re.match(r"(git|hg|svn|bzr)\+", url) or not entry.get("version"):
        return f"# pip {entry.get('name')} @ {url}"
    return f"# pip {entry.get('name')}=={entry.get('version')}" + (f" --hash=sha256:{sha256}" if sha256 else "")


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
