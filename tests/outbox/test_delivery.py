"""Runs for a team's mlproj server: delivered while they go on, kept while it is away, whatever dies in between."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mlproj import outbox, tracking
from mlproj.foundation import paths
from mlproj.tracking.base import Metric, NewRun, Run, RunChanges, Status
from mlproj.tracking.model_base import RunModel
from tests.outbox.conftest import Server, all_bytes, left_on_disk, records_on_disk, run_to
from tests.program import mlproj, project, start


def sync(address: str, *arguments: str) -> tuple[int, str, str]:
    done = mlproj("sync", *arguments, env={"MLPROJ_TRACKING_URI": address})
    return done.code, done.out, done.err


def eventually(tell: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not tell():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def history(server: Server, run_id: str) -> list[Metric]:
    with closing(server.store()) as store:
        return store.metric_history(run_id, "loss")


def test_a_run_is_with_the_server_as_it_would_be_here(server: Server, many: Path) -> None:
    with closing(server.store()) as store:
        store.create_experiment("another")  # so that ids differ here and there
    with server.up():
        done, document = run_to(
            server.address, many, "-P", "n=7", "--experiment-name", "team", "--run-name", "mine", "--tag", "a=b"
        )
        listed = mlproj("runs", "list", "--json", env={"MLPROJ_TRACKING_URI": server.address}).document["runs"]
    assert "waits" not in done.err
    with closing(server.store()) as store:
        run = store.get_run(document["run_id"])
    assert (run.run_name, run.experiment_name, run.status, run.exit_code) == ("mine", "team", Status.FINISHED, 0)
    assert run.params["alpha"] == "0.5" and run.params["n"] == "7" and run.tags["a"] == "b"
    assert run.source and run.environment and run.command == "python many.py 7 0" and run.entry_point == "main"
    assert [(point.step, point.value) for point in history(server, run.run_id)] == [
        (step, 1 / (step + 1)) for step in range(7)
    ]
    assert server.file(run.run_id, "sub/a b.txt").read_text() == "kept"
    assert server.file(run.run_id, "mlproj/output.log").read_text() == "said\n"
    assert '"entry_point"' in server.file(run.run_id, "mlproj/plan.json").read_text()
    assert document["artifact_uri"] == listed[0]["artifact_uri"] and document["artifact_uri"].startswith(
        "mlflow-artifacts:/"
    )
    assert {**listed[0], "outputs": None} == {**document, "outputs": None}
    assert left_on_disk() == [] and records_on_disk() == 0


def test_a_server_that_is_away_costs_a_run_nothing_but_a_warning(server: Server, many: Path) -> None:
    done, document = run_to(server.address, many, "-P", "n=3")
    assert (
        "the run waits on this disk" in done.err
        and "out of reach: Connection refused" in done.err
        and "mlproj sync" in done.err
    )
    code, out, _ = sync(server.address, "--dry-run")
    assert (code, out) == (0, f"{document['run_id']} waits for {server.address}\n")
    code, _, err = sync(server.address)
    assert code == 69 and "out of reach" in err and "Traceback" not in err
    with server.up():
        assert sync(server.address)[:2] == (0, "delivered 1 run\n")
        assert sync(server.address)[:2] == (0, "delivered 0 runs\n")
    assert [point.step for point in history(server, document["run_id"])] == [0, 1, 2]
    with closing(server.store()) as store:
        assert [run.run_id for run in store.list_runs()] == [document["run_id"]]
        assert store.get_run(document["run_id"]).end_time == document["end_time"]
    assert left_on_disk() == [] and records_on_disk() == 0


def test_a_server_that_goes_away_during_a_run_does_not_hold_it(server: Server, tmp_path: Path) -> None:
    # Nothing is left to be delivered but its end: nobody may take that for the server's answer.
    text = f"entry_points: {{main: {{command: 'while test -e {tmp_path}/wait; do sleep 0.05; done'}}}}\n"
    (tmp_path / "wait").touch()
    with server.up():
        process = start("run", project(tmp_path / "p", text), env={"MLPROJ_TRACKING_URI": server.address})
        eventually(lambda: _count(server) == 1)
        time.sleep(1.5)
    (tmp_path / "wait").unlink()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "the run waits on this disk" in err.decode()


def _count(server: Server) -> int:
    with closing(server.store()) as store:
        return len(store.list_runs())


def test_the_next_run_delivers_those_before_it(server: Server, many: Path) -> None:
    former = [run_to(server.address, many)[1]["run_id"] for _ in range(2)]
    with server.up():
        last = run_to(server.address, many)[1]["run_id"]
        eventually(lambda: sync(server.address)[:2] == (0, "delivered 0 runs\n"))  # what the short run had no time for
    with closing(server.store()) as store:
        assert {run.run_id for run in store.list_runs()} == {*former, last}
    assert records_on_disk() == 0


def test_metrics_come_while_the_run_goes_on(server: Server, many: Path) -> None:
    with server.up(), start_run(server, many, "n=400", "pause=0.05") as process:
        eventually(lambda: len(running_points(server)) > 3)
        with closing(server.store()) as store:
            assert store.list_runs()[0].status is Status.RUNNING
        process.send_signal(signal.SIGINT)
        process.communicate()
        with closing(server.store()) as store:
            assert store.list_runs()[0].status is Status.KILLED


def start_run(server: Server, folder: Path, *parameters: str) -> subprocess.Popen[bytes]:
    assignments = [word for parameter in parameters for word in ("-P", parameter)]
    return start("run", folder, "--env-manager", "local", *assignments, env={"MLPROJ_TRACKING_URI": server.address})


def running_points(server: Server) -> list[Metric]:
    if not (server.home / "mlproj.db").exists():
        return []
    with closing(server.store()) as store:
        runs = store.list_runs()
        return store.metric_history(runs[0].run_id, "loss") if runs else []


def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(server: Server, many: Path) -> None:
    points = 300
    with start_run(server, many, f"n={points}", "pause=0.02") as process:
        while process.poll() is None:
            with server.up() as served:
                time.sleep(1.2)
                served.kill()
                served.wait()
        _, err = process.communicate()
        assert process.returncode == 0, err
    with server.up():
        code, _, told = sync(server.address)
        assert code == 0, told
    with closing(server.store()) as store:
        (run,) = store.list_runs()
    assert run.status is Status.FINISHED and run.params["alpha"] == "0.5"
    assert [(point.step, point.value) for point in history(server, run.run_id)] == [
        (step, 1 / (step + 1)) for step in range(points)
    ]
    assert server.file(run.run_id, "sub/a b.txt").read_text() == "kept"
    assert records_on_disk() == 0


def test_a_runner_that_is_killed_leaves_a_record_that_is_delivered(server: Server, many: Path) -> None:
    with start_run(server, many, "n=5000", "pause=0.02") as process:
        with server.up():
            eventually(lambda: len(running_points(server)) > 3)
        eventually(lambda: any(paths.home().glob("runs/*/metrics.log")))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with server.up():
        code, out, err = sync(server.address)
        assert code == 0, (out, err)
        with closing(server.store()) as store:
            (run,) = store.list_runs()
        assert run.status is Status.KILLED
        steps = [point.step for point in history(server, run.run_id)]
        assert len(steps) > 3 and steps == list(range(len(steps)))


def test_a_sync_that_is_killed_is_gone_on_with(server: Server, many: Path) -> None:
    run_ids = [run_to(server.address, many, "-P", "n=50")[1]["run_id"] for _ in range(4)]
    with server.up():
        for pause in (0.15, 0.25, 0.35, 0.5):
            process = start("sync", env={"MLPROJ_TRACKING_URI": server.address})
            time.sleep(pause)
            process.kill()
            process.communicate()
        assert sync(server.address)[0] == 0
    for run_id in run_ids:
        assert [point.step for point in history(server, run_id)] == list(range(50))
        assert server.file(run_id, "sub/a b.txt").read_text() == "kept"
    with closing(server.store()) as store:
        assert len(store.list_runs()) == 4
    assert records_on_disk() == 0 and left_on_disk() == []


def test_two_who_deliver_at_once_double_nothing(server: Server, many: Path) -> None:
    run_ids = [run_to(server.address, many, "-P", "n=30")[1]["run_id"] for _ in range(3)]
    with server.up():
        both = [start("sync", env={"MLPROJ_TRACKING_URI": server.address}) for _ in range(2)]
        for process in both:
            process.communicate()
        assert sync(server.address)[0] == 0
    with closing(server.store()) as store:
        assert sorted(run.run_id for run in store.list_runs()) == sorted(run_ids)
    assert [len(history(server, run_id)) for run_id in run_ids] == [30, 30, 30]


def test_a_server_that_asks_for_a_token_gets_it_and_nobody_else_does(
    server: Server, many: Path, tmp_path: Path
) -> None:
    home = {"MLPROJ_HOME": str(server.home), "MLPROJ_TRACKING_URI": ""}
    token = mlproj("server", "token", "create", "ci", "--scope", "write", "--json", env=home).document["token"][
        "secret"
    ]
    leaking = project(
        tmp_path / "nosy",
        'name: nosy\nentry_points:\n  main:\n    command: "env"\n',
    )
    with server.up("--host", "0.0.0.0"):
        done, _ = run_to(server.address, many)
        assert "refused" in done.err and "MLFLOW_TRACKING_TOKEN" in (done.err + sync(server.address)[2])
        done, document = run_to(server.address, leaking, env={"MLFLOW_TRACKING_TOKEN": token})
        assert "waits" not in done.err and token not in done.err + done.out
        in_address = server.address.replace("//", f"//ci:{token}@")
        done, _ = run_to(in_address, leaking)
        assert "waits" not in done.err and token not in done.err + done.out
    with closing(server.store()) as store:
        assert len(store.list_runs()) == 3  # the first one came with the second
    assert token.encode() not in all_bytes(paths.home())
    assert token not in server.file(document["run_id"], "mlproj/output.log").read_text()


def test_a_run_that_the_server_took_for_dead_says_how_it_ended(server: Server, many: Path) -> None:
    """Its reaper judges the runs of its machine by their processes; the outcome comes later, and is true."""
    with server.up(), start_run(server, many, "n=60", "pause=0.05") as process:
        eventually(lambda: len(running_points(server)) > 3)
        with closing(server.store()) as store:
            run_id = store.list_runs()[0].run_id
            store.update_run(run_id, RunChanges(status=Status.KILLED, status_reason="it seemed so"))
        process.communicate()
        assert process.returncode == 0
    with closing(server.store()) as store:
        run = store.get_run(run_id)
    assert run.status is Status.FINISHED and not run.status_reason


def test_a_token_that_may_not_write_is_told_with_the_run(server: Server, many: Path) -> None:
    home = {"MLPROJ_HOME": str(server.home), "MLPROJ_TRACKING_URI": ""}
    token = mlproj("server", "token", "create", "reader", "--scope", "read", "--json", env=home).document["token"][
        "secret"
    ]
    with server.up("--host", "0.0.0.0"):
        run_to(server.address, many, env={"MLFLOW_TRACKING_TOKEN": token})
        done = mlproj("sync", env={"MLPROJ_TRACKING_URI": server.address, "MLFLOW_TRACKING_TOKEN": token})
    assert done.code == 69 and "scope is read; this needs write" in done.err


def test_a_run_does_not_wait_for_those_before_it(server: Server, many: Path) -> None:
    former = [run_to(server.address, many, "-P", "n=200")[1]["run_id"] for _ in range(6)]
    with server.up():
        _, document = run_to(server.address, many)
        with closing(server.store()) as store:
            assert store.get_run(document["run_id"]).status is Status.FINISHED
        assert sync(server.address)[0] == 0
        with closing(server.store()) as store:
            assert {run.run_id for run in store.list_runs()} == {*former, document["run_id"]}


def test_what_the_server_refuses_is_told_and_the_rest_goes_on(server: Server, many: Path) -> None:
    with closing(server.store()) as store:
        gone = store.create_experiment("gone")
        store.update_experiment(gone.experiment_id, lifecycle_stage="deleted")
    with server.up():
        refused, document = run_to(server.address, many, "--experiment-name", "gone")
        _, fine = run_to(server.address, many, "--experiment-name", "fine")
        assert "'gone' is deleted" in refused.err
        code, _, err = sync(server.address)
        assert code == 69 and "'gone' is deleted" in err and document["run_id"] in err
        code, out, _ = sync(server.address, "--json")
        assert code == 69 and [one["run_id"] for one in json.loads(out)["waiting"]] == [document["run_id"]]
        with closing(server.store()) as store:
            assert [run.run_id for run in store.list_runs()] == [fine["run_id"]]
            store.update_experiment(gone.experiment_id, lifecycle_stage="active")
        assert sync(server.address)[0] == 0
    with closing(server.store()) as store:
        assert store.get_run(document["run_id"]).experiment_name == "gone"


def test_a_run_at_which_the_server_fails_does_not_hold_up_the_others(server: Server, many: Path) -> None:
    """The server's disk holds a file where the first run's files are to go; it answers 500 to whoever sends one."""
    first, second = (run_to(server.address, many)[1]["run_id"] for _ in range(2))
    place = server.home / "artifacts" / "0" / first
    place.parent.mkdir(parents=True)
    place.write_text("in the way")
    with server.up():
        code, _, told = sync(server.address)
        assert code == 69 and first in told and second not in told
        assert server.file(second, "sub/a b.txt").read_text() == "kept"
        place.unlink()
        assert sync(server.address)[0] == 0
    assert server.file(first, "sub/a b.txt").read_text() == "kept" and records_on_disk() == 0


def test_an_experiment_is_named_by_the_servers_id(server: Server, many: Path) -> None:
    with closing(server.store()) as store:
        made = store.create_experiment("by id")
    with server.up():
        _, document = run_to(server.address, many, "--experiment-id", made.experiment_id)
        unknown = mlproj(
            "run", many, "--env-manager", "local", "--experiment-id", "77", env={"MLPROJ_TRACKING_URI": server.address}
        )
    assert document["experiment_name"] == "by id"
    assert unknown.code == 2 and "77" in unknown.err
    away = mlproj(
        "run", many, "--env-manager", "local", "--experiment-id", "1", env={"MLPROJ_TRACKING_URI": server.address}
    )
    assert away.code == 69 and "out of reach" in away.err


def test_a_server_that_accepts_and_never_answers_does_not_hold_the_run(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        done, _ = run_to(address, many)
        assert "waits on this disk" in done.err
        assert time.monotonic() - begun < 45


def test_something_else_at_the_address_is_named(many: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>")

        threading.Thread(target=answer, daemon=True).start()
        done, _ = run_to(f"http://127.0.0.1:{other.getsockname()[1]}", many)
        listed = mlproj("runs", "list", env={"MLPROJ_TRACKING_URI": f"http://127.0.0.1:{other.getsockname()[1]}"})
    assert "did not answer as a tracking server does" in done.err
    assert listed.code == 69 and "Traceback" not in listed.err


@pytest.mark.parametrize("address", ["http://", "http://host:port", "https://host/?x=1", "http://[::1"])
def test_an_address_that_is_none_is_refused_before_anything_runs(many: Path, address: str) -> None:
    done = mlproj("run", many, "--env-manager", "local", env={"MLPROJ_TRACKING_URI": address})
    assert done.code == 2 and "no address of a tracking server" in done.err and "said" not in done.out


def test_a_program_of_its_own_records_to_the_server(server: Server, tmp_path: Path) -> None:
    import sys

    code = """
