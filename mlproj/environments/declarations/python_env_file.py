"""python_env.yaml: ``python``, ``build_dependencies`` and ``dependencies``, as MLflow 3.17 reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.draft import Draft
from mlproj.foundation.errors import InvalidProject, Place, did_you_mean
from mlproj.yaml_document import Document

_KEYS = ("python", "build_dependencies", "dependencies")
_HARMLESS = ("name",)


def read_into(draft: Draft, document: Document, path: Path) -> None:
    """Add what the python_env *document*, read from *path*, asks for. Raises InvalidProject."""
    for key in document.value:
        if key not in (*_KEYS, *_HARMLESS):
            close = did_you_mean(str(key), _KEYS)
            draft.warn(
                f"unknown key '{key}'" + (f", did you mean '{close}'?" if close else ""), document.key_place(key)
            )
    if document.value.get("python") is not None:
        _python(draft, document, path)
    _lines(draft, document, ("build_dependencies",), path)
    draft.build_dependencies, draft.packages = draft.packages, []
    _lines(draft, document, ("dependencies",), path)


def python_version(text: str, place: Place) -> str:
    """A Python version or specifier as :class:`Requirements` keeps it. Raises InvalidProject."""
    wanted = re.sub(r"^python\s*(?=[=<>!~ \d])", "", text.strip(), flags=re.IGNORECASE).strip()
    exact = re.fullmatch(r"(?:={1,3}\s*)?(\d+(?:\.\d+){0,2})(\.\*)?", wanted, re.ASCII)
    if exact:
        return exact[1] if "." in exact[1] else f"=={exact[1]}.*"
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 8 ms, and most files name a plain version

    try:
        specifier = str(SpecifierSet(wanted))
    except InvalidSpecifier:
        specifier = ""
    if not specifier:
        raise InvalidProject(
            f"{text!r} is no Python version", place=place, hint="expected a version such as 3.10, or >=3.9"
        )
    return specifier


def _python(draft: Draft, document: Document, path: Path) -> None:
    value, place = document.value["python"], document.place("python")
    if isinstance(value, bool | dict | list):
        raise InvalidProject("'python' must be a version", place=place, hint='write python: "3.10"')
    # Without quotes YAML reads 3.10 as the number 3.1: what stands in the file counts.
    draft.choose_python(python_version(document.raw("python"), place), f"{path.name} names it")


def _lines(draft: Draft, document: Document, keys: tuple[Any, ...], path: Path) -> None:
    value: Any = document.value
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value[key]
    if value is None:
        return
    if not isinstance(value, list):
        raise InvalidProject(
            f"'{keys[-1]}' must be a list", place=document.place(*keys), hint="begin each line with '- '"
        )
    for index, item in enumerate(value):
        here = (*keys, index)
        if item is None:
            draft.warn("this list item is empty", document.place(*here))
        elif isinstance(item, dict) and list(item) == ["pip"]:
            draft.note(f"'pip:' is conda's word: its list in {path.name} is read as dependencies")
            _lines(draft, document, (*here, "pip"), path)
        elif isinstance(item, str):
            from mlproj.environments.declarations import requirements_file

            requirements_file.add_text(draft, item, path.parent, document.place(*here))
        else:
            raise InvalidProject("a dependency must be a text such as numpy==1.20.1", place=document.place(*here))
