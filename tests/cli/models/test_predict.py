"""``mlproj models predict`` as its users meet it."""

from __future__ import annotations

import hashlib
import signal
import time
from pathlib import Path

import pytest

from tests.models.prediction.folders import SUM, code_model
from tests.program import Result, mlproj, start

LOCAL = ("--env-manager", "local")
SLOW = 'open(os.environ["STARTED"], "w").close()\ntime.sleep(10)'


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    params = [{"name": "times", "type": "long", "default": 1, "shape": None}]
    return code_model(
        tmp_path_factory.mktemp("model") / "m", SUM.replace(".to", ".mul(params['times']).to"), params=params
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text("a,b\n0.5,1\n1.5,2\n")
    return tmp_path / "data.csv"


def predict(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return mlproj("models", "predict", *arguments, *LOCAL, env=env)


def last_run() -> dict[str, object]:
    found: dict[str, object] = mlproj("runs", "show", "last", "--json").document["run"]
    return found


def test_a_prediction_is_recorded_with_its_model_and_the_content_of_both_files(
    model: Path, data: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    result = predict(model, "-i", data, "-o", target, "--params", "times=2", "--json")
    assert result.code == 0, result.err
    assert target.read_text() == "prediction\n3.0\n7.0\n"
    summary = result.document["prediction"]
    assert (summary["rows"], summary["loaded_by"]) == (2, "native")
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (data, target)]
    assert [summary["input"]["sha256"], summary["output"]["sha256"]] == hashes
    run = last_run()
    assert run["run_id"] == summary["run_id"]
    assert (run["status"], run["experiment_name"], run["entry_point"]) == ("FINISHED", "predictions", "predict")
    assert run["tags"]["mlproj.model"] == str(model)  # type: ignore[index]
    assert run["inputs"] == [{"parameter": "input", "uri": str(data), "sha256": hashes[0], "size": data.stat().st_size}]
    assert [(one["path"], one["sha256"]) for one in run["outputs"]] == [(str(target), hashes[1])]  # type: ignore[attr-defined]
    assert run["params"] == {"input": str(data), "output": str(target), "params.times": "2"}
    assert run["metrics"]["rows"] == 2  # type: ignore[index]


def test_a_prediction_that_fails_is_recorded_with_its_reason_and_leaves_nothing(
    model: Path, data: Path, tmp_path: Path
) -> None:
    data.write_text("a,b\n0.5,1\n1.5,x\n")
    result = predict(model, "-i", data, "-o", tmp_path / "out.csv")
    assert result.code == 65
    assert result.err.splitlines()[-1] == f"error: {data}:3: column 'b': 'x' is no long"
    assert [file.name for file in tmp_path.iterdir()] == ["data.csv"]
    run = last_run()
    assert (run["status"], run["exit_code"]) == ("FAILED", 65)
    assert "'x' is no long" in str(run["status_reason"])


def test_the_standard_streams_are_files_too(model: Path, data: Path) -> None:
    arguments = ("models", "predict", str(model), "-i", "-", "-o", "-", "--format", "csv", "--no-record", "-q", *LOCAL)
    with data.open("rb") as stream:
        process = start(*arguments, stdin=stream)  # type: ignore[arg-type]
        out, err = process.communicate()
    assert (process.returncode, out) == (0, b"prediction\n1.5\n3.5\n"), err


def test_mistakes_are_told_before_anything_is_done(model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for arguments, code, words in (
        (("-i", tmp_path / "nothing.csv", "-o", out), 66, "nothing.csv cannot be read: No such file"),
        (("-i", tmp_path, "-o", out, "--format", "csv"), 66, "is a folder"),
        (("-i", data, "-o", tmp_path, "--output-format", "csv"), 2, "is a folder"),
        (("-i", data, "-o", tmp_path / "no" / "out.csv"), 2, "there is no folder"),
        (("-i", data, "-o", tmp_path / "out.parket"), 2, "did you mean '.parquet'?"),
        (("-i", "-", "-o", out), 2, "the standard streams have no name"),
        (("-i", data, "-o", tmp_path / "out.json", "--with-inputs"), 2, "MLflow's JSON has predictions only"),
        (("-i", data, "-o", out, "--params", "tmes=2"), 2, "did you mean 'times'?"),
        (("-i", data, "-o", out, "--params", "times=two"), 2, "'two' is no long"),
        (("-i", data, "-o", "-", "--json"), 2, "cannot both go to the standard output"),
    ):
        result = predict(model, *arguments)
        told = result.err + result.out  # with --json on the standard output
        assert (result.code, words in told) == (code, True), (arguments, told)
        assert "Traceback" not in result.err
    assert not out.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_prediction_that_is_killed_says_so_and_leaves_nothing(
    data: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    slow = code_model(tmp_path / "m", SLOW)
    started = tmp_path / "started"
    process = start(
        "models", "predict", slow, "-i", data, "-o", tmp_path / "out.csv", *LOCAL, env={"STARTED": str(started)}
    )
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(30) == code
    process.communicate()  # the model's process ends with its portion
    assert not (tmp_path / "out.csv").exists()
    assert last_run()["status"] == "KILLED"


def test_a_process_of_the_model_that_dies_is_told(data: Path, tmp_path: Path) -> None:
    dying = code_model(tmp_path / "m", "os.kill(os.getpid(), 9)")
    result = predict(dying, "-i", data, "-o", tmp_path / "out.csv", "--no-record")
    assert result.code == 69
    assert "the model's process was ended by SIGKILL (the system may have run out of memory)" in result.err
    assert not (tmp_path / "out.csv").exists()


def test_memory_is_bounded_whatever_the_size_of_the_file(tmp_path: Path) -> None:
    """Both processes have, at their peak, a fraction of what the file holds beside what Python and pandas take."""
    look = (
        'with open(os.environ["PEAK"], "w") as file:\n'
        "    for pid in (os.getppid(), os.getpid()):\n"
        '        file.write(open("/proc/%d/status" % pid).read().split("VmHWM:")[1].split()[0] + " ")\n'
    )
    model = code_model(tmp_path / "m", look + SUM)
    lines = b"".join(b"%d.5,%d,%s\n" % (number, number, b"x" * 400) for number in range(10_000))
    with (tmp_path / "data.csv").open("wb") as stream:
        stream.write(b"a,b,text\n")
        for _ in range(42):
            stream.write(lines)
    arguments = ("-i", tmp_path / "data.csv", "-o", tmp_path / "out.csv", "--batch-rows", "5000", "--no-record")
    result = predict(model, *arguments, env={"PEAK": str(tmp_path / "peak")})
    assert result.code == 0, result.err
    ours, workers = [int(kilobytes) << 10 for kilobytes in (tmp_path / "peak").read_text().split()]
    assert (tmp_path / "data.csv").stat().st_size > 170_000_000
    assert ours < 90_000_000
    assert workers < 170_000_000
    with (tmp_path / "out.csv").open("rb") as stream:
        assert sum(1 for _ in stream) == 420_001
