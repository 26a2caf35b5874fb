"""What can be searched for in the model registry and in logged models, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.tracking.model_base import PROMPT_TAG, ModelDataset, ModelOrder
from mlproj.tracking.search.grammar import parse_filter
from mlproj.tracking.search.sql import Search
from mlproj.tracking.search.vocabulary import Attribute, Family, Type, Vocabulary
from mlproj.tracking.sql.experiment import to_number
from mlproj.tracking.sql.row import text

_FAMILIES = {
    **dict.fromkeys(("tag", "tags"), Family.TAG),
    **dict.fromkeys(("attribute", "attributes", "attr"), Family.ATTRIBUTE),
}


def _times(alias: str, *, created: Sequence[str], updated: Sequence[str]) -> dict[str, Attribute]:
    return {
        **dict.fromkeys(created, Attribute(f"{alias}.creation_time", Type.TIME)),
        **dict.fromkeys(updated, Attribute(f"{alias}.last_update_time", Type.TIME)),
    }


REGISTERED_MODELS = Vocabulary(
    source="registered_models m",
    identity="m.number",
    owner="model",
    attributes={
        "name": Attribute("m.name"),
        # ``timestamp`` is what clients before 2.0 call it.
        **_times("m", created=["creation_timestamp"], updated=["last_updated_timestamp", "timestamp"]),
    },
    families=_FAMILIES,
    tables={Family.TAG: "registered_model_told_tags"},
    sortable=(Family.ATTRIBUTE,),
    order=(("m.name", False),),
    default_order=(("m.name", False),),
)

MODEL_VERSIONS = Vocabulary(
    source="model_versions v JOIN registered_models m ON m.number = v.model",
    identity="v.number",
    owner="version",
    attributes={
        "name": Attribute("m.name"),
        "version_number": Attribute("v.version", Type.NUMBER),
        "run_id": Attribute("v.run_id", nullable=True),
        "source_path": Attribute("v.source"),
        **_times("v", created=["creation_timestamp"], updated=["last_updated_timestamp"]),
    },
    families=_FAMILIES,
    tables={Family.TAG: "model_version_told_tags"},
    sortable=(Family.ATTRIBUTE,),
    order=(("m.name", False), ("v.version", True)),
    default_order=(("v.last_update_time", True), ("m.name", False), ("v.version", True)),
)

LOGGED_MODELS = Vocabulary(
    source="logged_models l",
    identity="l.number",
    owner="model",
    attributes={
        "name": Attribute("l.name"),
        "model_id": Attribute("l.model_id"),
        "model_type": Attribute("l.model_type", nullable=True),
        "status": Attribute("REPLACE(l.status, 'LOGGED_MODEL_', '')"),
        "source_run_id": Attribute("l.source_run_id", nullable=True),
        "experiment_id": Attribute("l.experiment_id", Type.ID),
        **_times(
            "l",
            created=["creation_timestamp", "creation_time", "creation_timestamp_ms"],
            updated=["last_updated_timestamp", "last_updated_timestamp_ms"],
        ),
    },
    families={
        **_FAMILIES,
        **dict.fromkeys(("metric", "metrics"), Family.METRIC),
        **dict.fromkeys(("param", "params"), Family.PARAM),
    },
    tables={
        Family.TAG: "logged_model_tags",
        Family.PARAM: "logged_model_params",
        Family.METRIC: "logged_model_metrics",
    },
    sortable=(Family.ATTRIBUTE,),
    order=(("l.creation_time", True), ("l.model_id", False)),
    default_order=(("l.creation_time", True), ("l.model_id", False)),
)


def without_prompts(filter: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Conditions that leave prompts out, unless *filter* speaks of them."""
    comparisons = parse_filter(filter, vocabulary)
    if any((comparison.key.family, comparison.key.name) == (Family.TAG, PROMPT_TAG) for comparison in comparisons):
        return ()
    row = f"SELECT 1 FROM {vocabulary.tables[Family.TAG]} p WHERE p.{vocabulary.owner} = {vocabulary.identity}"  # noqa: S608  # our names
    return (f"NOT EXISTS ({row} AND p.key = '{PROMPT_TAG}' AND p.value = 'true')",)


def logged_model_search(
    experiment_ids: Sequence[str],
    filter: str,
    datasets: Sequence[ModelDataset],
    order_by: Sequence[ModelOrder],
    limit: int,
    page_token: str | None,
) -> Search:
    """The search that MLflow's ``logged-models/search`` asks for. Raises UsageError."""
    values: dict[str, Any] = {}
    chosen = ", ".join(str(to_number(experiment_id)) for experiment_id in experiment_ids) or "NULL"
    scope = [f"l.experiment_id IN ({chosen})", "l.lifecycle_stage = 'active'"]
    tables = dict(LOGGED_MODELS.tables)
    if datasets:
        tables[Family.METRIC] = _metrics_about(datasets, values)
        comparisons = parse_filter(filter, LOGGED_MODELS)
        if not any(comparison.key.family is Family.METRIC for comparison in comparisons):
            scope.append(f"EXISTS (SELECT 1 FROM {tables[Family.METRIC]} d WHERE d.model = l.number)")  # noqa: S608  # values are bound
    attributes, texts = _orders(order_by, values)
    vocabulary = replace(LOGGED_MODELS, tables=tables, attributes={**LOGGED_MODELS.attributes, **attributes})
    return Search(vocabulary, filter, texts, limit, page_token, scope, values)


def _metrics_about(datasets: Sequence[ModelDataset], values: dict[str, Any]) -> str:
    """The metrics that are about one of *datasets*, as a table."""
    conditions = []
    for dataset in datasets:
        condition = f"dataset_name = {_bind(values, dataset.name)}"
        if dataset.digest:
            condition += f" AND dataset_digest = {_bind(values, dataset.digest)}"
        conditions.append(f"({condition})")
    return f"(SELECT * FROM logged_model_metrics WHERE {' OR '.join(conditions)})"  # noqa: S608  # values are bound


def _orders(order_by: Sequence[ModelOrder], values: dict[str, Any]) -> tuple[Mapping[str, Attribute], list[str]]:
    """Orders as texts, and the attributes they use that stand for a metric's latest value."""
    attributes: dict[str, Attribute] = {}
    texts = []
    for index, order in enumerate(order_by):
        family, dot, name = order.field_name.partition(".")
        word = order.field_name
        if dot and family in ("metric", "metrics"):
            word = f"metric_{index}"
            attributes[word] = Attribute(_latest(name.strip('`"'), order, values), Type.NUMBER, nullable=True)
        elif order.dataset_name:
            raise UsageError(f"only a metric can be of a dataset, not {order.field_name!r:.80}")
        texts.append(f"{word} {'ASC' if order.ascending else 'DESC'}")
    return attributes, texts


def _latest(key: str, order: ModelOrder, values: dict[str, Any]) -> str:
    about = ""
    if order.dataset_name:
        about += f" AND x.dataset_name = {_bind(values, order.dataset_name)}"
    if order.dataset_digest:
        about += f" AND x.dataset_digest = {_bind(values, order.dataset_digest)}"
    return (
        "(SELECT CASE WHEN x.is_nan = 1 THEN NULL ELSE x.value END FROM logged_model_metrics x "  # noqa: S608  # values are bound
        f"WHERE x.model = l.number AND x.key = {_bind(values, key)}{about} ORDER BY x.timestamp DESC, x.step DESC,"
        " x.run_id LIMIT 1)"
    )


def _bind(values: dict[str, Any], value: str) -> str:
    name = f"p{len(values)}"
    values[name] = text(value)
    return f":{name}"
