"""The files by which the environment of a model is made: ``requirements.txt``, ``python_env.yaml``, ``conda.yaml``."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from mlproj.models.writing.version import version_of

REQUIREMENTS = "requirements.txt"
LOCK = "requirements.lock.txt"
ENV = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}


def write(folder: Path, requirements: Sequence[str], lock: Path | None) -> None:
    """Write them, for this Python; of *lock*, the ``pylock.toml`` of the run, the hashes, where it has all packages."""
    (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    build = [f"{name}=={found}" if found != "unknown" else name for name, found in _build_tools()]
    python = platform.python_version()
    python_env = {"python": python, "build_dependencies": build, "dependencies": [f"-r {REQUIREMENTS}"]}
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", _conda_pip(), {"pip": list(requirements)}],
        "name": "mlflow-env",
    }
    for name, document in (("python_env.yaml", python_env), ("conda.yaml", conda)):
        (folder / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    hashed = _hashed(requirements, lock) if lock else None
    if hashed:
        (folder / LOCK).write_text(hashed, encoding="utf-8")


def _build_tools() -> list[tuple[str, str]]:
    return [(name, version_of(name)) for name in ("pip", "setuptools", "wheel")]


def _conda_pip() -> str:
    found = version_of("pip")
    return "pip" if found == "unknown" else f"pip<={found}"


def _hashed(requirements: Sequence[str], lock: Path) -> str | None:
    """The pins with the hashes of a lock; None where the lock has not all of them in this version."""
    try:
        hashes = _hashes_of(lock)
    except (OSError, ValueError):
        return None
    lines = []
    for line in requirements:
        known = hashes.get(_normal(line))
        if not known:
            return None
        lines.append(f"{line} \\\n" + " \\\n".join(f"    --hash={each}" for each in known) + "\n")
    return "".join(lines)


def _hashes_of(lock: Path) -> dict[str, list[str]]:
    """``name==version`` → hashes, as ``sha256:…``. Raises OSError, ValueError."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    found: dict[str, list[str]] = {}
    for package in tomllib.loads(lock.read_text("utf-8")).get("packages", ()):
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        hashes = [f"{kind}:{value}" for file in files for kind, value in sorted(file.get("hashes", {}).items())]
        found[_normal(f"{package['name']}=={package.get('version', '')}")] = hashes
    return found


def _normal(pin: str) -> str:
    name, _, version = pin.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version.split('+')[0]}"
