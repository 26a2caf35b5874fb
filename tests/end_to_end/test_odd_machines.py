"""Ordinary conditions of machines: what may not be read, is read-only, gone, deep or long is no bug of mlproj."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests.program import Result, project, start
from tests.program import mlproj as run
from tests.unprivileged import closed, mlproj

HELLO = 'entry_points:\n  main: {command: "echo hello"}\n'


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return project(tmp_path / "hello", HELLO)


def told(result: Result, code: int, words: str) -> None:
    assert (result.code, "Traceback" in result.err) == (code, False), result.err
    assert words in result.err
    assert not (paths.home() / "bugs").exists()


def test_a_folder_on_path_that_may_not_be_read_is_passed_over(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (hello / "python_env.yaml").write_text("dependencies: []\n")  # so that Pythons are looked for
    with closed(tmp_path / "secret"):
        path = f"{tmp_path}/secret:{tmp_path}/secret/below:{os.environ['PATH']}"
        assert mlproj("run", hello, "--dry-run", env={"PATH": path}).code == 0
        assert mlproj("run", hello, "--env-manager=local", env={"PATH": path}).out == "hello\n"
        assert mlproj("doctor", "--offline", env={"PATH": path}).code == 0


def test_a_subfolder_that_may_not_be_read_keeps_nothing_from_running(hello: Path) -> None:
    (hello / "data").mkdir()
    with closed(hello / "data"):
        done = mlproj("run", hello)
        assert (done.code, done.out) == (0, "hello\n"), done.err
        assert done.err.count("warning: ") == 1
        assert "outputs in data are not recorded: the folder cannot be read" in done.err
        for command in ("show", "check"):
            assert mlproj(command, hello).code == 0


def test_what_cannot_be_copied_whole_is_refused_with_its_path(hello: Path, tmp_path: Path) -> None:
    (hello / "data").mkdir()
    with closed(hello / "data"):
        told(mlproj("run", "--isolated", hello), 66, f"{hello}/data")
        told(mlproj("package", hello, "-o", tmp_path / "x.mlproj"), 66, f"{hello}/data")


def test_a_project_that_may_not_be_read_says_so(hello: Path) -> None:
    with closed(hello):
        for command in ("run", "show", "check"):
            told(mlproj(command, hello), 66, "may not be read")


def test_a_current_folder_that_was_removed_is_said_where_one_is_needed(hello: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    named = f"run {hello} --params-file x.yaml"
    lines = ["run", "show", "check", "bisect . --metric x --good a", named]
    lines += [f"run {hello} -q", f"show {hello} --offline", f"check {hello} --offline", f"package {hello} -o x.mlproj"]
    lines += [f"package {hello} -o {tmp_path}/x.mlproj", f"run {tmp_path}/x.mlproj -q --junit-xml {tmp_path}/x.xml"]
    lines += [f"run {hello} --summary x.md", f"check {hello} --junit-xml x.xml"]
    for line in lines:
        gone.mkdir()
        code = f"import os, sys; os.rmdir({str(gone)!r}); sys.argv[1:] = {line.split()!r}\n"
        code += "from mlproj.cli.main import main; main()"
        done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True, check=False)
        if str(tmp_path) in line and not line.endswith((" x.yaml", " x.mlproj", " x.md", " x.xml")):
            assert done.returncode == 0, done.stderr  # nothing is looked for where we stood
        else:
            told(Result(done.returncode, done.stdout, done.stderr), 66, "the current folder is not there any more")


def test_a_read_only_home_is_said_with_its_variable(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    env = {"MLPROJ_HOME": str(tmp_path / "home" / "mine")}
    with closed(tmp_path / "home", mode=0o555):
        told(mlproj("run", hello, env=env), 69, f"{tmp_path}/home/mine")
        told(mlproj("server", "token", "create", "x", env=env), 69, f"{tmp_path}/home/mine")
        assert mlproj("doctor", "--offline", env=env).code == 1


def test_a_read_only_cache_is_said_where_it_is_needed_only(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    env = {"MLPROJ_CACHE": str(tmp_path / "cache" / "mine")}
    with closed(tmp_path / "cache", mode=0o555):
        assert mlproj("run", hello, env=env).code == 0
        assert mlproj("doctor", "--offline", env=env).code == 1
        told(mlproj("run", "--isolated", hello, env=env), 69, "MLPROJ_CACHE")


def test_folders_nested_very_deeply_are_run_copied_and_removed(hello: Path) -> None:
    here = os.open(hello, os.O_RDONLY)
    try:
        for _ in range(1050):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)

    try:
        done = run("run", "--isolated", hello)

        assert (done.code, done.out) == (0, "hello\n"), done.err
        assert not [place for place in paths.checkouts().iterdir() if place.is_dir()]
        assert run("check", hello).code == 0
    finally:  # pytest's own clearing up would recurse, in later sessions too
        subprocess.run(["rm", "-rf", str(hello)], check=True)


@pytest.mark.parametrize(
    "command",
    [["run"], ["show"], ["check"], ["verify"], ["ci", "init", "github"], ["bisect", "--metric=x", "--good=a"]],
)
def test_a_path_of_six_thousand_characters_is_not_there(command: list[str]) -> None:
    result = run(*command, "a/" * 3000)

    assert result.code in (2, 66), result.err[:500]
    assert len(result.err) < 3000


@pytest.mark.needs("dev-full")
def test_output_that_cannot_be_written_is_no_success(hello: Path) -> None:
    with open("/dev/full", "wb") as full:
        process = start("run", hello, stdout=full)
        _, err = process.communicate()

    assert process.returncode == 69
    assert "the output could not be written: No space left on device" in err.decode()
    assert "hello" in run("runs", "logs", "last").out


def test_a_reader_that_left_is_no_failure(hello: Path) -> None:
    shell = shutil.which("bash") or "bash"
    line = f"{sys.executable} -m mlproj run {hello} | true; exit ${{PIPESTATUS[0]}}"

    assert subprocess.run([shell, "-c", line], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt what loses its parent")
def test_a_daemon_that_emptied_its_environment_does_not_outlive_a_normal_end(tmp_path: Path) -> None:
    hiding = "env -i bash -c 'setsid sleep 1000 & echo $! > pid'; "
    hiding += "env -i setsid -f bash -c 'echo $$ > daemon; exec sleep 1000'"
    folder = project(tmp_path / "p", f'entry_points:\n  main: {{command: "{hiding}; sleep 0.3; git --version"}}\n')

    assert run("run", folder).code == 0

    for name in ("pid", "daemon"):
        pid = int((folder / name).read_text())
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
