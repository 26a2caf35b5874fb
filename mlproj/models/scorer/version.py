"""The versions that a model was saved with, and those that are here."""

from __future__ import annotations

import importlib
import platform
import re
from collections.abc import Iterator

from .model_folder import ModelFolder

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;#,]+)")
_FOR_PROCESSORS = ("xgboost", "tensorflow")
_NOT_ASKED = ("mlflow", "mlflow-skinny")  # wrote the model, and need not be here
_KEYS = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "catboost": ("catboost", "catboost_version"),
    "statsmodels": ("statsmodels", "statsmodels_version"),
    "onnx": ("onnx", "onnx_version"),
    "pytorch": ("torch", "pytorch_version"),
    "tensorflow": ("tensorflow", "tensorflow_version"),
    "keras": ("keras", "keras_version"),
    "transformers": ("transformers", "transformers_version"),
    "sentence_transformers": ("sentence-transformers", "sentence_transformers_version"),
    "python_function": ("cloudpickle", "cloudpickle_version"),
}


def recorded_versions(model: ModelFolder) -> dict[str, str]:
    """Distribution → version, as the model's requirements.txt and its MLmodel file say."""
    versions = dict(_pins(model))
    for flavor, (distribution, key) in _KEYS.items():
        version = model.flavor(flavor).get(key)
        if version:
            versions[distribution] = str(version)
    return versions


def _pins(model: ModelFolder) -> Iterator[tuple[str, str]]:
    try:
        lines = (model.folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        pin = _PIN.match(line.strip())
        if pin:
            yield pin.group(1).lower().replace("_", "-"), pin.group(2)


def installed_version(distribution: str) -> str | None:
    """The version of a distribution, or of its build for processors only, in this environment; None when it is not
    there."""
    found = _installed_version(distribution)
    return _installed_version(distribution + "-cpu") if found is None and distribution in _FOR_PROCESSORS else found


def _installed_version(distribution: str) -> str | None:
    try:
        from importlib.metadata import PackageNotFoundError, version
    except ImportError:  # Python 3.7
        return _installed_version_in_37(distribution)
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _installed_version_in_37(distribution: str) -> str | None:
    pkg_resources = importlib.import_module("pkg_resources")

    try:
        return str(pkg_resources.get_distribution(distribution).version)
    except pkg_resources.DistributionNotFound:
        return None


def differing_versions(model: ModelFolder) -> str:
    """A sentence on what the model was saved with and is otherwise here; empty when nothing differs."""
    saved = {name: version for name, version in recorded_versions(model).items() if name not in _NOT_ASKED}
    here = {name: installed_version(name) or "none" for name in saved}
    differing = [
        f"{name} {version} (here: {here[name]})"
        for name, version in sorted(saved.items())
        if here[name].split("+")[0] != version.split("+")[0]
    ]
    python = str(model.pyfunc.get("python_version") or "")
    if python and python.split(".")[:2] != platform.python_version().split(".")[:2]:
        differing.insert(0, f"Python {python} (here: {platform.python_version()})")
    return "The model was saved with " + ", ".join(differing) if differing else ""
