"""A model's folder together with what its MLmodel file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .loading_error import LoadingError


class ModelFolder:
    """The folder of a model; *config* is what the model was saved with, overridden by what its user asks for."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.folder = Path(spec["folder"])
        self.document: dict[str, Any] = spec["mlmodel"]
        self.flavors: dict[str, Any] = self.document.get("flavors") or {}
        self.pyfunc: dict[str, Any] = self.flavors.get("python_function") or {}
        asked = (spec.get("options") or {}).get("config") or {}
        self.asked_config: dict[str, Any] = asked
        self.config: dict[str, Any] = {**(self.pyfunc.get("config") or {}), **asked}

    def flavor(self, name: str) -> dict[str, Any]:
        """What the MLmodel file says of a flavor; nothing when it does not name it."""
        return self.flavors.get(name) or {}

    @property
    def data_path(self) -> Path:
        """What MLflow hands to a loader: the flavor's file or folder, else the whole folder."""
        data = self.pyfunc.get("data")
        return self.path(data) if data else self.folder

    def path(self, *parts: str) -> Path:
        """The path of something in the folder; LoadingError when it is not there."""
        path = self.folder.joinpath(*parts)
        if path.exists():
            return path
        files = sorted(entry.name for entry in self.folder.iterdir()) if self.folder.is_dir() else []
        raise LoadingError(
            f"the model lacks {'/'.join(parts)}, which its MLmodel file names; "
            f"in {self.folder} there are: {', '.join(files) or 'no files'}"
        )

    def file_of(self, flavor: str, key: str, default: str) -> Path:
        """The path of the file that a flavor's *key* names, by MLflow's name for it where the key is missing."""
        return self.path(self.flavor(flavor).get(key) or default)