import mlproj
with mlproj.start_run(run_name="own", experiment_name="scripts"):
    for step in range(20):
        mlproj.log_metric("loss", 1 / (step + 1), step=step)
    mlproj.log_text("hello", "notes/n.txt")
"""
    with server.up():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "MLPROJ_TRACKING_URI": server.address},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found = mlproj(
            "runs", "list", "--filter", "metrics.loss < 1", "--json", env={"MLPROJ_TRACKING_URI": server.address}
        )
    with closing(server.store()) as store:
        (run,) = store.list_runs()
    assert (run.run_name, run.experiment_name, run.status) == ("own", "scripts", Status.FINISHED)
    assert len(history(server, run.run_id)) == 20
    assert server.file(run.run_id, "notes/n.txt").read_text() == "hello"
    assert [one["run_id"] for one in found.document["runs"]] == [run.run_id]


def test_a_nested_run_comes_with_its_parent(server: Server, many: Path, tmp_path: Path) -> None:
    import sys

    outer = project(
        tmp_path / "outer",
        f'name: outer\nentry_points:\n  main:\n    command: "{sys.executable} -m mlproj run {many} --env-manager'
        ' local"\n',
    )
    with server.up():
        _, document = run_to(server.address, outer)
    with closing(server.store()) as store:
        runs: dict[str, Run] = {run.run_id: run for run in store.list_runs()}
    parent = runs.pop(document["run_id"])
    (child,) = runs.values()
    assert child.tags["mlflow.parentRunId"] == parent.run_id and child.params["alpha"] == "0.5"
    assert records_on_disk() == 0


def test_sync_without_a_server_delivers_what_waits_for_the_only_one(server: Server, many: Path) -> None:
    assert mlproj("sync").out == "delivered 0 runs\n"
    run_to(server.address, many)
    with server.up():
        assert mlproj("sync").out == "delivered 1 run\n"
    run_to("http://127.0.0.1:9/a", many)
    run_to("http://127.0.0.1:9/b", many)
    several = mlproj("sync")
    assert (
        several.code == 2 and "http://127.0.0.1:9/a, http://127.0.0.1:9/b" in several.err
    ) or "for 2 servers" in several.err
    waiting = mlproj("sync", "--dry-run", "--json").document["waiting"]
    assert {one["server"] for one in waiting} == {"http://127.0.0.1:9/a", "http://127.0.0.1:9/b"}


def test_every_file_of_a_run_comes_whatever_it_is_called(server: Server, tmp_path: Path) -> None:
    code = """
