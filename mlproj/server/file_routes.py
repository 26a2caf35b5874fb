"""The files of runs, model versions and logged models at the addresses of MLflow's web pages."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlproj.artifacts.base import parts_of
from mlproj.server import artifact_files
from mlproj.server.call import ApiError, Call, Endpoint, Routes, read, write
from mlproj.tracking.model_name import to_version

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlproj.artifacts.base import ArtifactStore

_NOT_HERE = "The artifacts at {0:.200} are not kept by this server: ask for them there."


def of_run(call: Call) -> Response:
    """A file of a run."""
    path = _inside(call.text("path"))
    return _sent(call, call.run().artifact_uri, path)


def of_version(call: Call) -> Response:
    """A file of a version of a registered model."""
    path = _inside(call.text("path"))
    return _sent(call, call.models.download_uri(call.text("name"), to_version(call.text("version"))), path)


def of_logged_model(call: Call) -> Response:
    """A file of a logged model."""
    path = call.optional_text("artifact_file_path")
    if not path:
        raise ApiError("BAD_REQUEST", 'Request must include the "artifact_file_path" query parameter.')
    path = _inside(path)
    return _sent(call, call.models.get_logged_model(call.text("model_id")).artifact_uri, path)


def upload(call: Call) -> Mapping[str, Any]:
    """Write a file of a run: the request's body."""
    _require(call, "run_uuid")
    _require(call, "path")
    path = _inside(call.text("path"))
    data: bytes = _require(call, "data")
    store, place = _found(call, call.run().artifact_uri, path)
    with store.create(place) as write_portion:
        write_portion(data)
    return {}


def _require(call: Call, name: str) -> Any:
    value = call.fields.get(name)
    if not value:
        raise ApiError("INVALID_PARAMETER_VALUE", f"Request must specify {name}.")
    return value


def _inside(path: str) -> str:
    """*path* in its plain form. Raises InvalidPath, whatever else is wrong with the request."""
    return "/".join(parts_of(path))


def _sent(call: Call, top: str, path: str) -> Response:
    return artifact_files.sent(*_found(call, top, path))


def _found(call: Call, top: str, path: str) -> tuple[ArtifactStore, str]:
    """The store and the place in it of what is at *path* below the place *top*. Raises ApiError."""
    found = call.artifacts(top)
    if found is None:
        raise ApiError("RESOURCE_DOES_NOT_EXIST", _NOT_HERE.format(call.artifact_place(top)))
    store, place = found
    return store, posixpath.join(place, path)


ROUTES: Routes = {
    ("GET", "logged-models/{model_id}/artifacts/files"): read(of_logged_model),
    ("POST", "upload-artifact"): write(upload)._replace(takes_file=True),
}

PAGES: Sequence[tuple[str, Endpoint]] = (
    ("/get-artifact", read(of_run)),
    ("/model-versions/get-artifact", read(of_version)),
)
