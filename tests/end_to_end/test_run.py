"""``mlproj run`` from the outside: what is run, shown, recorded and left behind."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import mlproj as package
from tests.program import mlproj, project, start

SAMPLES = Path(__file__).parents[2] / "sample_projects"


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """The sample project of that name, as a copy that a run may write into."""
    import shutil

    return Path(shutil.copytree(SAMPLES / "shell", tmp_path / "shell"))


def record(*arguments: str | Path, **options: Any) -> dict[str, Any]:
    result = mlproj("run", *arguments, "--json", **options)
    assert result.out, result.err
    run: dict[str, Any] = result.document["run"]
    return run


def test_a_run_shows_the_output_and_returns_the_code_of_the_entry_point(shell: Path) -> None:
    good = mlproj("run", shell)
    bad = mlproj("run", shell, "-e", "fail", "-P", "code=7")

    assert (good.code, good.out.strip()) == (0, "13")
    assert bad.code == 7
    assert "ending with 7" in bad.err
    assert "FAILED" in bad.err


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_the_summary_begins_on_a_line_of_its_own_and_the_output_stays_as_it_is(
    tmp_path: Path, quiet: tuple[str, ...]
) -> None:
    command = "{command: 'printf partial; printf half >&2; exit {code}', parameters: {code: int}}"
    folder = project(tmp_path / "p", f"entry_points: {{main: {command}}}\n")

    apart = mlproj("run", folder, "-P", "code=1", *quiet)
    with start("run", folder, "-P", "code=1", *quiet, stderr=subprocess.STDOUT) as process:
        together = process.communicate()[0].decode()
    silent = mlproj("run", folder, "-P", "code=0", "-q")

    assert apart.out == silent.out == "partial"
    assert silent.err == "half"
    for shown in (apart.err, together):
        assert "half" in shown
        assert sum(line.startswith("warning: run ") for line in shown.splitlines()) == 1
        assert "" not in shown.splitlines()


def test_values_are_data_and_never_shell(shell: Path, tmp_path: Path) -> None:
    value = f"$(touch {tmp_path}/pwned); `id` 'quotes\" \\ {{name}} --times"

    result = mlproj("run", shell, "-e", "greet", "-P", f"name={value}")

    assert result.out == f"Hello, {value}.\n"
    assert not (tmp_path / "pwned").exists()


def test_the_record_follows_its_contract(shell: Path) -> None:
    run = record(shell, "--experiment-name", "words", "--run-name", "first", "-t", "team=blue")

    assert (run["status"], run["status_reason"], run["exit_code"]) == ("FINISHED", None, 0)
    assert (run["experiment_name"], run["run_name"], run["entry_point"]) == ("words", "first", "main")
    assert run["params"]["text"].endswith("poem.txt")
    assert run["tags"]["team"] == "blue"
    assert run["tags"]["mlflow.source.type"] == "PROJECT"
    assert run["start_time"] <= run["end_time"]
    assert run["environment"]["kind"] == "system"
    content = (shell / "words.txt").read_bytes()
    assert run["outputs"] == [
        {"path": "words.txt", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "kept": True}
    ]
    assert run["inputs"][0]["sha256"] == hashlib.sha256((shell / "poem.txt").read_bytes()).hexdigest()
    assert mlproj("runs", "show", run["run_id"], "--json").document["run"] == run


def test_with_json_the_program_cannot_spoil_the_document(shell: Path) -> None:
    result = mlproj("run", shell, "-e", "greet", "--json")

    assert result.document["schema"] == 1
    assert "Hello, world." in result.err


def test_both_streams_are_kept(shell: Path) -> None:
    run = record(shell, "-e", "fail")

    assert mlproj("runs", "logs", run["run_id"]).out == "ending with 3\n"
    assert mlproj("runs", "logs", run["run_id"], "--stdout").out == ""


def test_wrong_parameters_are_refused_before_anything_runs(shell: Path) -> None:
    wrong = mlproj("run", shell, "-e", "greet", "-P", "times=many")
    too_many = mlproj("run", shell, "-e", "greet", "-P", "times=11")

    assert wrong.code == too_many.code == 2
    assert "times" in wrong.err
    assert "whole number" in wrong.err
    assert "10" in too_many.err
    assert mlproj("runs", "list", "--json").document["runs"] == []


def test_errors_are_one_document_too(shell: Path) -> None:
    result = mlproj("run", shell, "-e", "gret", "--json")

    error = result.document["error"]
    assert result.code == error["exit_code"] == 2
    assert error["kind"] == "usage"
    assert "greet" in f"{error['message']} {error['hint']}"


def test_a_dry_run_touches_nothing_but_the_cache(shell: Path) -> None:
    result = mlproj("run", shell, "--dry-run", "--json")

    plan = result.document["plan"]
    assert plan["command"].startswith("wc -w")
    assert plan["reasons"]
    assert not (shell / "words.txt").exists()
    assert not Path(os.environ["MLPROJ_HOME"]).exists()


def test_an_isolated_run_leaves_the_folder_alone(shell: Path) -> None:
    run = record(shell, "--isolated")

    assert run["status"] == "FINISHED"
    assert [output["path"] for output in run["outputs"]] == ["words.txt"]
    assert not (shell / "words.txt").exists()
    assert list((Path(os.environ["MLPROJ_CACHE"]) / "checkouts").iterdir()) == []


def test_outputs_are_copied_up_to_a_limit(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'head -c 2000 /dev/zero > big; echo x > small'}}")

    run = record(folder, "--max-output-size", "1kB")

    artifacts = Path(run["artifact_uri"].removeprefix("file://"))
    assert [(output["path"], output["size"], output["kept"]) for output in run["outputs"]] == [
        ("big", 2000, False),
        ("small", 2, True),
    ]
    assert [path.name for path in artifacts.rglob("*") if path.is_file()] == ["small"]


def test_a_git_source_is_run_at_its_revision(tmp_path: Path) -> None:
    folder = project(tmp_path / "work", "entry_points: {main: {command: cat version.txt}}", version__txt="one\n")
    git = ["git", "-C", str(folder)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run([*git, *command], check=True)
    (folder / "version.txt").write_text("two\n")
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    commit = subprocess.run([*git, "rev-parse", "v1"], capture_output=True, text=True, check=True).stdout.strip()

    newest = mlproj("run", f"file://{folder}")
    run = record(f"file://{folder}", "-v", "v1")

    assert newest.out == "two\n"
    assert run["source"]["commit"] == commit
    assert run["source"]["tag"] == "v1"
    assert run["tags"]["mlflow.source.git.commit"] == commit
    assert mlproj("runs", "logs", run["run_id"]).out == "one\n"


def test_a_dirty_folder_is_recorded_with_its_difference(tmp_path: Path) -> None:
    folder = project(tmp_path / "work", "entry_points: {main: {command: 'true'}}", code__py="x = 1\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    (folder / "code.py").write_text("x = 2\n")
    (folder / "new.py").write_text("y = 1\n")

    run = record(folder)

    patch = (Path(os.environ["MLPROJ_HOME"]) / "runs" / run["run_id"] / "diff.patch").read_text()
    assert run["source"]["dirty"] is True
    assert "+x = 2" in patch
    assert "+y = 1" in patch


def test_a_script_runs_without_any_project_file(tmp_path: Path) -> None:
    (tmp_path / "hello.sh").write_text('echo "hello $1 $2"\n')

    result = mlproj("run", tmp_path, "-e", "hello.sh", "-P", "x=1 2")

    assert result.out == "hello --x 1 2\n"


def test_a_pipeline_makes_child_runs(tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(SAMPLES / "pipeline", tmp_path / "pipeline")

    parent = record(folder, "-P", "size=10")
    runs = mlproj("runs", "list", "--json").document["runs"]

    children = {run["entry_point"] for run in runs if run["tags"].get("mlflow.parentRunId") == parent["run_id"]}
    assert parent["status"] == "FINISHED"
    assert children == {"prepare", "summarise"}
    assert (folder / "total.txt").read_text() == "55\n"


def test_a_timeout_ends_the_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'sleep 1000'}}")

    result = mlproj("run", folder, "--timeout", "200ms", "--json")

    assert result.code == 124
    assert (result.document["run"]["status"], result.document["run"]["status_reason"]) == (
        "KILLED",
        "timed out after 0.2 s",
    )


def test_secrets_are_in_no_record(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p",
        "entry_points: {main: {parameters: {api_key: string, data: string}, command: 'echo {api_key} {data}"
        " >/dev/null'}}",
    )

    run = record(folder, "-P", "api_key=hunter2secret", "-P", "data=https://user:s3cr3tpass@example.org/x")

    home = Path(os.environ["MLPROJ_HOME"])
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert run["status"] == "FINISHED"
    assert b"hunter2secret" not in kept
    assert b"s3cr3tpass" not in kept


def test_python_runs_a_project(shell: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    handle = package.run(str(shell), "greet", parameters={"name": "Ada", "times": 2})

    assert handle.status.value == "FINISHED"
    assert capfd.readouterr().out == "Hello, Ada.\nHello, Ada.\n"


def test_python_runs_in_the_background_and_cancels(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'echo started; sleep 1000'}}")

    handle = package.run(str(folder), synchronous=False, echo="nowhere")
    handle.cancel()

    assert handle.wait() is False
    assert handle.status.value == "KILLED"


def test_a_handle_says_that_its_environment_could_not_be_made(tmp_path: Path) -> None:
    from mlproj.foundation.errors import EnvironmentFailure

    folder = project(
        tmp_path / "p",
        "{python_env: python_env.yaml, entry_points: {main: {command: 'true'}}}",
        python_env__yaml="dependencies: [no-such-package-anywhere-at-all]\n",
    )

    handle = package.run(str(folder), synchronous=False, offline=True)
    with pytest.raises(EnvironmentFailure):
        handle.wait()

    assert handle.status.value == "FAILED"


def test_python_is_told_what_keeps_a_run_from_starting(tmp_path: Path) -> None:
    from mlproj.foundation.errors import SourceError

    with pytest.raises(SourceError):
        package.run(str(tmp_path / "nowhere"))


def test_a_script_that_is_not_there_is_told_before_the_environment_is_built(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: python main.py}}", modelling__py="")

    plan = mlproj("run", folder, "--dry-run", "--json").document["plan"]

    (warning,) = plan["warnings"]
    assert "main.py" in warning
    assert "did you mean modelling.py?" in warning


def test_the_only_entry_point_is_taken_and_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {train: {command: echo trained}}")

    result = mlproj("run", folder)

    assert result.out == "trained\n"
    assert "entry point: train, because" in result.err
