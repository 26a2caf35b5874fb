"""MLflow's endpoints of the model registry: ``registered-models/`` and ``model-versions/``.

Clients before 2.0 ask below ``preview/``, list instead of searching and send GET where later ones POST.
"""

from __future__ import annotations

from mlproj.server import model_wire, wire
from mlproj.server.call import Call, Routes, admin, read, write
from mlproj.server.model_wire import Document
from mlproj.tracking.model_name import to_version

_MOST_MODELS = 1000  # of one answer, as in MLflow
_MOST_VERSIONS = 200_000


def create_registered_model(call: Call) -> Document:
    """A new name."""
    tags = wire.to_pairs(call.items("tags"), "tags")
    made = call.models.create_registered_model(
        call.text("name"), description=call.optional_text("description"), tags=tags
    )
    return {"registered_model": model_wire.registered_model(made)}


def get_registered_model(call: Call) -> Document:
    """One registered model."""
    return {"registered_model": model_wire.registered_model(call.models.get_registered_model(call.text("name")))}


def search_registered_models(call: Call) -> Document:
    """A page of registered models."""
    found = call.models.search_registered_models(
        filter=call.optional_text("filter") or "",
        order_by=model_wire.read_texts(call, "order_by"),
        limit=call.limit("max_results", 100, _MOST_MODELS),
        page_token=call.optional_text("page_token") or None,
    )
    return model_wire.page("registered_models", map(model_wire.registered_model, found.items), found.next_page_token)


def update_registered_model(call: Call) -> Document:
    """Another description."""
    updated = call.models.update_registered_model(
        call.text("name"), description=call.optional_text("description") or ""
    )
    return {"registered_model": model_wire.registered_model(updated)}


def rename_registered_model(call: Call) -> Document:
    """Another name."""
    return {
        "registered_model": model_wire.registered_model(
            call.models.rename_registered_model(call.text("name"), call.text("new_name"))
        )
    }


def delete_registered_model(call: Call) -> Document:
    """Gone with its versions."""
    call.models.delete_registered_model(call.text("name"))
    return {}


def set_registered_model_tag(call: Call) -> Document:
    """Set a tag."""
    call.models.set_registered_model_tag(call.text("name"), call.text("key"), call.optional_text("value") or "")
    return {}


def delete_registered_model_tag(call: Call) -> Document:
    """Remove a tag."""
    call.models.delete_registered_model_tag(call.text("name"), call.text("key"))
    return {}


def set_alias(call: Call) -> Document:
    """Let an alias stand for a version."""
    call.models.set_alias(call.text("name"), call.text("alias"), to_version(call.text("version")))
    return {}


def get_version_by_alias(call: Call) -> Document:
    """The version of an alias."""
    return {
        "model_version": model_wire.model_version(
            call.models.get_version_by_alias(call.text("name"), call.text("alias"))
        )
    }


def delete_alias(call: Call) -> Document:
    """Remove an alias."""
    call.models.delete_alias(call.text("name"), call.text("alias"))
    return {}


def get_latest_versions(call: Call) -> Document:
    """The newest version of each stage."""
    found = call.models.latest_versions(call.text("name"), model_wire.read_texts(call, "stages"))
    return model_wire.page("model_versions", map(model_wire.model_version, found), None)


def create_version(call: Call) -> Document:
    """The next version of a model."""
    made = call.models.create_version(
        call.text("name"),
        call.text("source"),
        run_id=call.optional_text("run_id") or None,
        run_link=call.optional_text("run_link"),
        model_id=call.optional_text("model_id") or None,
        description=call.optional_text("description"),
        tags=wire.to_pairs(call.items("tags"), "tags"),
    )
    return {"model_version": model_wire.model_version(made)}


def get_version(call: Call) -> Document:
    """One version."""
    return {"model_version": model_wire.model_version(call.models.get_version(*_version(call)))}


def search_versions(call: Call) -> Document:
    """A page of versions."""
    found = call.models.search_versions(
        filter=call.optional_text("filter") or "",
        order_by=model_wire.read_texts(call, "order_by"),
        limit=call.limit("max_results", 10_000, _MOST_VERSIONS),
        page_token=call.optional_text("page_token") or None,
    )
    return model_wire.page("model_versions", map(model_wire.model_version, found.items), found.next_page_token)


def update_version(call: Call) -> Document:
    """Another description."""
    updated = call.models.update_version(*_version(call), description=call.optional_text("description") or "")
    return {"model_version": model_wire.model_version(updated)}


def delete_version(call: Call) -> Document:
    """Gone with its aliases."""
    call.models.delete_version(*_version(call))
    return {}


def set_version_tag(call: Call) -> Document:
    """Set a tag."""
    call.models.set_version_tag(*_version(call), call.text("key"), call.optional_text("value") or "")
    return {}


def delete_version_tag(call: Call) -> Document:
    """Remove a tag."""
    call.models.delete_version_tag(*_version(call), call.text("key"))
    return {}


def move_to_stage(call: Call) -> Document:
    """Put a version in a stage."""
    archive_others = model_wire.read_flag(call, "archive_existing_versions")
    moved = call.models.move_to_stage(*_version(call), call.text("stage"), archive_others=archive_others)
    return {"model_version": model_wire.model_version(moved)}


def get_download_uri(call: Call) -> Document:
    """Where the client finds the files of a version."""
    return {"artifact_uri": call.artifact_place(call.models.download_uri(*_version(call)))}


def _version(call: Call) -> tuple[str, int]:
    return call.text("name"), to_version(call.text("version"))


ROUTES: Routes = {
    ("POST", "registered-models/create"): write(create_registered_model),
    ("GET", "registered-models/get"): read(get_registered_model),
    ("GET", "registered-models/search"): read(search_registered_models),
    ("POST", "registered-models/search"): read(search_registered_models),
    ("GET", "registered-models/list"): read(search_registered_models),
    ("PATCH", "registered-models/update"): write(update_registered_model),
    ("POST", "registered-models/update"): write(update_registered_model),
    ("POST", "registered-models/rename"): write(rename_registered_model),
    ("DELETE", "registered-models/delete"): admin(delete_registered_model),
    ("POST", "registered-models/delete"): admin(delete_registered_model),
    ("POST", "registered-models/set-tag"): write(set_registered_model_tag),
    ("DELETE", "registered-models/delete-tag"): write(delete_registered_model_tag),
    ("POST", "registered-models/alias"): write(set_alias),
    ("GET", "registered-models/alias"): read(get_version_by_alias),
    ("DELETE", "registered-models/alias"): write(delete_alias),
    ("POST", "registered-models/get-latest-versions"): read(get_latest_versions),
    ("GET", "registered-models/get-latest-versions"): read(get_latest_versions),
    ("POST", "model-versions/create"): write(create_version),
    ("GET", "model-versions/get"): read(get_version),
    ("GET", "model-versions/search"): read(search_versions),
    ("POST", "model-versions/search"): read(search_versions),
    ("PATCH", "model-versions/update"): write(update_version),
    ("POST", "model-versions/update"): write(update_version),
    ("DELETE", "model-versions/delete"): admin(delete_version),
    ("POST", "model-versions/delete"): admin(delete_version),
    ("POST", "model-versions/set-tag"): write(set_version_tag),
    ("DELETE", "model-versions/delete-tag"): write(delete_version_tag),
    ("POST", "model-versions/transition-stage"): write(move_to_stage),
    ("GET", "model-versions/get-download-uri"): read(get_download_uri),
}
