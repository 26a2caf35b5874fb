from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from mlproj.reproduction import divergence, verdict
from mlproj.reproduction.results import File, Results
from mlproj.reproduction.tolerance import Tolerance
from mlproj.reproduction.verdict import DIFFERS, MISSING, NEW, SAME, UNKNOWN, WITHIN
from mlproj.tracking.base import Metric, Run, Status


def results(
    name: str = "r",
    metrics: dict[str, list[float]] | None = None,
    files: dict[str, bytes | None] | None = None,
    **fields: Any,
) -> Results:
    """A run with these values, a millisecond and a step apart, and files; None: one that could not be read."""
    endings = fields.pop("endings", ())
    run = Run(
        name,
        name,
        "0",
        "Default",
        **{"status": Status.FINISHED, "exit_code": 0, "artifact_uri": "file:///nowhere", **fields},
    )
    series = {key: tuple(points(key, found)) for key, found in (metrics or {}).items()}
    return Results(run, series, {path: file(path, content) for path, content in (files or {}).items()}, endings)


def points(key: str, values: list[float]) -> Iterator[Metric]:
    return (Metric(key, value, 1000 + step, step) for step, value in enumerate(values))


def file(path: str, content: bytes | None) -> File:
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return File(path.rpartition(": ")[2], digest, 3 if content is None else len(content), lambda: content)


def test_what_is_the_same_is_reproduced() -> None:
    then, now = (results(metrics={"a": [1.0, float("nan")]}, files={"x": b"1"}) for _ in range(2))
    found = verdict.judge(then, now, {})
    assert (found.word, found.summary) == ("reproduced", "reproduced: 1 metric and 1 file compared")
    assert found.is_exact and [one.state for one in (*found.metrics, *found.files)] == [SAME, SAME]


def test_every_difference_counts_and_is_named() -> None:
    then = results(metrics={"a": [1.0, 2.0], "gone": [1.0]}, files={"x": b"1\n", "gone": b"", "odd": None})
    now = results(metrics={"a": [1.0, 2.5], "new": [1.0]}, files={"x": b"2\n", "new": b"", "odd": None})
    found = verdict.judge(then, now, {"a": Tolerance(0.1)})
    assert [(one.name, one.state, one.step) for one in found.metrics] == [
        ("a", DIFFERS, 1),
        ("gone", MISSING, None),
        ("new", NEW, None),
    ]
    assert [(one.path, one.state) for one in found.files] == [
        ("gone", MISSING),
        ("new", NEW),
        ("odd", UNKNOWN),
        ("x", DIFFERS),
    ]
    assert found.files[3].details == ("@@ -1 +1 @@", "-1", "+2")
    assert found.summary == "not reproduced: of 3 metrics and 4 files 7 differ: a, gone, new and 4 more"


def test_within_a_tolerance_is_said_and_a_childs_metric_has_that_of_its_own_name() -> None:
    then, now = (results(metrics={"loss": [value]}) for value in (1.0, 1.05))
    nested = [Results(one.run, {"child 1: loss": one.metrics["loss"]}, {}) for one in (then, now)]
    for before, after in ((then, now), (nested[0], nested[1])):
        found = verdict.judge(before, after, {"loss": Tolerance(0.1, relative=True)})
        assert (found.word, found.metrics[0].state, found.is_exact) == ("reproduced within tolerance", WITHIN, False)
        assert not verdict.judge(before, after, {"other": Tolerance(1.0)}).reproduced


def test_files_can_be_left_out_by_their_own_path() -> None:
    then = results(files={"a.log": b"1", "logged: b.log": b"1", "child 1: logged: sub/c.log": b"1", "d.txt": b"1"})
    found = verdict.judge(then, results(files={"d.txt": b"1"}), {}, ["*.log"])
    assert found.reproduced and found.ignored == ("a.log", "child 1: logged: sub/c.log", "logged: b.log")
    assert not verdict.judge(then, results(files={"d.txt": b"1"}), {}, ["a.log"]).reproduced


def test_how_runs_and_their_children_ended_counts() -> None:
    failed = results("now", status=Status.FAILED, exit_code=3, status_reason="it broke")
    found = verdict.judge(results("then"), failed, {})
    assert found.ending == "now ended FAILED with exit code 3 (it broke), then ended FINISHED with exit code 0"
    assert (
        verdict.judge(failed, failed, {}).summary
        == "reproduced: it ended the same way, and left no metrics and no files to compare"
    )
    one, other = (Status.FINISHED, 0), (Status.FAILED, 1)
    assert verdict.judge(results("then", endings=(one,)), results("now"), {}).ending == "now had 0 child runs, then 1"
    assert not verdict.judge(results(endings=(one, one)), results(endings=(one, other)), {}).reproduced


def test_only_times_in_files_are_told_from_other_differences() -> None:
    then, now = results(files={"x": b"12:00:01 ok"}), results(files={"x": b"13:00:01 ok"})
    found = verdict.judge(then, now, {})
    assert found.is_timed and found.files[0].only_time and not found.reproduced
    assert not verdict.judge(then, results(files={"x": b"13:00:01 no"}), {}).is_timed
    assert not verdict.judge(then, then, {}).is_timed


def test_runs_part_at_the_first_point_that_was_logged_otherwise() -> None:
    one = results("one", {"a": [1.0, 2.0, 3.0], "b": [5.0, 6.0, 7.0]})
    other = results("other", {"a": [1.0, 2.0, 4.0], "b": [5.0, 9.0, 7.0]})
    found = divergence.find(one, other)
    assert (found.metric, found.step, found.values) == ("b", 1, (6.0, 9.0))
    assert divergence.find(one, one).metric is None
