"""MLflow's endpoints for runs and what they log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server import json_text, run_model, run_wire, wire
from mlproj.server.call import ApiError, Call, Routes, admin, read, write
from mlproj.server.json_text import JsonText
from mlproj.tracking.base import NewRun, Run, RunChanges, Status, WrongState

_MOST = 50_000  # runs of one page
_LIMITS = {"metrics": 1000, "params": 100, "tags": 100}
_MOST_IN_BATCH = 1000
_NAME_TAG = "mlflow.runName"
# There is no limit for values: where MLflow cuts long ones off, they are kept whole.


def _create(call: Call) -> JsonText:
    tags = wire.to_pairs(call.items("tags"), "tags")
    name = call.optional_text("run_name") or None
    if name and tags.get(_NAME_TAG, name) != name:
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"Both 'run_name' argument and '{_NAME_TAG}' tag are specified, but with different values"
            f" (run_name='{name:.200}', {_NAME_TAG}='{tags[_NAME_TAG]:.200}').",
        )
    made = call.store.create_run(
        NewRun(
            experiment_id=call.optional_text("experiment_id") or "0",
            run_name=name,
            start_time=call.moment("start_time") or None,
            user=call.optional_text("user_id") or tags.get("mlflow.user"),
            status=wire.to_status(call) or Status.RUNNING,
            tags=tags,
        )
    )
    return json_text.write_object(run=_written(call, [made])[0])


def _get(call: Call) -> JsonText:
    return json_text.write_object(run=_written(call, [call.run()])[0])


def _update(call: Call) -> JsonText:
    run = call.run()
    if run.lifecycle_stage != "active":
        raise WrongState(f"the run {run.run_id} is deleted")
    call.store.update_run(
        run.run_id,
        RunChanges(
            status=wire.to_status(call),
            end_time=call.moment("end_time") or None,
            run_name=call.optional_text("run_name") or None,
        ),
    )
    found = call.store.get_run(run.run_id)
    return json_text.write_object(run_info=run_wire.run_info(found, call.artifact_place(found.artifact_uri)))


def _delete(call: Call) -> Mapping[str, Any]:
    call.store.update_run(call.run().run_id, RunChanges(lifecycle_stage="deleted"))
    return {}


def _restore(call: Call) -> Mapping[str, Any]:
    call.store.update_run(call.run().run_id, RunChanges(lifecycle_stage="active"))
    return {}


def _search(call: Call) -> JsonText:
    page = call.store.search_runs(
        experiment_ids=[str(one) for one in call.items("experiment_ids")],
        filter=call.optional_text("filter") or "",
        order_by=[str(key) for key in call.items("order_by")],
        lifecycle_stage=wire.to_stage(call, "run_view_type"),
        limit=call.limit("max_results", 1000, _MOST),
        page_token=call.optional_text("page_token") or None,
    )
    return json_text.write_object(
        runs=f"[{','.join(_written(call, page.items))}]",
        next_page_token=json_text.write_text(page.next_page_token) if page.next_page_token else "",
    )


def _log_metric(call: Call) -> Mapping[str, Any]:
    of_models = run_model.read_metrics(call, [call.fields])
    call.store.log(call.run_id(), metrics=[wire.to_metric(call.fields)])
    run_model.log_metrics(call, of_models)
    return {}


def _log_param(call: Call) -> Mapping[str, Any]:
    call.store.log(call.run_id(), params=wire.to_pair(call.fields))
    return {}


def _set_tag(call: Call) -> Mapping[str, Any]:
    call.store.log(call.run_id(), tags=wire.to_pair(call.fields))
    return {}


def _delete_tag(call: Call) -> Mapping[str, Any]:
    call.store.delete_tag(call.run_id(), call.text("key"))
    return {}


def _log_batch(call: Call) -> Mapping[str, Any]:
    given = {name: call.items(name) for name in _LIMITS}
    for name, most in _LIMITS.items():
        if len(given[name]) > most:
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                f"A batch logging request can contain at most {most} {name}; got {len(given[name])}.",
            )
    if sum(map(len, given.values())) > _MOST_IN_BATCH:
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"A batch logging request can contain at most {_MOST_IN_BATCH} entries in all."
        )
    params = wire.to_pairs(given["params"], "params")
    if len(params) < len(given["params"]):
        raise ApiError(
            "INVALID_PARAMETER_VALUE", "Duplicate parameter keys have been submitted: each may be there once."
        )
    tags = wire.to_pairs(given["tags"], "tags")
    metrics = wire.to_metrics(given["metrics"])
    of_models = run_model.read_metrics(call, given["metrics"])
    call.store.log(call.run_id(), metrics=metrics, params=params, tags=tags)
    run_model.log_metrics(call, of_models)
    return {}


def _log_inputs(call: Call) -> Mapping[str, Any]:
    datasets, models = wire.to_datasets(call.items("datasets")), run_model.read_models(call, output=False)
    call.store.log_inputs(call.run_id(), datasets)
    run_model.log_models(call, models)
    return {}


def _written(call: Call, found: Sequence[Run]) -> list[JsonText]:
    models = call.models.models_of_runs([run.run_id for run in found])
    return [run_wire.run(run, call.artifact_place(run.artifact_uri), models.get(run.run_id, ())) for run in found]


ROUTES: Routes = {
    ("POST", "runs/create"): write(_create),
    ("GET", "runs/get"): read(_get),
    ("POST", "runs/update"): write(_update),
    ("POST", "runs/delete"): admin(_delete),
    ("POST", "runs/restore"): write(_restore),
    ("POST", "runs/search"): read(_search),
    ("POST", "runs/log-metric"): write(_log_metric),
    ("POST", "runs/log-parameter"): write(_log_param),
    ("POST", "runs/set-tag"): write(_set_tag),
    ("POST", "runs/delete-tag"): write(_delete_tag),
    ("POST", "runs/log-batch"): write(_log_batch),
    ("POST", "runs/log-inputs"): write(_log_inputs),
}
