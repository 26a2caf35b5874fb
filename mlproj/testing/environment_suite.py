"""What every kind of environment must do, shown by running projects. A kind's own tests subclass
:class:`EnvironmentSuite`.

Name the module in ``pytest.register_assert_rewrite`` before it is imported, so that a failure shows its values.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths

_PATIENCE = 180.0  # seconds that one run may take on a busy machine


@dataclass(frozen=True)
class Declared:
    """A project's declaration of its environment.

    ``text`` is what ``MLproject`` says of it; ``files`` are what that needs, by name. ``shows`` is a shell command that
    prints ``printed`` in this environment and fails outside of it. The declaration sets the variable ``MODE`` when
    ``variable`` is given.
    """

    text: str
    files: dict[str, str]
    shows: str
    printed: str
    variable: str | None = None


@dataclass(frozen=True)
class Ran:
    """How ``mlproj run --json`` ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The run's record."""
        found: dict[str, Any] = json.loads(self.out)["run"]
        return found

    @property
    def environment(self) -> dict[str, Any]:
        """What the record has of the environment."""
        found: dict[str, Any] = self.record["environment"]
        return found

    @property
    def log(self) -> str:
        """What the command printed."""
        return (paths.run_dir(self.record["run_id"]) / "output.log").read_text()


@dataclass(frozen=True)
class Made:
    """A ``cache`` that has the small environment: the plan before it was made, the environments that were there then,
    and of its first run the record, what it printed, and the text of its lock."""

    cache: Path
    plan: dict[str, Any]
    before: list[str]
    record: dict[str, Any]
    log: str
    lock: str

    @property
    def environment(self) -> dict[str, Any]:
        """What the record has of the environment."""
        found: dict[str, Any] = self.record["environment"]
        return found


