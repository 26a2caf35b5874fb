"""Saving a model to a folder in MLflow's format."""

from __future__ import annotations

import json
import os
import platform
import shutil
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

import mlproj
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import UsageError
from mlproj.models.writing import environment_files, example, flavors, given_signature, inference, requirements
from mlproj.models.writing.version import pin_of
from mlproj.models.writing.written import Order, Written


@dataclass(frozen=True)
class Extras:
    """What is kept with a model besides itself; the fields are the arguments of :func:`save_model`.

    ``document`` is further keys of the ``MLmodel`` file; ``lock`` the ``pylock.toml`` of the run.
    """

    signature: Any = None
    input_example: Any = None
    pip_requirements: Sequence[str] | None = None
    code_paths: Sequence[str | os.PathLike[str]] | None = None
    metadata: Mapping[str, Any] | None = None
    pickle: bool = False
    document: Mapping[str, Any] = field(default_factory=dict)
    lock: Path | None = None


def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    signature: Any = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | None = None,
    code_paths: Sequence[str | os.PathLike[str]] | None = None,
    metadata: Mapping[str, Any] | None = None,
    pickle: bool = False,
) -> Path:
    """Save a model to the new folder *path*, in the format of MLflow, which reads it from 1.30 on; the folder.

    A format without code in it is taken where the library has one; *pickle* allows one that executes code when it is
    read. *signature* is what :func:`mlproj.infer_signature` or MLflow's ``infer_signature`` gave; without one it is
    inferred from *input_example*: data, or a pair of data and parameters. *pip_requirements* are what predicting needs
    installed; without them the model is loaded in a fresh process, asked the example, and what gets imported is
    pinned. *code_paths* are files and folders of modules that go along.

    Raises UsageError for a model that cannot be written as asked, and when *path* is there.
    """
    extras = Extras(signature, input_example, pip_requirements, code_paths, metadata, pickle)
    return save(model, Path(path), extras)


def save(model: Any, path: Path, extras: Extras) -> Path:
    """The same with what only a run knows."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"there is something at {path} already; a model is saved to a new folder")
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}.part")
    draft.mkdir()
    try:
        _write(model, draft, extras)
        if path.exists():
            path.rmdir()
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return path


def _write(model: Any, folder: Path, extras: Extras) -> None:
    uuid = os.urandom(16).hex()
    data, params = example.parts_of(extras.input_example)
    written = flavors.write(Order(model, folder, extras.pickle, data, uuid))
    document: dict[str, Any] = {"flavors": _flavors(written, _copy_code(written, extras, folder))}
    if extras.input_example is not None:
        document["saved_input_example_info"] = example.write(extras.input_example, folder)
    document["signature"] = given_signature.parts_of(extras.signature) or _of_example(data, params)
    document = _described(document, written, extras, uuid)
    _write_document(document, folder)  # which MLflow's own loader reads, where that is asked
    measured = _measure(folder, document, extras, data, params)
    if extras.signature is None and measured.outputs is not None:
        document["signature"]["outputs"] = json.dumps(given_signature.taking_nulls(measured.outputs))
    environment_files.write(folder, _requirements(written, extras, measured), extras.lock)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    _write_document({**document, "model_size_bytes": size}, folder)


def _write_document(document: Mapping[str, Any], folder: Path) -> None:
    content = {key: value for key, value in document.items() if value is not None}
    (folder / "MLmodel").write_text(yaml.safe_dump(content, sort_keys=True, allow_unicode=True), encoding="utf-8")


def _of_example(data: Any, params: Mapping[str, Any] | None) -> dict[str, str | None] | None:
    """The signature of a model with this example, as far as its input goes; None without one."""
    if data is None:
        return None
    inputs = given_signature.taking_nulls(inference.infer_schema(data))
    return inference.to_document(inputs, None, inference.infer_params(params))


def _flavors(written: Written, code: str | None) -> dict[str, Any]:
    pyfunc = {
        **written.pyfunc,
        "python_version": platform.python_version(),
        "env": dict(environment_files.ENV),
        **({"code": code} if code else {}),
    }
    native = {**written.options, **({"code": code} if "code" in written.options else {})}
    return {"python_function": pyfunc, **({written.flavor: native} if written.flavor else {})}


def _copy_code(written: Written, extras: Extras, folder: Path) -> str | None:
    """Put the modules that go along below ``code``; its name, None where there are none."""
    target = folder / "code"
    given = [Path(each) for each in extras.code_paths] if extras.code_paths is not None else list(written.code)
    for source in given:
        if not source.exists():
            raise UsageError(f"there is no file or folder {source}, which code_paths names")
        target.mkdir(exist_ok=True)
        place = target / source.absolute().name
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__", ".*"), dirs_exist_ok=True)
        else:
            shutil.copyfile(source, place)
    return "code" if target.exists() else None


def _measure(
    folder: Path, document: Mapping[str, Any], extras: Extras, data: Any, params: Any
) -> requirements.Measured:
    """What loading and asking the model shows; nothing is done where nothing is to be found out."""
    if extras.pip_requirements is not None and (extras.signature is not None or data is None):
        return requirements.Measured()
    spec = {"folder": str(folder), "mlmodel": document, "options": {}}
    measured = requirements.measure(spec, None if data is None else (data, params))
    if measured.trouble:
        _warn(f"the model was saved, and cannot be asked in a fresh process: {measured.trouble}")
    if measured.unpinned:
        _warn(
            f"the model imports {', '.join(measured.unpinned)}, installed from a folder or repository, which no index "
            "has: pass the code as code_paths"
        )
    return measured


def _requirements(written: Written, extras: Extras, measured: requirements.Measured) -> list[str]:
    """Those given; else what was imported, and at least what the flavor needs."""
    if extras.pip_requirements is not None:
        return list(extras.pip_requirements)
    names = {pin.partition("==")[0].lower().replace("_", "-") for pin in measured.pins}
    missing = [pin_of(name) for name in written.needs if name not in names]
    return sorted([*measured.pins, *missing], key=str.lower)


def _described(document: dict[str, Any], written: Written, extras: Extras, uuid: str) -> dict[str, Any]:
    ours = {"version": mlproj.__version__, "serialization": written.serialization}
    return {
        **document,
        "model_uuid": uuid,
        "utc_time_created": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "metadata": {**(extras.metadata or {}), "mlproj": ours},
        **extras.document,
    }


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=7)
