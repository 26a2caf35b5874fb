"""MLflow's endpoints for experiments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlproj.server import wire
from mlproj.server.call import ApiError, Call, Routes, admin, read, write
from mlproj.tracking.base import Experiment, Page, Run

_MOST = 50_000  # experiments of one page
_LONGEST_NAME = 500
_MOST_SEARCHED = 20  # experiments whose datasets are looked for at once
_MOST_DATASETS = 1000


def _create(call: Call) -> Mapping[str, Any]:
    name = _checked_name(call.text("name"))
    tags = wire.to_pairs(call.items("tags"), "tags")
    wanted = call.optional_text("artifact_location")
    location = call.accept_place(wanted) if wanted else None
    return {"experiment_id": call.store.create_experiment(name, location, tags=tags, new=True).experiment_id}


def _get(call: Call) -> Mapping[str, Any]:
    return {"experiment": _shown(call, call.store.get_experiment(experiment_id=call.text("experiment_id")))}


def _get_by_name(call: Call) -> Mapping[str, Any]:
    return {"experiment": _shown(call, call.store.get_experiment(name=call.text("experiment_name")))}


def _search(call: Call) -> Mapping[str, Any]:
    return _page(
        call,
        call.store.search_experiments(
            filter=call.optional_text("filter") or "",
            order_by=[str(key) for key in call.items("order_by")],
            lifecycle_stage=wire.to_stage(call, "view_type"),
            limit=call.limit("max_results", 1000, _MOST),
            page_token=call.optional_text("page_token") or None,
        ),
    )


def _list(call: Call) -> Mapping[str, Any]:
    limit = call.limit("max_results", _MOST, _MOST)
    token = call.optional_text("page_token") or None
    stage = wire.to_stage(call, "view_type")
    return _page(
        call,
        call.store.search_experiments(order_by=["experiment_id"], lifecycle_stage=stage, limit=limit, page_token=token),
    )


def _update(call: Call) -> Mapping[str, Any]:
    call.store.update_experiment(call.text("experiment_id"), name=_checked_name(call.text("new_name")))
    return {}


def _delete(call: Call) -> Mapping[str, Any]:
    call.store.update_experiment(call.text("experiment_id"), lifecycle_stage="deleted")
    return {}


def _restore(call: Call) -> Mapping[str, Any]:
    call.store.update_experiment(call.text("experiment_id"), lifecycle_stage="active")
    return {}


def _set_tag(call: Call) -> Mapping[str, Any]:
    call.store.update_experiment(call.text("experiment_id"), tags={call.text("key"): call.optional_text("value") or ""})
    return {}


def _delete_tag(call: Call) -> Mapping[str, Any]:
    call.store.delete_experiment_tag(call.text("experiment_id"), call.text("key"))
    return {}


def _checked_name(name: str) -> str:
    if not name.strip():
        raise ApiError("INVALID_PARAMETER_VALUE", f"Invalid experiment name: '{name:.80}'.")
    if len(name) > _LONGEST_NAME:
        raise ApiError("INVALID_PARAMETER_VALUE", f"'name' exceeds the maximum length of {_LONGEST_NAME} characters")
    return name


def _search_datasets(call: Call) -> Mapping[str, Any]:
    """Which datasets the runs of some experiments used, those of the newest runs first."""
    wanted = [str(one) for one in call.items("experiment_ids")]
    if not wanted:
        message = "SearchDatasets request must specify at least one experiment_id."
        raise ApiError("INVALID_PARAMETER_VALUE", message)
    if len(wanted) > _MOST_SEARCHED:
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"SearchDatasets request cannot specify more than {_MOST_SEARCHED} experiment_ids. Received {len(wanted)}"
            " experiment_ids.",
        )
    found: dict[tuple[str, str, str, str | None], None] = {}
    for run in _runs_with_datasets(call, wanted):
        for used in run.datasets:
            found[run.experiment_id, used.name, used.digest, used.tags.get("mlflow.data.context")] = None
        if len(found) >= _MOST_DATASETS:
            break
    names = ("experiment_id", "name", "digest", "context")
    summaries = [dict(zip(names, each, strict=True)) for each in list(found)[:_MOST_DATASETS]]
    return {
        "dataset_summaries": [{name: text for name, text in each.items() if text is not None} for each in summaries]
    }


def _runs_with_datasets(call: Call, experiment_ids: list[str]) -> Iterator[Run]:
    token: str | None = None
    while True:
        page = call.store.search_runs(
            experiment_ids=experiment_ids, filter="dataset.name LIKE '%'", limit=1000, page_token=token
        )
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _shown(call: Call, found: Experiment) -> dict[str, Any]:
    return wire.experiment(found, call.artifact_place(found.artifact_location))


def _page(call: Call, page: Page[Experiment]) -> dict[str, Any]:
    token = {"next_page_token": page.next_page_token} if page.next_page_token else {}
    return {"experiments": [_shown(call, found) for found in page.items], **token}


ROUTES: Routes = {
    ("POST", "experiments/create"): write(_create),
    ("GET", "experiments/get"): read(_get),
    ("GET", "experiments/get-by-name"): read(_get_by_name),
    ("POST", "experiments/search"): read(_search),
    ("GET", "experiments/search"): read(_search),
    ("GET", "experiments/list"): read(_list),
    ("POST", "experiments/search-datasets"): read(_search_datasets),
    ("POST", "experiments/update"): write(_update),
    ("POST", "experiments/delete"): admin(_delete),
    ("POST", "experiments/restore"): write(_restore),
    ("POST", "experiments/set-experiment-tag"): write(_set_tag),
    ("POST", "experiments/delete-experiment-tag"): write(_delete_tag),
}
