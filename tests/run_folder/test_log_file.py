"""What programs append to their run's files comes into the store, each line once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.run_folder import log_file
from mlproj.tracking.base import NewRun, Run, TrackingStore


@pytest.fixture
def store() -> TrackingStore:
    return tracking.open()


@pytest.fixture
def run(store: TrackingStore) -> Run:
    run = store.create_run(NewRun())
    paths.run_dir(run.run_id).mkdir(parents=True)
    log_file.make(paths.run_dir(run.run_id))
    return run


def append(run: Run, name: str, text: str | bytes) -> Path:
    file = paths.run_dir(run.run_id) / name
    with file.open("ab") as opened:
        opened.write(text.encode() if isinstance(text, str) else text)
    return file


def reader(store: TrackingStore, run: Run) -> log_file.Reader:
    return log_file.Reader(store, run.run_id, paths.run_dir(run.run_id))


def values(store: TrackingStore, run: Run, name: str) -> list[float]:
    return [
        point.value
        for point in sorted(store.metric_history(run.run_id, name), key=lambda point: (point.step, point.timestamp))
    ]


def test_lines_are_read_once_however_often_one_looks(store: TrackingStore, run: Run) -> None:
    append(run, log_file.METRICS, "loss=3\nloss=2\n")
    append(run, log_file.PARAMS, "alpha=0.1\n")
    append(run, log_file.TAGS, "kind=a=b\n")
    first = reader(store, run)
    first.read()
    first.read()
    append(run, log_file.METRICS, "loss=1\n")
    first.read()
    reader(store, run).read(final=True)

    found = store.get_run(run.run_id)
    assert values(store, run, "loss") == [3, 2, 1]
    assert (found.params, found.tags["kind"], found.metrics) == ({"alpha": "0.1"}, "a=b", {"loss": 1.0})
    assert first.problems == []


def test_half_a_line_waits_for_its_rest(store: TrackingStore, run: Run) -> None:
    one = reader(store, run)
    append(run, log_file.METRICS, "loss=1")
    one.read()
    assert values(store, run, "loss") == []
    append(run, log_file.METRICS, "5\nacc=2")
    one.read()
    one.read(final=True)

    assert (values(store, run, "loss"), values(store, run, "acc")) == ([15], [2])


def test_bad_lines_are_told_with_their_place_and_the_others_kept(store: TrackingStore, run: Run) -> None:
    file = append(run, log_file.METRICS, b"a=1\nb=low\n\n\xff=2\nc\0d=3\r\ne=4\r\n")
    one = reader(store, run)
    one.read()
    append(run, log_file.METRICS, "f=high\n" * 20)
    one.read(final=True)

    assert store.get_run(run.run_id).metrics == {"a": 1, "\\xff": 2, "e": 4}
    assert one.problems[0] == f"{file}:2: expected a number, found 'low'"
    assert one.problems[1].startswith(f"{file}:5: a name is one line")
    assert one.problems[2].startswith(f"{file}:7: ")
    assert one.problems[-1] == "12 more such lines"
    assert store.get_run(run.run_id).tags[log_file.PROBLEMS_TAG] == "\n".join(one.problems)


def test_a_parameter_keeps_its_first_value(store: TrackingStore, run: Run) -> None:
    store.log(run.run_id, params={"given": "1"})
    file = append(run, log_file.PARAMS, "given=2\na=1\na=2\na=1\nb=3\n")
    one = reader(store, run)
    one.read()

    assert store.get_run(run.run_id).params == {"given": "1", "a": "1", "b": "3"}
    assert [problem.split(": ")[0] for problem in one.problems] == [f"{file}:1", f"{file}:3"]


def test_a_metric_gets_the_time_it_was_written_and_step_0(store: TrackingStore, run: Run) -> None:
    file = append(run, log_file.METRICS, "a=1\nb=2 step=5 timestamp=7\n")
    os.utime(file, (1000, 1000))
    reader(store, run).read()

    assert {(point.key, point.timestamp, point.step) for point in store.get_run(run.run_id).latest_metrics} == {
        ("a", 1_000_000, 0),
        ("b", 7, 5),
    }


def test_the_last_line_counts_as_the_latest_also_within_a_millisecond(store: TrackingStore, run: Run) -> None:
    append(run, log_file.METRICS, "loss=3\nloss=1\nloss=1\nloss=2\n")
    reader(store, run).read()

    assert values(store, run, "loss") == [3, 1, 1, 2]
    assert store.get_run(run.run_id).metrics == {"loss": 2}


def test_a_long_line_is_kept_and_one_that_is_too_long_is_passed_over(store: TrackingStore, run: Run) -> None:
    long = "x" * 10_000_000
    append(run, log_file.PARAMS, f"a=1\nlong={long}\n")
    append(run, log_file.METRICS, b"a=1\n" + b"y" * (log_file.LONGEST_LINE + 3_000_000))
    one = reader(store, run)
    one.read()
    append(run, log_file.METRICS, b"b=2\nc=3\n")
    reader(store, run).read()

    found = store.get_run(run.run_id)
    assert found.params == {"a": "1", "long": long}
    assert found.metrics == {"a": 1, "c": 3}
    assert len(one.problems) == 1
    assert "metrics.log:2: the line is longer" in one.problems[0]


def test_a_file_that_was_cut_is_read_anew(store: TrackingStore, run: Run) -> None:
    one = reader(store, run)
    file = append(run, log_file.METRICS, "a=1\nb=22\n")
    one.read()
    file.write_text("c=3\n")
    one.read()

    assert store.get_run(run.run_id).metrics == {"a": 1, "b": 22, "c": 3}


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "nothing"])
def test_what_is_no_file_any_more_is_left_alone(store: TrackingStore, run: Run, kind: str) -> None:
    file = paths.run_dir(run.run_id) / log_file.METRICS
    secret = file.with_name("secret")
    secret.write_text("a=1\n")
    file.unlink()
    {
        "pipe": lambda: os.mkfifo(file),
        "link": lambda: file.symlink_to(secret),
        "folder": file.mkdir,
        "nothing": lambda: None,
    }[kind]()
    reader(store, run).read(final=True)

    assert store.get_run(run.run_id).metrics == {}


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(0, 1000))
def test_a_good_line_is_never_lost_among_others(noise: list[bytes], cut: int) -> None:
    store = tracking.open()
    run = store.create_run(NewRun())
    paths.run_dir(run.run_id).mkdir(parents=True)
    lines = [piece for index, other in enumerate(noise) for piece in (other, b"good=%d step=%d" % (index, index))]
    data = b"".join(line + b"\n" for line in lines)
    append(run, log_file.METRICS, data[:cut])
    reader(store, run).read()
    append(run, log_file.METRICS, data[cut:])
    reader(store, run).read(final=True)

    history = store.metric_history(run.run_id, "good")
    assert set(range(len(noise))) <= {int(point.value) for point in history if point.value == point.step}


def test_no_secret_stays_in_the_files_and_none_gets_into_the_record(
    store: TrackingStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "s3cr3t-of-the-service")
    written = {
        log_file.PARAMS: 'api_key=abc"d\n{"db_password": "x\\"y", "alpha": 1}\nurl=https://me:word1234@host/x\ns3cr3t-of-the-service=1\n',
        log_file.TAGS: "note=uses s3cr3t-of-the-service\nfrom=https://host/x?token=word1234\n",
        log_file.METRICS: "loss-s3cr3t-of-the-service=1 step=1\nrmse=0.5\n",
    }
    for name, text in written.items():
        append(run, name, text)

    one = reader(store, run)
    one.read(final=True)
    one.read(final=True)

    kept = b"".join((paths.run_dir(run.run_id) / name).read_bytes() for name in written)
    found = store.get_run(run.run_id)
    for secret in ("s3cr3t-of-the-service", "word1234", 'abc"d', 'x\\"y', 'x"y'):
        assert secret.encode() not in kept and secret not in str(found)
    assert len(kept) == sum(map(len, written.values())) and b"rmse=0.5" in kept
    assert found.metrics.keys() == {"loss-****", "rmse"} and not one.problems
