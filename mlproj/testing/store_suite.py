"""What every store of runs must do. A store's own tests subclass :class:`StoreSuite` and give it a ``store`` fixture.

Name the module in ``pytest.register_assert_rewrite`` before it is imported, so that a failure shows its values.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlproj.foundation.errors import UsageError
from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT
from mlproj.tracking.base import (
    UNFINISHED,
    AlreadyExists,
    DatasetInput,
    Metric,
    NewRun,
    NotFound,
    Output,
    RunChanges,
    Status,
    TrackingStore,
    WrongState,
)

# Each store has a class of its own with the same tests.
_MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
_INT64 = st.integers(-(2**63), 2**63 - 1)
_TIME = st.integers(FIRST_MOMENT, LAST_MOMENT)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
_KEY = _TEXT.filter(bool)


def same(one: float, other: float) -> bool:
    """Whether two metric values are the same measurement; NaN is the same as NaN."""
    return one == other or (math.isnan(one) and math.isnan(other))


class StoreSuite:
    """Give it a fixture ``store`` that is empty for each test."""

    def test_a_new_run_is_read_back_as_it_was_given(self, store: TrackingStore) -> None:
        made = store.create_run(
            NewRun(
                run_id="0123456789abcdef" * 2,
                run_name="first",
                experiment_name="digits",
                start_time=1_700_000_000_123,
                entry_point="main",
                command="python train.py",
                host="here",
                user="somebody",
                pid=42,
                params={"alpha": "0.5", "text": "a 'b'\n$(c)"},
                tags={"kind": "test"},
                source={"uri": "file:///p", "commit": None, "dirty": True},
                environment={"kind": "python", "key": "k"},
                inputs=[{"parameter": "data", "sha256": "00"}],
            )
        )
        run = store.get_run("0123456789abcdef" * 2)
        assert run == made
        assert (run.run_name, run.experiment_name, run.status, run.start_time) == (
            "first",
            "digits",
            Status.RUNNING,
            1_700_000_000_123,
        )
        assert (run.entry_point, run.command, run.host, run.user, run.pid) == (
            "main",
            "python train.py",
            "here",
            "somebody",
            42,
        )
        assert run.params == {"alpha": "0.5", "text": "a 'b'\n$(c)"}
        assert run.tags == {"kind": "test", "mlflow.runName": "first"}
        assert run.source == {"uri": "file:///p", "commit": None, "dirty": True}
        assert run.environment == {"kind": "python", "key": "k"}
        assert list(run.inputs) == [{"parameter": "data", "sha256": "00"}]
        assert run.end_time is None and run.metrics == {} and run.outputs == ()

    def test_a_run_without_a_name_gets_one(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        adjective, noun, number = run.run_name.split("-")
        assert adjective.isalpha() and noun.isalpha() and number.isdigit()
        assert run.tags["mlflow.runName"] == run.run_name

    def test_the_tag_of_mlflow_names_a_run(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(tags={"mlflow.runName": "by tag"}))
        assert run.run_name == "by tag"
        store.log(run.run_id, tags={"mlflow.runName": "renamed"})
        assert store.get_run(run.run_id).run_name == "renamed"
        store.update_run(run.run_id, RunChanges(run_name="again"))
        assert store.get_run(run.run_id).tags["mlflow.runName"] == "again"

    def test_a_run_belongs_to_default_unless_told(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        assert (run.experiment_id, run.experiment_name) == ("0", "Default")
        assert run.artifact_uri.endswith(f"/0/{run.run_id}/artifacts")

    def test_an_id_is_given_once(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        with pytest.raises(UsageError, match="already"):
            store.create_run(NewRun(run_id=run.run_id))

    @pytest.mark.parametrize("run_id", ["", "../../etc", "A" * 32, "0" * 31, "0" * 32 + "\n"])
    def test_an_id_is_thirty_two_digits_and_no_path(self, store: TrackingStore, run_id: str) -> None:
        with pytest.raises(UsageError, match="32 hexadecimal digits"):
            store.create_run(NewRun(run_id=run_id))

    def test_a_finished_run_says_how_it_ended(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        output = Output("model.bin", "ab" * 32, 12, kept=False)
        assert store.update_run(
            run.run_id,
            RunChanges(
                status=Status.FAILED,
                status_reason="it broke",
                exit_code=3,
                end_time=5,
                outputs=[output],
                environment={"lock": "l"},
            ),
        )
        ended = store.get_run(run.run_id)
        assert (ended.status, ended.status_reason, ended.exit_code, ended.end_time) == (Status.FAILED, "it broke", 3, 5)
        assert ended.outputs == (output,) and ended.environment == {"lock": "l"}

    def test_an_exit_code_of_zero_is_kept(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.update_run(run.run_id, RunChanges(status=Status.FINISHED, exit_code=0))
        assert store.get_run(run.run_id).exit_code == 0

    def test_the_end_is_now_unless_told(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.update_run(run.run_id, RunChanges(status=Status.FINISHED))
        end = store.get_run(run.run_id).end_time
        assert end is not None and run.start_time is not None and end >= run.start_time

    def test_an_end_is_not_overwritten_by_who_expected_a_running_run(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.update_run(run.run_id, RunChanges(status=Status.FINISHED))
        assert not store.update_run(run.run_id, RunChanges(status=Status.KILLED), expected=UNFINISHED)
        assert store.get_run(run.run_id).status is Status.FINISHED

    def test_a_run_can_move_to_another_experiment_and_keeps_its_artifacts_place(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.update_run(run.run_id, RunChanges(experiment_name="elsewhere"))
        moved = store.get_run(run.run_id)
        assert (moved.experiment_name, moved.artifact_uri) == ("elsewhere", run.artifact_uri)

    def test_a_parameter_keeps_its_value(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(params={"a": "1"}))
        store.log(run.run_id, params={"a": "1", "b": "2"})
        with pytest.raises(UsageError, match="'a' has the value '1' already"):
            store.log(run.run_id, params={"a": "2", "c": "3"}, tags={"t": "v"})
        kept = store.get_run(run.run_id)
        assert kept.params == {"a": "1", "b": "2"}
        assert "t" not in kept.tags

    def test_a_tag_is_replaced(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(tags={"t": "old"}))
        store.log(run.run_id, tags={"t": "new"})
        assert store.get_run(run.run_id).tags["t"] == "new"

    def test_a_name_is_needed_to_log(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        for logged in ({"params": {"": "1"}}, {"tags": {"": "1"}}, {"metrics": [Metric("", 1.0, 0)]}):
            with pytest.raises(UsageError, match="needs a name"):
                store.log(run.run_id, **logged)

    def test_a_long_value_is_kept_whole(self, store: TrackingStore) -> None:
        value = "0123456789" * 100_000
        run = store.create_run(NewRun(params={"p": value}, tags={"t": value}))
        assert store.get_run(run.run_id).params["p"] == value
        assert store.get_run(run.run_id).tags["t"] == value

    def test_bytes_that_are_no_text_are_kept_as_escapes(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(params={"p": b"\xff".decode("utf-8", "surrogateescape")}))
        assert store.get_run(run.run_id).params["p"] == r"\udcff"

    def test_a_metric_has_its_whole_history_and_a_latest_value(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        points = [Metric("loss", 1.0 / (step + 1), 1000 + step, step) for step in range(5)]
        store.log(run.run_id, metrics=points[3:])
        store.log(run.run_id, metrics=points[:3])
        assert store.metric_history(run.run_id, "loss") == points
        assert store.get_run(run.run_id).metrics == {"loss": points[-1].value}
        assert store.metric_history(run.run_id, "unknown") == []

    def test_a_point_that_is_sent_twice_is_one_point(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.log(run.run_id, metrics=[Metric("m", 1.0, 7, 1)] * 2)
        store.log(run.run_id, metrics=[Metric("m", 1.0, 7, 1)])
        assert store.metric_history(run.run_id, "m") == [Metric("m", 1.0, 7, 1)]

    @pytest.mark.parametrize(
        "metric", [Metric("m", 10**400, 0), Metric("m", 1.0, 2**63), Metric("m", 1.0, 0, -(2**63) - 1)]
    )
    def test_a_number_that_does_not_fit_is_refused(self, store: TrackingStore, metric: Metric) -> None:
        run = store.create_run(NewRun())
        with pytest.raises(UsageError, match="64 bits"):
            store.log(run.run_id, metrics=[metric])

    @_MANY
    @given(params=st.dictionaries(_KEY, _TEXT, max_size=8), tags=st.dictionaries(_KEY, _TEXT, max_size=8))
    def test_any_text_comes_back(self, store: TrackingStore, params: dict[str, str], tags: dict[str, str]) -> None:
        run_id = store.create_run(NewRun(run_name="n", params=params)).run_id
        store.log(run_id, tags={**tags, "mlflow.runName": "n"})
        run = store.get_run(run_id)
        assert run.params == params
        assert run.tags == {**tags, "mlflow.runName": "n"}

    @_MANY
    @given(points=st.lists(st.tuples(_KEY, st.floats() | st.integers(-(10**300), 10**300), _TIME, _INT64), max_size=12))
    def test_any_number_comes_back(self, store: TrackingStore, points: list[tuple[str, float, int, int]]) -> None:
        run = store.create_run(NewRun())
        store.log(run.run_id, metrics=[Metric(key, value, timestamp, step) for key, value, timestamp, step in points])
        for key, value, timestamp, step in points:
            history = store.metric_history(run.run_id, key)
            assert any(
                same(float(value), point.value) and (timestamp, step) == (point.timestamp, point.step)
                for point in history
            )
        assert sorted(store.get_run(run.run_id).metrics) == sorted({key for key, *_ in points})

    def test_a_run_is_found_by_the_beginning_of_its_id_or_by_its_name(self, store: TrackingStore) -> None:
        one = store.create_run(NewRun(run_id="abcd" + "0" * 28, run_name="one"))
        store.create_run(NewRun(run_id="abce" + "0" * 28, run_name="two"))
        assert store.get_run("abcd").run_id == one.run_id
        assert store.get_run("one").run_id == one.run_id

    def test_a_name_of_two_runs_is_no_answer(self, store: TrackingStore) -> None:
        ids = ["abcd1" + "0" * 27, "abcd2" + "0" * 27]
        for run_id in ids:
            store.create_run(NewRun(run_id=run_id, run_name="twin"))
        for reference in ("abcd", "twin"):
            with pytest.raises(UsageError, match="more than one run") as raised:
                store.get_run(reference)
            assert all(run_id[:12] in raised.value.message for run_id in ids)

    @pytest.mark.parametrize("reference", ["f" * 32, "ffff", "nobody", "", "%", "'; DROP TABLE runs; --", "\udcff"])
    def test_a_run_that_is_not_there_says_so(self, store: TrackingStore, reference: str) -> None:
        store.create_run(NewRun(run_id="0" * 32, run_name="somebody"))
        with pytest.raises(UsageError, match="there is no run"):
            store.get_run(reference)
        with pytest.raises(UsageError, match="there is no run"):
            store.log(reference, tags={"a": "b"})
        with pytest.raises(UsageError, match="there is no run"):
            store.update_run(reference, RunChanges(status=Status.FAILED))

    def test_runs_are_listed_newest_first_and_in_pages(self, store: TrackingStore) -> None:
        for number in range(7):
            store.create_run(NewRun(run_name=str(number), start_time=1000 + number // 2, params={"n": str(number)}))
        assert [run.run_name for run in store.list_runs()] == list("6543210")
        assert [run.run_name for run in store.list_runs(limit=3)] == list("654")
        assert [run.params["n"] for run in store.list_runs(limit=3, offset=3)] == list("321")

    def test_runs_are_listed_by_experiment_and_status(self, store: TrackingStore) -> None:
        store.create_run(NewRun(run_name="a", experiment_name="x"))
        store.create_run(NewRun(run_name="b", experiment_name="y", status=Status.FAILED))
        store.create_run(NewRun(run_name="c", experiment_name="x", status=Status.SCHEDULED))
        assert {run.run_name for run in store.list_runs(experiment_name="x")} == {"a", "c"}
        assert {run.run_name for run in store.list_runs(statuses=UNFINISHED)} == {"a", "c"}
        assert {
            run.run_name for run in store.list_runs(experiment_name="y", statuses=[Status.FAILED, Status.KILLED])
        } == {"b"}
        assert store.list_runs(experiment_name="y", statuses=[Status.KILLED]) == []

    def test_a_deleted_run_is_hidden_and_comes_back(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.update_run(run.run_id, RunChanges(lifecycle_stage="deleted"))
        assert store.list_runs() == []
        assert [found.run_id for found in store.list_runs(lifecycle_stage="deleted")] == [run.run_id]
        assert store.get_run(run.run_id).lifecycle_stage == "deleted"
        store.update_run(run.run_id, RunChanges(lifecycle_stage="active"))
        assert store.list_runs() == [run]

    def test_experiments_are_made_once_and_listed(self, store: TrackingStore) -> None:
        made = store.create_experiment("mine", "s3://bucket/mine")
        assert store.create_experiment("mine") == made
        assert [experiment.name for experiment in store.list_experiments()] == ["Default", "mine"]
        assert store.get_experiment(name="mine") == store.get_experiment(experiment_id=made.experiment_id) == made
        run = store.create_run(NewRun(experiment_id=made.experiment_id))
        assert run.artifact_uri == f"s3://bucket/mine/{run.run_id}/artifacts"

    def test_an_experiment_that_is_not_there_says_so(self, store: TrackingStore) -> None:
        store.create_experiment("digits")
        with pytest.raises(UsageError, match="no experiment called 'digit'; did you mean 'digits'"):
            store.get_experiment(name="digit")
        with pytest.raises(UsageError, match="no experiment called"):
            store.list_runs(experiment_name="nothing")
        with pytest.raises(UsageError, match="no experiment with id '77'"):
            store.create_run(NewRun(experiment_id="77"))
        with pytest.raises(UsageError, match="no experiment id"):
            store.create_run(NewRun(experiment_id="x"))
        with pytest.raises(UsageError, match="needs a name"):
            store.create_run(NewRun(experiment_name=" "))

    def test_threads_share_a_store(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())

        def log(worker: int) -> None:
            for step in range(20):
                store.log(run.run_id, metrics=[Metric(f"m{worker}", float(step), step, step)])

        threads = [threading.Thread(target=log, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(len(store.metric_history(run.run_id, f"m{worker}")) == 20 for worker in range(4))

    def test_errors_tell_what_is_missing_taken_or_in_the_way(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        with pytest.raises(AlreadyExists):
            store.create_run(NewRun(run_id=run.run_id))
        for call in (store.get_run, store.log, store.marks):
            with pytest.raises(NotFound):
                call("f" * 32)
        with pytest.raises(NotFound):
            store.update_run("f" * 32, RunChanges())
        with pytest.raises(NotFound):
            store.metric_history("f" * 32, "m")
        with pytest.raises(NotFound):
            store.get_experiment(name="nothing")
        with pytest.raises(NotFound):
            store.get_experiment(experiment_id="4711")

    def test_a_scheduled_run_starts_later_and_for_somebody(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(status=Status.SCHEDULED, start_time=1000))
        store.update_run(run.run_id, RunChanges(status=Status.RUNNING, start_time=2000, user="somebody"))
        started = store.get_run(run.run_id)
        assert (started.status, started.start_time, started.user, started.end_time) == (
            Status.RUNNING,
            2000,
            "somebody",
            None,
        )

    def test_a_latest_metric_has_its_step_and_time(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        store.log(run.run_id, metrics=[Metric("a", 1.0, 10, 1), Metric("a", 2.0, 5, 2), Metric("b", 3.0, 7)])
        found = store.get_run(run.run_id)
        assert sorted(found.latest_metrics, key=lambda metric: metric.key) == [
            Metric("a", 2.0, 5, 2),
            Metric("b", 3.0, 7),
        ]
        assert found.metrics == {"a": 2.0, "b": 3.0}

    def test_a_batch_in_any_order_leaves_the_latest_value_that_its_points_one_by_one_leave(
        self, store: TrackingStore
    ) -> None:
        points = [
            *(Metric("a", 1.0, 10, 1), Metric("b", math.nan, 7), Metric("a", 3.0, 5, 2), Metric("b", 0.0, 7)),
            *(Metric("a", 2.0, 5, 2), Metric("c", 0.0, 7), Metric("a", 9.0, 99), Metric("c", math.nan, 7)),
        ]
        batch, single = store.create_run(NewRun()).run_id, store.create_run(NewRun()).run_id
        store.log(batch, metrics=points)
        for point in points:
            store.log(single, metrics=[point])
        latest = store.get_run(batch).metrics
        assert (latest["a"], latest["b"], math.isnan(latest["c"])) == (3.0, 0.0, True)
        assert sorted(map(repr, latest.items())) == sorted(map(repr, store.get_run(single).metrics.items()))

    def test_nothing_is_logged_to_a_deleted_run(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(tags={"t": "v"}))
        store.update_run(run.run_id, RunChanges(lifecycle_stage="deleted"))
        with pytest.raises(WrongState, match="deleted"):
            store.log(run.run_id, metrics=[Metric("m", 1.0, 0)])
        with pytest.raises(WrongState):
            store.delete_tag(run.run_id, "t")
        with pytest.raises(WrongState):
            store.log_inputs(run.run_id, [DatasetInput("d", "1", "local", "x")])
        assert store.get_run(run.run_id).tags["t"] == "v"

    def test_a_mark_is_kept_with_what_was_read_up_to_it(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(params={"p": "1"}))
        assert store.marks(run.run_id) == {}
        store.log(run.run_id, metrics=[Metric("m", 1.0, 0)], mark=("metrics", 12))
        with pytest.raises(UsageError):
            store.log(run.run_id, params={"p": "2"}, mark=("params", 5))
        store.log(run.run_id, mark=("metrics", 2**40))
        assert store.marks(run.run_id) == {"metrics": 2**40}

    def test_a_tag_is_removed(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(tags={"t": "v"}))
        store.delete_tag(run.run_id, "t")
        assert "t" not in store.get_run(run.run_id).tags
        with pytest.raises(NotFound, match="no tag 't'"):
            store.delete_tag(run.run_id, "t")
        with pytest.raises(NotFound, match="there is no run"):
            store.delete_tag("f" * 32, "t")

    def test_a_tag_of_an_experiment_is_removed(self, store: TrackingStore) -> None:
        made = store.create_experiment("tagged", tags={"t": "v", "u": "w"})
        store.delete_experiment_tag(made.experiment_id, "t")
        assert store.get_experiment(name="tagged").tags == {"u": "w"}
        with pytest.raises(NotFound, match="no tag 't'"):
            store.delete_experiment_tag(made.experiment_id, "t")
        store.update_experiment(made.experiment_id, lifecycle_stage="deleted")
        with pytest.raises(WrongState):
            store.delete_experiment_tag(made.experiment_id, "u")

    def test_datasets_are_kept_once_as_they_were_first(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun())
        train = DatasetInput(
            "digits", "abc", "local", '{"uri": "digits.csv"}', '{"a": "long"}', None, {"mlflow.data.context": "train"}
        )
        other = DatasetInput("digits", "def", "http", "{}", None, '{"rows": 3}')
        store.log_inputs(run.run_id, [train, other])
        again = DatasetInput(
            "digits", "abc", "http", '{"uri": "elsewhere"}', '{"a": "double"}', None, {"mlflow.data.context": "test"}
        )
        store.log_inputs(run.run_id, [again])
        assert store.get_run(run.run_id).datasets == (train, other)
        with pytest.raises(NotFound):
            store.log_inputs("f" * 32, [train])

    def test_datasets_come_in_the_order_in_which_they_were_logged(self, store: TrackingStore) -> None:
        run_id = store.create_run(NewRun()).run_id
        first, second, third = (DatasetInput(name, "1", "local", "/d") for name in ("zebra", "ant", "moth"))
        store.log_inputs(run_id, [first, second])
        store.log_inputs(run_id, [third, first])
        assert [dataset.name for dataset in store.get_run(run_id).datasets] == ["zebra", "ant", "moth"]

    def test_an_experiment_has_tags_and_times(self, store: TrackingStore) -> None:
        made = store.create_experiment("tagged", tags={"a": "1"})
        assert (
            made.tags == {"a": "1"} and made.creation_time is not None and made.last_update_time == made.creation_time
        )
        store.update_experiment(made.experiment_id, name="renamed", tags={"a": "2", "b": "3"})
        found = store.get_experiment(name="renamed")
        assert found.tags == {"a": "2", "b": "3"} and found.experiment_id == made.experiment_id
        with pytest.raises(NotFound):
            store.get_experiment(name="tagged")

    def test_the_name_of_an_experiment_is_taken_once(self, store: TrackingStore) -> None:
        store.create_experiment("one", new=True)
        two = store.create_experiment("two", new=True)
        with pytest.raises(AlreadyExists, match="'one'"):
            store.create_experiment("one", new=True)
        with pytest.raises(AlreadyExists, match="'one'"):
            store.update_experiment(two.experiment_id, name="one", tags={"a": "b"})
        assert store.get_experiment(name="two").tags == {}
        store.update_experiment(two.experiment_id, name="two")
        with pytest.raises(UsageError, match="needs a name"):
            store.update_experiment(two.experiment_id, name=" ")
        with pytest.raises(NotFound):
            store.update_experiment("4711", name="x")

    def test_a_deleted_experiment_takes_no_runs_and_keeps_its_name(self, store: TrackingStore) -> None:
        gone = store.create_experiment("gone")
        store.update_experiment(gone.experiment_id, lifecycle_stage="deleted")
        ways: list[dict[str, Any]] = [{"experiment_name": "gone"}, {"experiment_id": gone.experiment_id}]
        for by in ways:
            with pytest.raises(WrongState, match="'gone' is deleted"):
                store.create_run(NewRun(**by))
        run = store.create_run(NewRun())
        with pytest.raises(WrongState):
            store.update_run(run.run_id, RunChanges(experiment_name="gone"))
        with pytest.raises(AlreadyExists):
            store.create_experiment("gone", new=True)
        changes: list[dict[str, Any]] = [{"name": "other"}, {"tags": {"a": "b"}}]
        for change in changes:
            with pytest.raises(WrongState):
                store.update_experiment(gone.experiment_id, **change)
        assert store.get_experiment(name="gone").lifecycle_stage == "deleted"
        assert [experiment.name for experiment in store.list_experiments()] == ["Default"]

    def test_the_runs_of_an_experiment_go_and_come_with_it(self, store: TrackingStore) -> None:
        before, with_it = store.create_run(NewRun(experiment_name="x")), store.create_run(NewRun(experiment_name="x"))
        store.update_run(before.run_id, RunChanges(lifecycle_stage="deleted"))
        store.update_experiment(with_it.experiment_id, lifecycle_stage="deleted")
        assert store.list_runs() == []
        with pytest.raises(WrongState, match="'x' is deleted"):
            store.update_run(before.run_id, RunChanges(lifecycle_stage="active"))
        store.update_experiment(with_it.experiment_id, lifecycle_stage="active")
        assert [run.run_id for run in store.list_runs()] == [with_it.run_id]
        assert store.get_run(before.run_id).lifecycle_stage == "deleted"

    def test_default_stays(self, store: TrackingStore) -> None:
        changes: list[dict[str, Any]] = [{"lifecycle_stage": "deleted"}, {"name": "other"}]
        for change in changes:
            with pytest.raises(WrongState, match="'Default' cannot be"):
                store.update_experiment("0", **change)
        store.update_experiment("0", tags={"a": "b"})
        assert store.get_experiment(name="Default").tags == {"a": "b"}

    def test_what_is_purged_is_gone_and_nothing_else(self, store: TrackingStore) -> None:
        kept = store.create_run(NewRun(params={"p": "1"}, tags={"t": "v"}))
        doomed = store.create_run(NewRun(params={"p": "2"}, tags={"t": "v"}))
        store.log(doomed.run_id, metrics=[Metric("m", 1.0, 0)], mark=("f", 1))
        store.log_inputs(doomed.run_id, [DatasetInput("d", "1", "local", "x")])
        with pytest.raises(WrongState, match="not deleted"):
            store.purge(run_ids=[doomed.run_id])
        store.update_run(doomed.run_id, RunChanges(lifecycle_stage="deleted"))
        assert store.purge(deleted_before=1000) == []
        last = store.get_run(doomed.run_id)
        assert store.purge() == [last]
        with pytest.raises(NotFound):
            store.get_run(doomed.run_id)
        assert store.get_run(kept.run_id).params == {"p": "1"}
        assert store.create_run(NewRun(run_id=doomed.run_id)).params == {}  # nothing was left behind to inherit
        assert store.metric_history(doomed.run_id, "m") == [] and store.marks(doomed.run_id) == {}

    def test_only_these_runs_are_purged_when_named(self, store: TrackingStore) -> None:
        ids = [store.create_run(NewRun(experiment_name="x")).run_id for _ in range(3)]
        for run_id in ids[:2]:
            store.update_run(run_id, RunChanges(lifecycle_stage="deleted"))
        with pytest.raises(NotFound):
            store.purge(run_ids=[ids[0], "f" * 32])
        with pytest.raises(WrongState):
            store.purge(run_ids=[ids[0], ids[2]])
        assert [run.run_id for run in store.purge(run_ids=[ids[0]])] == [ids[0]]
        assert store.get_run(ids[1]).lifecycle_stage == "deleted"

    def test_a_deleted_experiment_is_purged_with_its_last_run(self, store: TrackingStore) -> None:
        run = store.create_run(NewRun(experiment_name="x"))
        empty = store.create_experiment("empty")
        store.update_experiment(run.experiment_id, tags={"a": "b"})
        for experiment_id in (run.experiment_id, empty.experiment_id):
            store.update_experiment(experiment_id, lifecycle_stage="deleted")
        store.purge(run_ids=[run.run_id])
        with pytest.raises(NotFound):
            store.get_experiment(name="x")
        assert store.get_experiment(name="empty").lifecycle_stage == "deleted"
        store.purge()
        with pytest.raises(NotFound):
            store.get_experiment(name="empty")
        assert store.create_experiment("x", new=True).tags == {}
