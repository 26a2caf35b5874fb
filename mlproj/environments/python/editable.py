"""Packages installed in place (``-e .``), in an environment that outlives the checkout they were installed from.

A run's checkout is a folder of its own, gone afterwards, while the environment is shared. So an editable package is
installed as usual (its metadata, console scripts and dependencies are in the environment), then its link to the folder
is taken out and only its import roots are kept, relative to the folder. Each run puts the roots of *its* checkout on
``PYTHONPATH``. Not covered: extension modules that a build writes into the source folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.dataclass import replace

_MAPPING = r"(?m)^MAPPING(?::[^=]*)?\s*=\s*(\{.*\})\s*$"


def detach(site_packages: Path, folders: list[Path]) -> list[tuple[int, str]]:
    """Take the links to *folders* out of *site_packages*.

    Returns the import roots as (index into *folders*, path relative to that folder).
    """
    roots: dict[tuple[int, str], None] = {}
    places = sorted(site_packages.iterdir())
    for link in (place for place in places if place.suffix in (".pth", ".egg-link")):
        targets = list(_targets(link, site_packages))
        inside = [place for place in (_within(target, folders) for target in targets) if place is not None]
        if inside:
            roots.update(dict.fromkeys(inside))
            link.unlink()
    for origin in (place / "direct_url.json" for place in places if place.suffix == ".dist-info"):
        if origin.exists() and '"editable"' in origin.read_text("utf-8", "replace"):
            origin.unlink()
    return list(roots)


def local(editables: Sequence[str]) -> list[Path]:
    """Those of a declaration's *editables* that are folders of this machine."""
    return [Path(folder) for folder in editables if folder.startswith("/")]


def copied(requirements: Requirements) -> Requirements:
    """*requirements* with the packages that are installed in place installed as copies."""
    folders = tuple(map(str, local(requirements.editables)))
    if not folders:
        return requirements
    rest = tuple(one for one in requirements.editables if one not in folders)
    return replace(requirements, packages=(*requirements.packages, *folders), editables=rest)


def python_path(roots: Sequence[Sequence[Any]], editables: Sequence[str]) -> dict[str, str]:
    """``PYTHONPATH`` with the kept import *roots* of packages that are now in *editables*, before what is inherited;
    empty without any."""
    folders = local(editables)
    places = [
        os.path.normpath(folders[int(index)] / str(relative)) for index, relative in roots if int(index) < len(folders)
    ]
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*places, *([inherited] if inherited else [])])} if places else {}


def _targets(link: Path, site_packages: Path) -> Iterator[Path]:
    """What a ``.pth`` file leads to: paths it lists, and the packages of setuptools' import hook."""
    for line in link.read_text("utf-8", "replace").splitlines():
        if line.startswith("import "):
            hook = re.match(r"import (__editable___\w+)", line)
            if hook:
                yield from _hooked(site_packages / f"{hook[1]}.py")
        elif line.strip().startswith("/"):
            yield Path(line.strip())


def _hooked(hook: Path) -> Iterator[Path]:
    """The parents of the packages that setuptools' editable import hook maps (``MAPPING = {'name': '/path/name'}``)."""
    import ast

    found = re.search(_MAPPING, hook.read_text("utf-8", "replace")) if hook.exists() else None
    if found is None:
        return
    for name, path in ast.literal_eval(found[1]).items():
        place = Path(path)
        yield place.parents[len(name.split(".")) - 1]


def _within(target: Path, folders: list[Path]) -> tuple[int, str] | None:
    real = os.path.realpath(target)
    for index, folder in enumerate(folders):
        top = os.path.realpath(folder)
        if real == top or real.startswith(top + os.sep):
            return index, os.path.relpath(real, top)
    return None
