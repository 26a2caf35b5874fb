"""What a program logs through the package itself, as such programs do: in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mlproj
from mlproj import tracking
from mlproj.foundation import paths
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import Run, Status


def program(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import mlproj\n{code}"], capture_output=True, text=True, check=False, **options
    )


def ran(code: str) -> str:
    done = program(code)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def the_run() -> Run:
    (run,) = mlproj.search_runs()
    return run


def own(metrics: Any) -> dict[str, float]:
    """Without what the machine did meanwhile."""
    return {name: value for name, value in metrics.items() if not name.startswith("system/")}


def test_a_block_is_a_run() -> None:
    ran(
        "with mlproj.start_run(run_name='one', experiment_name='wine', tags={'kind': 'ridge'}) as run:\n"
        "    mlproj.log_params({'alpha': 0.1, 'note': 'two\\nlines'})\n"
        "    mlproj.log_param('beta', None)\n"
        "    for step in range(3):\n"
        "        mlproj.log_metric('loss', 1 / (step + 1), step=step)\n"
        "    mlproj.log_metrics({'a': float('nan'), 'b': 2}, step=7)\n"
        "    mlproj.set_tag('size', 3)\n"
        "    assert mlproj.active_run() is run\n"
        "assert mlproj.active_run() is None\n"
    )
    run = the_run()
    assert (run.run_name, run.experiment_name, run.status) == ("one", "wine", Status.FINISHED)
    assert run.params == {"alpha": "0.1", "note": "two\nlines", "beta": "None"}
    assert (run.tags["kind"], run.tags["size"], run.tags["mlflow.source.type"]) == ("ridge", "3", "LOCAL")
    assert own(run.metrics).keys() == {"loss", "a", "b"}
    history = tracking.open().metric_history(run.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert (run.host, run.artifact_uri.startswith("file:"), run.end_time is not None) == (
        os.uname().nodename,
        True,
        True,
    )
    assert not (paths.run_dir(run.run_id) / "alive.lock").exists()


def test_without_a_run_one_is_started_and_ends_with_the_program() -> None:
    ran("mlproj.log_metric('a', 1)\nmlproj.log_metric('a', 3)\nmlproj.log_metric('a', 2)")

    assert (the_run().status, own(the_run().metrics)) == (Status.FINISHED, {"a": 2})


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        ("raise ValueError('no')", Status.FAILED, "ValueError: no"),
        ("raise SystemExit(3)", Status.FAILED, "the program exited with 3"),
        ("raise SystemExit", Status.FINISHED, None),
        ("raise KeyboardInterrupt", Status.KILLED, "interrupted"),
        ("mlproj.end_run('FAILED')", Status.FAILED, None),
    ],
)
def test_a_run_ends_as_its_block_does(end: str, status: Status, reason: str | None) -> None:
    program(f"with mlproj.start_run():\n    mlproj.log_metric('a', 1)\n    {end}")

    assert (the_run().status, the_run().status_reason, own(the_run().metrics)) == (status, reason, {"a": 1})


def test_a_program_that_fails_fails_the_run_that_it_left_open() -> None:
    program("mlproj.log_metric('a', 1)\nraise ValueError('no')")

    assert (the_run().status, the_run().status_reason) == (Status.FAILED, "ValueError: no")


def test_a_killed_program_is_told_and_nothing_that_it_logged_is_lost() -> None:
    done = program(
        "import os, signal\n"
        "mlproj.start_run()\n"
        "for step in range(1000):\n    mlproj.log_metric('loss', step, step=step)\n"
        "mlproj.log_params({'alpha': 1})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert done.returncode == -signal.SIGKILL

    run = the_run()
    assert (run.status, run.params) == (Status.KILLED, {"alpha": "1"})
    assert [point.value for point in tracking.open().metric_history(run.run_id, "loss")] == list(range(1000))


def test_runs_nest_and_only_if_asked() -> None:
    out = ran(
        "from mlproj.foundation.errors import UsageError\n"
        "with mlproj.start_run(run_name='outer') as outer:\n"
        "    try: mlproj.start_run()\n"
        "    except UsageError as error: print(error.message)\n"
        "    with mlproj.start_run(run_name='inner', nested=True): mlproj.log_metric('a', 1)\n"
        "    mlproj.log_metric('b', 2)\n"
        "print(outer.run_id)"
    )
    runs = {run.run_name: run for run in mlproj.search_runs()}
    outer_id = runs["outer"].run_id
    assert out == f"the run {outer_id} is active\n{outer_id}\n"
    assert (own(runs["inner"].metrics), own(runs["outer"].metrics)) == ({"a": 1}, {"b": 2})
    assert runs["inner"].tags["mlflow.parentRunId"] == outer_id


def test_a_run_can_be_gone_on_with() -> None:
    ran("with mlproj.start_run(): mlproj.log_metric('a', 1)")
    ran(f"with mlproj.start_run({the_run().run_id!r}): mlproj.log_metric('b', 2)")

    assert (own(the_run().metrics), the_run().status) == ({"a": 1, "b": 2}, Status.FINISHED)
    with pytest.raises(UsageError, match="there is no run"):
        mlproj.start_run("f" * 32)


def test_threads_and_forked_processes_log_to_the_same_run_and_do_not_end_it() -> None:
    ran(
        "import os, sys, threading\n"
        "def work(name):\n"
        "    for step in range(500): mlproj.log_metric(name, step, step=step)\n"
        "with mlproj.start_run():\n"
        "    mlproj.log_metric('first', 1)\n"
        "    threads = [threading.Thread(target=work, args=(f't{n}',)) for n in range(4)]\n"
        "    for one in threads: one.start()\n"
        "    for one in threads: one.join()\n"
        "    children = []\n"
        "    for n in range(4):\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            os.closerange(3, 100)\n"
        "            other = [os.open('/dev/null', os.O_RDONLY) for _ in range(20)]\n"
        "            work(f'p{n}')\n"
        "            sys.exit()\n"
        "        children.append(child)\n"
        "    for child in children: assert os.waitpid(child, 0)[1] == 0\n"
        "    assert mlproj.active_run()\n"
    )
    store = tracking.open()
    run = the_run()
    assert run.status is Status.FINISHED
    for name in ("t0", "t3", "p0", "p3"):
        assert len(store.metric_history(run.run_id, name)) == 500


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("log_metric('a', 'low')", "metric 'a' must be a number, found 'low'"),
        ("log_metric('a', None)", "must be a number"),
        ("log_metric('a\\nb', 1)", "one line without control characters"),
        ("log_metric('', 1)", "the name of a metric is empty"),
        ("log_metric(['a'], 1)", "the name of a metric must be text"),
        ("log_metric('a', 1, step=1.5)", "step must be an integer"),
        ("log_metric('a', 1, step=2**70)", "step must be an integer"),
        ("log_metric('a', 1, timestamp='now')", "timestamp must be an integer"),
        ("log_metric('a', 1, timestamp=1764000000000000000)", "between the years 1 and 9999"),
        ("log_param('a', 'b\\0')", "cannot hold a NUL character"),
        ("set_tag(3, 'b')", "the name of a tag must be text"),
        ("log_artifact('nowhere')", "there is no file nowhere"),
        ("log_artifacts('nowhere')", "there is no folder nowhere"),
        ("log_text('a', '../a')", "Invalid path"),
        ("log_dict({'a': object()}, 'a.json')", "plain data"),
        ("end_run('DONE')", "no status"),
        ("search_runs('metrics.a ?')", ""),
        ("search_runs(experiment_names=['nowhere'])", "nowhere"),
    ],
)
def test_wrong_use_is_told(call: str, message: str) -> None:
    out = ran(
        f"from mlproj.foundation.errors import UsageError\ntry: mlproj.{call}\nexcept UsageError as error:"
        " print(error.message)\nelse: print('taken')"
    )

    assert message in out
    assert out != "taken\n"


def test_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "inner" / "a").write_text("1")
    ran(
        "with mlproj.start_run() as run:\n"
        f"    mlproj.log_artifact({str(tmp_path / 'data' / 'inner' / 'a')!r}, 'one/two')\n"
        f"    mlproj.log_artifact({str(tmp_path / 'data')!r})\n"
        f"    mlproj.log_artifacts({str(tmp_path / 'data')!r}, 'all')\n"
        "    mlproj.log_text('ü\\n', 'text.txt')\n"
        "    mlproj.log_dict({'a': [1]}, 'd.json')\n"
        "    mlproj.log_dict({'a': [1]}, 'd.yaml')\n"
    )
    folder = Path(the_run().artifact_uri.removeprefix("file://"))
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "one/two/a": "1",
        "data/inner/a": "1",
        "all/inner/a": "1",
        "text.txt": "ü\n",
        "d.json": '{\n  "a": [\n    1\n  ]\n}',
        "d.yaml": "a:\n- 1\n",
    }


def test_another_program_logs_to_the_run_through_its_variables() -> None:
    ran(
        "import os, subprocess\n"
        "with mlproj.start_run() as run:\n"
        "    shell = 'echo a=1 >> $MLPROJ_METRICS; echo b >> $MLPROJ_ARTIFACTS/b'\n"
        "    subprocess.run(['bash', '-c', shell], env={**os.environ, **run.environ}, check=True)\n"
    )
    assert own(the_run().metrics) == {"a": 1}
    assert Path(the_run().artifact_uri.removeprefix("file://"), "b").read_text() == "b\n"


def test_runs_are_found() -> None:
    ran(
        "for alpha in (1, 2, 3):\n"
        "    with mlproj.start_run(experiment_name='odd' if alpha % 2 else 'even'):\n"
        "        mlproj.log_param('alpha', alpha); mlproj.log_metric('loss', 1 / alpha)\n"
    )
    assert [run.params["alpha"] for run in mlproj.search_runs(order_by=["metrics.loss"])] == ["3", "2", "1"]
    assert [
        run.params["alpha"] for run in mlproj.search_runs("metrics.loss < 0.9", ["params.alpha"], max_results=1)
    ] == ["2"]
    assert len(mlproj.search_runs(experiment_names=["odd"])) == 2
    assert mlproj.search_runs(experiment_names=[]) == []


def test_what_a_run_logged_until_now_is_found() -> None:
    out = ran(
        "with mlproj.start_run():\n    mlproj.log_metric('a', 1)\n    print(mlproj.search_runs()[0].metrics['a'])"
    )

    assert out == "1.0\n"


@pytest.mark.needs("pandas")
def test_runs_become_a_frame() -> None:
    assert list(mlproj.search_runs(output_format="pandas")["run_id"]) == []
    ran("with mlproj.start_run(): mlproj.log_metric('a', 1)")
    frame = mlproj.search_runs(output_format="pandas")

    assert (frame["metrics.a"][0], frame["status"][0], len(frame)) == (1.0, "FINISHED", 1)


def test_logging_inside_a_run_loads_little(tmp_path: Path) -> None:
    own = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }  # its modules are not ours
    environ = {**own, "MLPROJ_RUN_ID": "a" * 32, "MLPROJ_RUN_DIR": str(tmp_path)}
    done = program("import sys\nmlproj.log_metric('a', 1)\nmlproj.log_param('b', 1)\nprint(*sys.modules)", env=environ)

    assert not set(done.stdout.split()) & {
        "sqlite3",
        "yaml",
        "subprocess",
        "click",
        "mlproj.tracking",
        "mlproj.foundation.process",
    }
    assert (tmp_path / "metrics.log").read_text().startswith('{"name":"a","value":1.0,"step":0,"timestamp":')