import os
folder = os.environ["MLPROJ_ARTIFACTS"]
for name in ("movie.mp4.part", ".hidden", "a\\x01b", "ümlaut ☃", "-rf", "x" * 200):
    open(os.path.join(folder, name), "w").write(name)
os.symlink("movie.mp4.part", folder + "/inner link")
os.symlink("/etc/hostname", folder + "/outer link")
os.symlink("nowhere", folder + "/dead link")
open(folder + "/empty", "w")
"""
    folder = project(tmp_path / "p", 'name: p\nentry_points:\n  main:\n    command: "python p.py"\n', p__py=code)
    with server.up():
        done, document = run_to(server.address, folder)
        code_, _, told = sync(server.address)
    there = {path.name: path.read_text() for path in server.file(document["run_id"], "").iterdir() if path.is_file()}
    names = ("movie.mp4.part", ".hidden", "ümlaut ☃", "-rf", "x" * 200)
    assert {name: name for name in names}.items() <= there.items()
    assert there["inner link"] == "movie.mp4.part" and there["empty"] == "" and "outer link" not in there
    # A name that no server takes is told, and the file is kept here.
    assert code_ == 69 and "a\\x01b" in told and "waits on this disk" in done.err
    assert [Path(file).name for file in left_on_disk() if "\x01" in file] == ["a\x01b"]


def test_a_secret_that_a_program_printed_is_masked_by_the_run_that_knew_it(server: Server, tmp_path: Path) -> None:
    """It is delivered later, from where nobody knows that it is one."""
    folder = project(tmp_path / "p", "name: p\nentry_points:\n  main:\n    command: 'echo it is $SERVICE_TOKEN'\n")
    _, document = run_to(server.address, folder, env={"SERVICE_TOKEN": "s3cr3t-value"})
    with server.up():
        assert sync(server.address)[0] == 0
    assert server.file(document["run_id"], "mlproj/output.log").read_text() == "it is ****\n"
    assert b"s3cr3t-value" not in all_bytes(server.home)


def test_people_elsewhere_see_what_a_run_printed_and_left(server: Server, tmp_path: Path) -> None:
    """Where the run was recorded its folder is; at another desk there is what came to the server."""
    folder = project(
        tmp_path / "p",
        'name: p\nentry_points:\n  main:\n    command: "echo said; echo rows > table.txt"\n',
    )
    with server.up():
        _, document = run_to(server.address, folder)
        elsewhere = {"MLPROJ_TRACKING_URI": server.address, "MLPROJ_HOME": str(tmp_path / "elsewhere")}
        assert mlproj("runs", "logs", document["run_id"], env=elsewhere).out == "said\n"
        with urllib.request.urlopen(f"{server.address}/runs/{document['run_id']}") as page:
            text = page.read().decode()
        assert "said" in text and "table.txt" in text
        with urllib.request.urlopen(f"{server.address}/runs/{document['run_id']}/artifacts/outputs/table.txt") as page:
            assert "rows" in page.read().decode()
        ui = start("ui", "--port", "0", env=elsewhere)
        assert ui.stdout is not None
        address = ui.stdout.readline().decode().split()[4]
        try:
            with urllib.request.urlopen(f"{address}/runs/{document['run_id']}/raw/outputs/table.txt") as raw:
                assert raw.read() == b"rows\n" and raw.headers["Content-Disposition"].startswith("attachment")
            with urllib.request.urlopen(f"{address}/runs/{document['run_id']}") as page:
                assert "said" in page.read().decode()
        finally:
            ui.terminate()
            ui.communicate()


def test_a_run_is_linked_to_the_models_of_the_server_that_it_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(server.models()) as models:
        of_server = models.create_logged_model("0", name="churn").model_id
    monkeypatch.setenv("MLPROJ_TRACKING_URI", server.address)
    here = outbox.recording_uri()
    with closing(tracking.open(here)) as store, closing(tracking.open_models(here)) as models:
        run_id = store.create_run(NewRun()).run_id
        nobodys = RunModel("m-" + "0" * 32, output=False)
        models.link_models(run_id, [RunModel(of_server, output=False), nobodys])
        store.update_run(run_id, RunChanges(status=Status.FINISHED))
    with server.up():
        assert sync(server.address)[:2] == (0, "delivered 1 run\n")
    with closing(server.models()) as models:
        assert models.models_of_runs([run_id]) == {run_id: [RunModel(of_server, output=False)]}
