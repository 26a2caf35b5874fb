"""The same runs in MLflow's own SQLite store and in ours are found by the same filters, in the same order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlproj import tracking
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import DatasetInput, Metric, NewRun, RunChanges, Status, TrackingStore

pytestmark = [pytest.mark.needs("mlflow", "sqlalchemy"), pytest.mark.filterwarnings("ignore")]

_VALUES = ["", "a", "A", "ab", "a%b", "a_b", "[a]*?", "é", "É", "10", "9", "a\nb", "it's"]
_KEYS = ["x", "y z", "mlflow.source.name"]
_PATTERNS = [*_VALUES, "%", "a%", "%B", "_", "a_b", "A%", "%[%", "*"]
_NUMBERS = [0.0, -1.0, 0.5, 2.0, 1e15]  # whose text has no exponent, which MLflow does not read
_METRICS = [*_NUMBERS, math.nan]
_TIMES = [1_000, 2_000]
_STATUSES = ["RUNNING", "FINISHED", "FAILED"]

_RUNS = st.fixed_dictionaries(
    {
        "start": st.sampled_from(_TIMES),
        "end": st.sampled_from([None, 3_000, 4_000]),
        "status": st.sampled_from(_STATUSES),
        "user": st.sampled_from(["ann", "Bob"]),
        "name": st.sampled_from(["n1", "N1", "other"]),
        "params": st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES)),
        "tags": st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES)),
        "metrics": st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_METRICS)),
        "datasets": st.dictionaries(st.sampled_from(["d1", "d2"]), st.sampled_from([None, "train", "test"])),
    }
)


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _keyed(families: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda family, key: f"{family}.`{key}`", st.sampled_from(families), st.sampled_from(_KEYS))


_EQUAL = st.sampled_from(["=", "!="])
_LIKE = st.sampled_from(["LIKE", "ILIKE", "like"])
_LIKE_LOUD = st.sampled_from(["LIKE", "ILIKE"])  # of experiments MLflow takes capital letters only
_COMPARE = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_TEXT, _PATTERN, _NUMBER = (st.sampled_from(values) for values in (_VALUES, _PATTERNS, _NUMBERS))
_TEXTS = _keyed(["params", "param", "parameters", "tags", "tag"])


def _says(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: " ".join(map(str, values)))


_COMPARISON = st.one_of(
    _says(_TEXTS, _EQUAL, _TEXT.map(_quoted)),
    _says(_TEXTS, _LIKE, _PATTERN.map(_quoted)),
    _says(_TEXTS, st.sampled_from(["IS NULL", "IS NOT NULL"])),
    _says(_keyed(["metrics", "metric"]), _COMPARE, _NUMBER),
    _says(
        st.sampled_from(["start_time", "attributes.end_time", "attr.start_time"]),
        _COMPARE,
        st.sampled_from([1000, 1500.5, 3000, 2**62]),
    ),
    _says(st.sampled_from(["status", "attribute.status"]), _EQUAL, st.sampled_from(_STATUSES).map(_quoted)),
    _says(
        st.sampled_from(["run_name", "user_id", "attributes.`Run name`"]),
        _EQUAL,
        st.sampled_from(["n1", "ann"]).map(_quoted),
    ),
    _says(
        st.sampled_from(["run_name", "user_id", "artifact_uri"]),
        _LIKE,
        st.sampled_from(["N%", "%n%", "b__"]).map(_quoted),
    ),
    _says(
        st.sampled_from(["datasets.name", "dataset.digest"]), _EQUAL, st.sampled_from(["d1", "d2-digest"]).map(_quoted)
    ),
    _says(st.just("datasets.context"), _EQUAL, st.sampled_from(["train", "test"]).map(_quoted)),
    _says(st.just("datasets.name"), st.sampled_from(["IN", "NOT IN"]), st.sampled_from(["('d1')", "('d1', 'd2')"])),
    _says(
        st.just("run_id"),
        st.sampled_from(["IN", "NOT IN"]),
        st.sampled_from([f"('{0:032x}')", f"('{1:032x}', '{2:032x}')"]),
    ),
)
_ORDER = _says(
    _keyed(["params", "tags", "metrics"])
    | st.sampled_from(["start_time", "end_time", "status", "run_name", "attributes.user_id", "run_id"]),
    st.sampled_from(["", "ASC", "DESC", "desc"]),
).map(str.strip)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("peer")
    return SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingStore]:
    store = tracking.open(f"sqlite:///{tmp_path_factory.mktemp('ours')}/runs.db")
    yield store
    store.close()


_experiments = iter(range(1, 10**6))


def _record(peer: Any, ours: TrackingStore, runs: list[dict[str, Any]]) -> tuple[str, str, dict[str, str]]:
    """The same runs in both; the two experiments, and our name for each of theirs."""
    from mlflow import entities
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    name = f"experiment {next(_experiments)}"
    theirs, mine = peer.create_experiment(name), ours.create_experiment(name).experiment_id
    names: dict[str, str] = {}
    for run in runs:
        made = peer.create_run(
            theirs, run["user"], run["start"], [entities.RunTag(*item) for item in run["tags"].items()], run["name"]
        )
        run_id = made.info.run_id
        ours.create_run(
            NewRun(
                run_id=run_id,
                experiment_id=mine,
                start_time=run["start"],
                run_name=run["name"],
                user=run["user"],
                params=run["params"],
                tags=run["tags"],
            )
        )
        peer.log_batch(
            run_id,
            [entities.Metric(key, value, 5, 0) for key, value in run["metrics"].items()],
            [entities.Param(*item) for item in run["params"].items()],
            [],
        )
        ours.log(run_id, metrics=[Metric(key, value, 5) for key, value in run["metrics"].items()])
        for dataset, context in run["datasets"].items():
            tags = {} if context is None else {MLFLOW_DATASET_CONTEXT: context}
            entity = entities.Dataset(dataset, f"{dataset}-digest", "local", "x")
            peer.log_inputs(
                run_id, [entities.DatasetInput(entity, [entities.InputTag(*item) for item in tags.items()])]
            )
            ours.log_inputs(run_id, [DatasetInput(dataset, f"{dataset}-digest", "local", "x", tags=tags)])
        peer.update_run_info(run_id, entities.RunStatus.from_string(run["status"]), run["end"], run["name"])
        ours.update_run(run_id, RunChanges(status=Status(run["status"])))
        if run["end"] is not None:
            ours.update_run(run_id, RunChanges(end_time=run["end"]))
        names[run_id] = f"#{len(names)}"
    return theirs, mine, names


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    runs=st.lists(_RUNS, min_size=1, max_size=6),
    searches=st.lists(
        st.tuples(st.lists(_COMPARISON, max_size=3), st.lists(_ORDER, max_size=2)), min_size=8, max_size=8
    ),
    page=st.integers(1, 7),
)
def test_runs_are_found_as_mlflow_finds_them(
    peer: Any, ours: TrackingStore, runs: list[dict[str, Any]], searches: list[tuple[list[str], list[str]]], page: int
) -> None:
    from mlflow.entities import ViewType
    from mlflow.exceptions import MlflowException

    for run in runs:  # an end that only one of the two would set by itself is no matter of searching
        run["end"] = run["end"] if run["status"] != "RUNNING" else None
        run["end"] = 3_000 if run["status"] != "RUNNING" and run["end"] is None else run["end"]
    theirs, mine, _ = _record(peer, ours, runs)
    for comparisons, order_by in searches:
        filter = " AND ".join(comparisons)
        try:
            expected = [
                run.info.run_id for run in peer.search_runs([theirs], filter, ViewType.ACTIVE_ONLY, 100, order_by)
            ]
        except MlflowException:
            with pytest.raises(UsageError):
                ours.search_runs(experiment_ids=[mine], filter=filter, order_by=order_by)
            continue
        found: list[str] = []
        token = None
        while True:
            part = ours.search_runs(
                experiment_ids=[mine], filter=filter, order_by=order_by, limit=page, page_token=token
            )
            found.extend(run.run_id for run in part.items)
            token = part.next_page_token
            if token is None:
                break
        assert found == expected, (filter, order_by)


_EXPERIMENT_COMPARISON = st.one_of(
    _says(st.sampled_from(["name", "attribute.name"]), _EQUAL, st.sampled_from(["Default", "e1"]).map(_quoted)),
    _says(st.just("name"), _LIKE_LOUD, st.sampled_from(["E%", "e_", "%"]).map(_quoted)),
    _says(st.sampled_from(["tags.`x`", "tag.x"]), _EQUAL, _TEXT.map(_quoted)),
    _says(st.just("tags.x"), st.sampled_from(["IS NULL", "IS NOT NULL"])),
    _says(st.just("tags.x"), _LIKE_LOUD, _PATTERN.map(_quoted)),
    _says(st.just("experiment_id"), st.sampled_from(["IN", "NOT IN"]), st.sampled_from(["('0')", "('1', '2')"])),
    _says(st.just("creation_time"), _COMPARE, st.sampled_from([0, 2**62])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    comparisons=st.lists(_EXPERIMENT_COMPARISON, max_size=3),
    order_by=st.lists(st.sampled_from(["name", "name DESC", "experiment_id"]), max_size=1),
)
def test_experiments_are_found_as_mlflow_finds_them(
    tmp_path_factory: pytest.TempPathFactory, comparisons: list[str], order_by: list[str]
) -> None:
    peer, ours = _experiment_stores(tmp_path_factory)
    filter = " AND ".join(comparisons)
    expected = [experiment.name for experiment in peer.search_experiments(filter_string=filter, order_by=order_by)]
    found = [experiment.name for experiment in ours.search_experiments(filter=filter, order_by=order_by).items]
    if not order_by:  # made in the same millisecond by one and not by the other
        expected, found = sorted(expected), sorted(found)
    assert found == expected, filter


_stores: list[Any] = []


def _experiment_stores(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not _stores:
        from mlflow.entities import ExperimentTag
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        folder = tmp_path_factory.mktemp("experiments")
        peer = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")
        ours = tracking.open(f"sqlite:///{Path(folder)}/runs.db")
        for name, value in [
            ("e1", "a"),
            ("E2", "A"),
            ("e3", None),
            *((f"v{number}", value) for number, value in enumerate(_VALUES)),
        ]:
            tags = {} if value is None else {"x": value}
            peer.create_experiment(name, tags=[ExperimentTag(*item) for item in tags.items()])
            ours.create_experiment(name, tags=tags)
        _stores.extend([peer, ours])
    return _stores
