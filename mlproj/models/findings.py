"""What is wrong with a model, or doubtful, as far as its files tell: nothing is loaded, and no index is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mlproj.foundation import file_tree, presence
from mlproj.foundation.errors import Notice, Place
from mlproj.models import pickled
from mlproj.models.mlmodel import NAME, PYFUNC
from mlproj.models.opened import OpenedModel
from mlproj.models.pickled import Imports

_PICKLES = (".pkl", ".pickle", ".joblib", ".pth", ".pt", ".bin", ".skops", ".pt2")
_PINNED = re.compile(r"={2,3}\s*[^*\s]+$")
_ABSOLUTE = re.compile(r"(?:^|\s|@\s*)(?:file:///|/(?=[^\s/]))")
_LOCAL_VERSION = re.compile(r"^([\w.-]+)\s*={2,3}\s*[\w.]+\+([\w.]+)")
_MOST_NAMED = 8
_MLMODEL = Place(NAME)


def findings(opened: OpenedModel) -> list[Notice]:
    """Everything, what is plainly wrong first. Raises OSError."""
    checks: tuple[Callable[[OpenedModel], Iterator[Notice]], ...] = (
        _of_flavors,
        _of_missing_files,
        _of_imports,
        _of_signature,
        _of_requirements,
    )
    found = [*opened.file.notices, *(notice for check in checks for notice in check(opened))]
    return sorted(found, key=lambda notice: not notice.is_error)


def pickle_imports(opened: OpenedModel) -> dict[str, Imports]:
    """What unpickling each file of the model would import, by its path in the model's folder."""
    found = {}
    for folder, folders, files in file_tree.walk(opened.folder):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if name != NAME and path.suffix.lower() in (*_PICKLES, ""):
                read = pickled.imports(path) if presence.is_file(path) else None
                if read is not None:
                    found[path.relative_to(opened.folder).as_posix()] = read
    return found


def _of_flavors(opened: OpenedModel) -> Iterator[Notice]:
    if PYFUNC not in opened.file.flavors:
        yield Notice(
            f"it has no flavor {PYFUNC}, only {', '.join(opened.file.flavors)}: it can be loaded by that library alone",
            _MLMODEL,
            "save it with a flavor that predicts",
            is_error=True,
        )
    elif not opened.file.pyfunc.get("loader_module"):
        yield Notice(f"{PYFUNC} names no loader_module", _MLMODEL, is_error=True)


def _of_missing_files(opened: OpenedModel) -> Iterator[Notice]:
    for key, name in _named_files(opened):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            yield Notice(f"{key} names {name!r}, which is outside of the model", _MLMODEL, is_error=True)
        elif not presence.exists(opened.folder / name):
            yield Notice(
                f"{key} names {name!r}, which is not there",
                _MLMODEL,
                "the model was not copied whole, or not uploaded to its end",
                is_error=True,
            )
    example = opened.file.document.get("saved_input_example_info")
    stored = example.get("artifact_path") if isinstance(example, dict) else None
    if isinstance(stored, str) and not presence.is_file(opened.folder / Path(stored).name):
        yield Notice(f"the input example {stored!r} is not there", _MLMODEL)


def _named_files(opened: OpenedModel) -> Iterator[tuple[str, str]]:
    pyfunc = opened.file.pyfunc
    for key in ("code", "data", "model_path", "python_model"):
        if isinstance(name := pyfunc.get(key), str) and name:
            yield key, name
    if isinstance(code := pyfunc.get("model_code_path"), str) and code:
        yield "model_code_path", Path(code).name  # MLflow writes where the saver had it; the copy is beside MLmodel
    for flavor in opened.file.native_flavors:
        options = opened.file.flavors[flavor]
        for key in ("pickled_model", "data", "model_data", "model_binary"):
            if isinstance(name := options.get(key), str) and name:
                yield f"{flavor}'s {key}", name


def _of_imports(opened: OpenedModel) -> Iterator[Notice]:
    for name, found in pickle_imports(opened).items():
        place = Place(name)
        if found.dangerous:
            listed = ", ".join(found.dangerous[:_MOST_NAMED])
            yield Notice(
                f"unpickling it would import {listed}, which no model needs and which can run any program",
                place,
                "do not load it unless you know who made it",
                is_error=True,
            )
        if own := [each for each in found.names if each.startswith("__main__.")]:
            yield Notice(
                f"it was pickled with {', '.join(own[:_MOST_NAMED])}, which only the program that saved it has",
                place,
                "put the class into a module of its own and save the model with code_paths",
                is_error=True,
            )
        if not found.complete:
            yield Notice("what it imports could be read in part only", place)


def _of_signature(opened: OpenedModel) -> Iterator[Notice]:
    signature = opened.file.signature
    if signature is None and not any("signature" in notice.text for notice in opened.file.notices):
        yield Notice(
            "it has no signature: what it is given is not checked",
            _MLMODEL,
            "save it with signature=… or an input_example",
        )


def _of_requirements(opened: OpenedModel) -> Iterator[Notice]:
    files = [opened.folder / name for name in ("requirements.txt", opened.file.environment_file("conda"))]
    if not any(presence.is_file(file) for file in files):
        yield Notice("no file says which packages it needs", _MLMODEL, "save it with pip_requirements", is_error=True)
        return
    if not presence.is_file(files[0]):
        return
    loose = []
    for number, line in enumerate(_lines(files[0]), start=1):
        text = line.partition("#")[0].partition(";")[0].strip()
        place = Place("requirements.txt", number)
        if _ABSOLUTE.search(text):
            yield Notice(f"{text!r:.100} is a path of the machine that saved the model", place, is_error=True)
        elif local := _LOCAL_VERSION.match(text):
            yield Notice(
                f"{local[1]} is pinned to a build '+{local[2]}', which the public index does not have",
                place,
                "--env-manager local, or an --extra-index-url that has it",
            )
        elif text and not text.startswith("-") and not _PINNED.search(text):
            loose.append(text)
    if loose:
        more = " …" if len(loose) > _MOST_NAMED else ""
        yield Notice(f"not pinned to one version: {', '.join(loose[:_MOST_NAMED])}{more}", Place("requirements.txt"))


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8", "replace").splitlines()
