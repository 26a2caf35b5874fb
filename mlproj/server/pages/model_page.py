"""Registered models with their versions, and logged models with their files."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams

from mlproj.foundation.errors import UsageError
from mlproj.server.pages import artifact_page
from mlproj.server.pages.artifact_page import FilesOf, Owner
from mlproj.server.pages.template import render
from mlproj.tracking.base import NotFound
from mlproj.tracking.model_base import (
    LoggedModel,
    ModelRegistry,
    ModelStore,
    ModelVersion,
    RegisteredModels,
)

_PAGE = 100


def registered(
    models: RegisteredModels,
    query: QueryParams,
    path: dict[str, Any],  # noqa: ARG001  # every page takes these
) -> str:
    """All registered models, by name."""
    page = models.search_registered_models(limit=_PAGE, page_token=query.get("page"))
    return render("models.html", title="Registered models", models=page.items, next=page.next_page_token)


def versions(models: ModelRegistry, query: QueryParams, path: dict[str, Any]) -> str:
    """A registered model with its versions, the newest first. Raises NotFound."""
    model = models.get_registered_model(path["name"])
    quote = '"' if "'" in model.name else "'"
    try:
        page = models.search_versions(
            filter=f"name = {quote}{model.name}{quote}",
            order_by=["version_number DESC"],
            limit=_PAGE,
            page_token=query.get("page"),
        )
        found, following = page.items, page.next_page_token
    except UsageError:  # a name that the search language cannot say
        found, following = model.latest_versions, None
    return render("model.html", title=model.name, model=model, versions=found, next=following)


def logged(model: LoggedModel, owner: Owner) -> str:
    """A logged model with its files."""
    tags = {key: value for key, value in sorted(model.tags.items()) if not key.startswith("mlflow.")}
    return render(
        "logged_model.html", title=model.name, model=model, tags=tags, artifacts=artifact_page.listing(owner, "")
    )


def owner(model: LoggedModel, files_of: FilesOf) -> Owner:
    """The files of a logged model."""
    base = f"/logged-models/{model.model_id}"
    return Owner(lambda: files_of(model.artifact_uri), base, [(model.name, base)])


def of_run(
    models: ModelStore, run_id: str
) -> tuple[list[tuple[LoggedModel, bool, list[ModelVersion]]], list[ModelVersion]]:
    """The logged models of a run (each with whether it was only used, and what it is registered as), and its other
    versions."""
    registered_here = list(models.search_versions(filter=f"run_id = '{run_id}'").items)
    found = []
    for link in models.models_of_runs([run_id]).get(run_id, ()):
        try:
            model = models.get_logged_model(link.model_id, deleted_too=True)
        except NotFound:  # purged
            continue
        found.append(
            (model, not link.output, [version for version in registered_here if version.model_id == model.model_id])
        )
    shown = {model.model_id for model, _, _ in found}
    return found, [version for version in registered_here if version.model_id not in shown]
