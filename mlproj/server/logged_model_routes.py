"""MLflow's endpoints of logged models, and those by which runs say which models they made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server import model_wire, run_model, wire
from mlproj.server.call import ApiError, Call, Routes, admin, read, write
from mlproj.server.model_wire import Document
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelDataset, ModelOrder

_MOST_MODELS = 1000  # of one answer
_STATUSES = {str(number): status for number, status in enumerate(LoggedModelStatus, 1)} | {
    each.value: each for each in LoggedModelStatus
}
_HISTORY_FIELDS = ("artifact_path", "flavors", "utc_time_created", "run_id")


def create(call: Call) -> Document:
    """A new model, whose files follow."""
    made = call.models.create_logged_model(
        call.text("experiment_id"),
        name=call.optional_text("name") or None,
        source_run_id=call.optional_text("source_run_id") or None,
        model_type=call.optional_text("model_type") or None,
        params=wire.to_pairs(call.items("params"), "params"),
        tags=wire.to_pairs(call.items("tags"), "tags"),
    )
    return _answer(call, made)


def get(call: Call) -> Document:
    """One model."""
    return _answer(
        call,
        call.models.get_logged_model(call.text("model_id"), deleted_too=model_wire.read_flag(call, "allow_deleted")),
    )


def finish(call: Call) -> Document:
    """How saving its files ended; the status is a name of MLflow's or its number."""
    status_text = call.word("status") or call.text("status")
    status = _STATUSES.get(status_text)
    if status is None:
        expected = ", ".join(each.value for each in LoggedModelStatus)
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"Invalid value {status_text!r:.80} for parameter 'status': one of {expected} was expected.",
        )
    return _answer(call, call.models.finish_logged_model(call.text("model_id"), status))


def delete(call: Call) -> Document:
    """Hide a model."""
    call.models.delete_logged_model(call.text("model_id"))
    return {}


def set_tags(call: Call) -> Document:
    """Set tags."""
    return _answer(
        call, call.models.set_logged_model_tags(call.text("model_id"), wire.to_pairs(call.items("tags"), "tags"))
    )


def delete_tag(call: Call) -> Document:
    """Remove a tag."""
    call.models.delete_logged_model_tag(call.text("model_id"), call.text("tag_key"))
    return {}


def log_params(call: Call) -> Document:
    """Add parameters."""
    call.models.log_model_params(call.text("model_id"), wire.to_pairs(call.items("params"), "params"))
    return {}


def search(call: Call) -> Document:
    """A page of models."""
    found = call.models.search_logged_models(
        _required(call, "experiment_ids", model_wire.read_texts(call, "experiment_ids")),
        filter=call.optional_text("filter") or "",
        datasets=[_dataset(item) for item in _objects(call, "datasets")],
        order_by=[_order(item) for item in _objects(call, "order_by")],
        limit=call.limit("max_results", 100, _MOST_MODELS),
        page_token=call.optional_text("page_token") or None,
    )
    return model_wire.page(
        "models", (model_wire.logged_model(model, call.artifact_place) for model in found.items), found.next_page_token
    )


def log_outputs(call: Call) -> Document:
    """Which models a run made."""
    _required(call, "models", call.items("models"))
    run_model.log_models(call, run_model.read_models(call, output=True))
    return {}


def log_model(call: Call) -> Document:
    """A model that a client before 3.0 logged, as its ``MLmodel`` file in JSON; the run's history keeps what tells it
    apart."""
    try:
        model = json.loads(call.text("model_json"))
    except (ValueError, RecursionError):
        raise ApiError("INVALID_PARAMETER_VALUE", "Malformed model info: 'model_json' is not valid JSON.") from None
    missing = [name for name in _HISTORY_FIELDS if not isinstance(model, Mapping) or name not in model]
    if missing:
        raise ApiError("INVALID_PARAMETER_VALUE", f"Model json is missing mandatory fields: {', '.join(missing)}")
    entry = {name: model[name] for name in (*_HISTORY_FIELDS, "model_uuid") if name in model}
    call.models.append_model_history(call.run_id(), {**entry, "flavors": _flavors(entry["flavors"])})
    return {}


def _flavors(flavors: Any) -> Any:
    """The flavors without their ``config``, which may be large and is in the file."""
    if not isinstance(flavors, Mapping):
        return flavors
    return {
        name: {key: value for key, value in flavor.items() if key != "config"}
        if isinstance(flavor, Mapping)
        else flavor
        for name, flavor in flavors.items()
    }


def _dataset(item: Mapping[str, Any]) -> ModelDataset:
    name = item.get("dataset_name")
    if not name:
        raise ApiError("INVALID_PARAMETER_VALUE", "`dataset_name` in the `datasets` clause must be specified.")
    return ModelDataset(str(name), _text(item.get("dataset_digest")))


def _order(item: Mapping[str, Any]) -> ModelOrder:
    if not item.get("field_name"):
        raise ApiError("INVALID_PARAMETER_VALUE", "`field_name` in the `order_by` clause must be specified.")
    ascending = item.get("ascending", True) is not False
    return ModelOrder(
        str(item["field_name"]), ascending, _text(item.get("dataset_name")), _text(item.get("dataset_digest"))
    )


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _required(call: Call, name: str, found: Sequence[Any]) -> Sequence[Any]:
    """*found*, unless the request has no field *name*: ApiError."""
    if call.fields.get(name) is None:
        raise ApiError("INVALID_PARAMETER_VALUE", f"Missing value for required parameter '{name}'.")
    return found


def _objects(call: Call, name: str) -> list[Mapping[str, Any]]:
    found = call.items(name)
    if not all(isinstance(item, Mapping) for item in found):
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid value for parameter '{name}': a list of objects was expected."
        )
    return found


def _answer(call: Call, model: LoggedModel) -> Document:
    return {"model": model_wire.logged_model(model, call.artifact_place)}


ROUTES: Routes = {
    ("POST", "logged-models"): write(create),
    ("POST", "logged-models/search"): read(search),
    ("GET", "logged-models/{model_id}"): read(get),
    ("PATCH", "logged-models/{model_id}"): write(finish),
    ("DELETE", "logged-models/{model_id}"): admin(delete),
    ("PATCH", "logged-models/{model_id}/tags"): write(set_tags),
    ("DELETE", "logged-models/{model_id}/tags/{tag_key:path}"): write(delete_tag),
    ("POST", "logged-models/{model_id}/params"): write(log_params),
    ("POST", "runs/outputs"): write(log_outputs),
    ("POST", "runs/log-model"): write(log_model),
}