class EnvironmentSuite:
    """Give it ``kind``, ``manager`` and the declarations; ``options`` are those of ``mlproj run`` that ask for this
    kind.

    ``MLPROJ_HOME`` and ``MLPROJ_CACHE`` have to be new for each test; those that only use an environment share another
    cache.
    """

    kind: str
    manager: str
    options: tuple[str, ...] = ()
    _made: Made | None = None

    def declared(self) -> Declared:
        """A small environment."""
        raise NotImplementedError

    def another(self) -> Declared:
        """One with other content."""
        raise NotImplementedError

    def broken(self) -> Declared:
        """One that can be decided and not be made."""
        raise NotImplementedError

    # --- what is kept of them ---

    def leftovers(self) -> list[str]:
        """What a build leaves in the cache that is no environment."""
        try:
            return [place.name for place in paths.environments().iterdir() if place.suffix in (".building", ".removed")]
        except OSError:
            return []

    # --- how it is asked ---

    def options_for(self, name: str, value: str) -> tuple[str, ...]:
        """What gives the command a variable that its environment does not set. By itself it has those of this
        process."""
        os.environ[name] = value  # the test has seen to it that this is undone
        return ()

    # --- projects and runs ---

    def project(self, folder: Path, declared: Declared) -> Path:
        folder.mkdir(parents=True)
        entry_points = {
            "main": declared.shows,
            "mode": 'echo "mode=$MODE"',
            "fails": "echo before; exit 7",
            "waits": "touch started; while true; do sleep 0.1; done",
        }
        lines = "".join(f"  {name}: {{command: {json.dumps(command)}}}\n" for name, command in entry_points.items())
        (folder / "MLproject").write_text(f"name: shown\n{declared.text}\nentry_points:\n{lines}")
        for name, content in declared.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        return folder

    def start(self, folder: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mlproj", "run", str(folder), *self.options, *arguments]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, folder: Path, *arguments: str) -> Ran:
        with self.start(folder, "--json", *arguments) as process:
            out, err = process.communicate(timeout=_PATIENCE)
        return Ran(process.returncode, out, err)

    def ran(self, folder: Path, *arguments: str) -> Ran:
        done = self.run(folder, *arguments)
        assert done.code == 0, done.err + done.out
        return done

    def listed(self) -> list[dict[str, Any]]:
        """The records of this test's runs."""
        command = [sys.executable, "-m", "mlproj", "runs", "list", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
        return found

    @pytest.fixture
    def made(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Made:
        """The cache that has the small environment, for this test; it is made for the first one of the class."""
        suite = type(self)
        if suite._made is None:
            cache = tmp_path_factory.mktemp("made")
            monkeypatch.setenv("MLPROJ_CACHE", str(cache))
            folder = self.project(tmp_path_factory.mktemp("first") / "p", self.declared())
            plan = json.loads(self.ran(folder, "--dry-run").out)["plan"]
            before = [one.name for one in paths.environments().glob("[!.]*")]
            done = self.ran(folder)
            lock = (paths.run_dir(done.record["run_id"]) / done.environment["lock"]).read_text()
            suite._made = Made(cache, plan, before, done.record, done.log, lock)
        monkeypatch.setenv("MLPROJ_CACHE", str(suite._made.cache))
        return suite._made

    # --- the promises ---

    def test_it_is_told_before_it_is_made(self, made: Made, tmp_path: Path) -> None:
        environment = made.plan["environment"]
        assert (environment["kind"], environment["manager"], environment["file"] is not None) == (
            self.kind,
            self.manager,
            True,
        )
        assert made.plan["environment_ready"] is False and len(environment["key"]) == 32 and made.before == []
        assert made.environment["key"] == environment["key"]
        planned = self.ran(self.project(tmp_path / "p", self.declared()), "--dry-run")
        assert json.loads(planned.out)["plan"]["environment_ready"] is True

    def test_the_command_runs_in_it_and_its_lock_is_kept(self, made: Made) -> None:
        assert made.log == self.declared().printed + "\n"
        environment = made.environment
        assert (environment["kind"], environment["manager"], environment["reused"]) == (self.kind, self.manager, False)
        assert made.lock and made.record["source"]["uri"] not in made.lock

    def test_equal_content_is_made_once_wherever_it_is(self, made: Made, tmp_path: Path) -> None:
        second = self.ran(self.project(tmp_path / "a folder of ünusual name", self.declared()))
        assert second.environment["key"] == made.environment["key"] and second.environment["reused"] is True
        assert second.log == made.log

    def test_other_content_is_another_environment(self, made: Made, tmp_path: Path) -> None:
        del made
        folder, another = self.project(tmp_path / "p", self.declared()), self.another()
        first = self.ran(folder)
        shutil.rmtree(folder)
        second = self.ran(self.project(folder, another))
        assert second.environment["key"] != first.environment["key"] and second.environment["reused"] is False
        assert second.log == another.printed + "\n" != first.log

    def test_it_is_made_anew_when_asked(self, made: Made, tmp_path: Path) -> None:
        again = self.ran(self.project(tmp_path / "p", self.declared()), "--rebuild")
        assert again.environment["reused"] is False and again.environment["key"] == made.environment["key"]
        assert again.log == made.log and self.leftovers() == []

    def test_runs_at_once_make_it_once(self, tmp_path: Path) -> None:
        folder = self.project(tmp_path / "p", self.declared())
        processes = [self.start(folder, "--json", "--isolated") for _ in range(3)]
        done = [
            Ran(process.wait(), out, err)
            for process in processes
            for out, err in [process.communicate(timeout=_PATIENCE)]
        ]
        assert [one.code for one in done] == [0, 0, 0], [one.err for one in done]
        assert [one.environment["reused"] for one in done].count(False) == 1
        assert len({one.environment["key"] for one in done}) == 1 and self.leftovers() == []

    def test_one_that_cannot_be_made_is_told_and_leaves_nothing(self, tmp_path: Path) -> None:
        done = self.run(self.project(tmp_path / "p", self.broken()))
        assert done.code == 73 and "Traceback (most recent call last)" not in done.err, done.err
        assert json.loads(done.out)["error"]["kind"] == "environment"
        assert self.leftovers() == []
        assert [run["status"] for run in self.listed()] == ["FAILED"]

    @pytest.mark.parametrize("pause", [0.3, 0.9])
    def test_a_build_that_is_killed_is_not_taken_for_whole(self, tmp_path: Path, pause: float) -> None:
        declared = self.declared()
        folder = self.project(tmp_path / "p", declared)
        with self.start(folder) as process:
            time.sleep(pause)
            process.kill()
            process.communicate()
        done = self.ran(folder)
        assert done.log == declared.printed + "\n"
        # The installer that was at work may go on for a moment, in a folder that nobody looks at any more.
        deadline = time.monotonic() + _PATIENCE
        while self.leftovers() and time.monotonic() < deadline:
            subprocess.run([sys.executable, "-m", "mlproj", "env", "prune"], capture_output=True, check=True)
        assert self.leftovers() == []

    def test_its_variables_reach_the_command(self, made: Made, tmp_path: Path) -> None:
        del made
        declared = self.declared()
        if declared.variable is None:
            return  # this kind of declaration has none
        assert self.ran(self.project(tmp_path / "p", declared), "-e", "mode").log == f"mode={declared.variable}\n"

    def test_the_exit_code_is_the_commands(self, made: Made, tmp_path: Path) -> None:
        del made
        done = self.run(self.project(tmp_path / "p", self.declared()), "-e", "fails")
        assert done.code == 7 and done.log == "before\n" and done.record["status"] == "FAILED"

    def test_what_ends_well_in_the_place_of_the_command_is_no_success(
        self, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A shell executes first what ``BASH_ENV`` names. The sign of having started is the command's own."""
        del made
        folder = self.project(tmp_path / "p", self.declared())
        (folder / "ends.sh").write_text("echo instead; exit 0\n")
        monkeypatch.delenv("BASH_ENV", raising=False)
        done = self.run(folder, *self.options_for("BASH_ENV", "./ends.sh"))
        run = self.listed()[0]
        assert done.code == 73 and "the command never began" in json.loads(done.out)["error"]["message"], done.err
        assert run["status"] == "FAILED" and "the command never began" in run["status_reason"]
        assert (paths.run_dir(run["run_id"]) / "output.log").read_text() == "instead\n"
        assert {path.name for path in folder.iterdir()} >= {"MLproject", "ends.sh"} and self.leftovers() == []

    def test_a_signal_ends_the_command_and_is_recorded(self, made: Made, tmp_path: Path) -> None:
        del made
        folder = self.project(tmp_path / "p", self.declared())
        with self.start(folder, "--json", "-e", "waits") as process:
            deadline = time.monotonic() + _PATIENCE
            while not (folder / "started").exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=_PATIENCE)
        assert json.loads(out)["run"]["status"] == "KILLED", err
        assert process.returncode == 130 and _inside(folder) == []


def _inside(folder: Path) -> list[str]:
    """The processes whose working directory is *folder*."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  # thousands of names
        try:
            if Path(f"/proc/{name}/cwd").samefile(folder):
                found.append(name)
        except OSError:
            continue
    return found
