"""Measures contenders side by side and prints what came of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CPU, WALL = "cpu", "wall"


@dataclass(frozen=True)
class Sample:
    """Seconds that one execution took: user and system time of the whole process tree, and time on the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Contender:
    """Something to measure. *prepare* comes before each execution and is not measured."""

    name: str
    execute: Callable[[], Sample]
    prepare: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Target:
    """That *who* takes at most *times* as long as *than*; or, with *times* below 1, that it is so much faster.

    Without *times* there is nothing to reach: the ratio is told for comparison.
    """

    who: str
    than: str
    times: float | None
    what: str = CPU


@dataclass
class Bench:
    """One run of a benchmark: where it may write, the peer, and the environment of everything it starts."""

    folder: Path
    rounds: int
    peer: Path | None
    environ: dict[str, str]
    results: dict[str, list[Sample]] = field(default_factory=dict)

    def command(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        codes: Sequence[int] = (0,),
    ) -> Callable[[], Sample]:
        """An execution of a program, measured by the kernel (wait4(2): with every descendant that was waited for)."""

        def execute() -> Sample:
            with tempfile.TemporaryFile() as output:
                begin = time.perf_counter()
                process = subprocess.Popen(
                    [str(word) for word in argv],
                    env={**self.environ, **(env or {})},
                    cwd=cwd or self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
                try:
                    _, status, usage = os.wait4(process.pid, 0)
                except BaseException:
                    process.terminate()
                    process.wait()
                    raise
                wall = time.perf_counter() - begin
                process.returncode = os.waitstatus_to_exitcode(status)
                if process.returncode not in codes:
                    output.seek(0)
                    raise RuntimeError(
                        f"{argv[0]} ended with {process.returncode}: {output.read()[-2000:].decode(errors='replace')}"
                    )
            return Sample(usage.ru_utime + usage.ru_stime, wall)

        return execute

    def timed_program(
        self, python: str | Path, code: str, *arguments: str | Path, env: Mapping[str, str] | None = None
    ) -> Callable[[], Sample]:
        """An execution of a part of a Python program, which it puts in ``with timed():`` and so leaves imports out."""

        def execute() -> Sample:
            done = subprocess.run(
                [str(python), "-c", _TIMED + code, *map(str, arguments)],
                env={**self.environ, **(env or {})},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(done.stderr[-2000:].decode(errors="replace"))
            return Sample(**json.loads(done.stdout.splitlines()[-1]))

        return execute

    def compare(self, *contenders: Contender, rounds: int | None = None, unmeasured: int = 1) -> None:
        """Execute all in turn, round by round, so that a noisy moment hits everybody; the first rounds warm caches
        up."""
        for turn in range(unmeasured + (rounds or self.rounds)):
            for contender in list(contenders):
                contender.prepare()
                try:
                    sample = contender.execute()
                except RuntimeError as error:
                    print(f"{contender.name}: cannot be measured: {error}")
                    contenders = tuple(other for other in contenders if other is not contender)
                    self.results.pop(contender.name, None)
                    continue
                if turn >= unmeasured:
                    self.results.setdefault(contender.name, []).append(sample)

    def report(self, unit: str, *targets: Target) -> None:
        """Print every contender's figures, as multiples of *unit* too, and how the targets stand."""
        print(
            f"\n{'milliseconds':44} {'CPU min':>9} {'median':>9} {'x unit':>8} {'wall min':>9} {'median':>9}"
            f" {'x unit':>8}"
        )
        for name, samples in self.results.items():
            print(f"{name:44} {self._columns(name, CPU, samples, unit)} {self._columns(name, WALL, samples, unit)}")
        print(f"unit: {unit}\n")
        for target in targets:
            self._report_target(target)

    def _columns(self, name: str, what: str, samples: Sequence[Sample], unit: str) -> str:
        median = statistics.median(getattr(sample, what) for sample in samples)
        times = f"{self.best(name, what) / self.best(unit, what):8.2f}" if unit in self.results else f"{'-':>8}"
        return f"{self.best(name, what) * 1000:9.2f} {median * 1000:9.2f} {times}"

    def best(self, name: str, what: str) -> float:
        """The least that *name* took, in seconds: what others did to the machine only adds to it."""
        return min(sample.cpu if what == CPU else sample.wall for sample in self.results[name])

    def _report_target(self, target: Target) -> None:
        asked = f"target: {target.who} <= {target.times:g} x" if target.times else f"for comparison: {target.who} /"
        if target.who not in self.results or target.than not in self.results:
            print(f"{asked} {target.than}: not measured")
            return
        ratio = self.best(target.who, target.what) / self.best(target.than, target.what)
        verdict = "" if target.times is None else ", reached" if ratio <= target.times else ", MISSED"
        print(f"{asked} {target.than} ({target.what}): {ratio:.3g} x{verdict}")


# Prepended to programs that time a part of themselves.
_TIMED = """
import contextlib, json, os, resource, sys, time
def _cpu():
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
@contextlib.contextmanager
def timed(times=1):
    cpu, wall = _cpu(), time.perf_counter()
    yield
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    sys.stdout.flush()
    print("\\n" + json.dumps({"cpu": cpu / times, "wall": wall / times}))
"""


@contextmanager
def benchmark(title: str, rounds: int) -> Iterator[Bench]:
    """A bench with a folder of its own, a home and caches in it, and the command line's options; says what is
    measured."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--peer", type=Path, help="an mlflow executable to compare with (default: the one on PATH)")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"executions of each contender (default: {rounds})")
    options = parser.parse_args()
    if options.peer and not (options.peer.is_file() and os.access(options.peer, os.X_OK)):
        parser.error(f"--peer: {options.peer} is not there or no program; expected the path of an mlflow executable")
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that the folder is removed
    found = shutil.which("mlflow")
    peer = options.peer or (Path(found) if found else None)
    peer = peer.absolute() if peer else None
    with tempfile.TemporaryDirectory(prefix="mlproj-benchmark-") as name:
        folder = Path(name)
        bench = Bench(folder, options.rounds, peer, environment(folder))
        print(f"{title}\n{platform.platform()}, {os.cpu_count()} processors")
        versions = {
            "mlproj": [*MLPROJ, "--version"],
            "Python": [sys.executable, "-V"],
            "git": ["git", "--version"],
            "uv": [UV, "-V"],
        }
        for label, argv in versions.items():
            print(f"{label}: {_first_line(argv, bench)}")
        missing = "mlflow is not here (--peer PATH): not measured"
        print(f"peer: {_first_line([str(peer), '--version'], bench) if peer else missing}", flush=True)
        yield bench


def environment(folder: Path) -> dict[str, str]:
    """Ours, with every home and cache but uv's own in *folder*, and byte code kept, as on a user's machine."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MLPROJ_", "MLFLOW_", "GIT_"))}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    (folder / "user").mkdir()
    return environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
        "UV_CACHE_DIR": environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv"),
        "UV_LINK_MODE": "hardlink",
        "HOME": str(folder / "user"),
        "MLPROJ_HOME": str(folder / "home"),
        "MLPROJ_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_ENV_ROOT": str(folder / "mlflow-envs"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def _first_line(argv: Sequence[str], bench: Bench) -> str:
    done = subprocess.run(argv, env=bench.environ, capture_output=True, check=False)
    return (done.stdout or done.stderr).decode(errors="replace").strip().partition("\n")[0]


def write_project(folder: Path, command: str = "python -c pass", requirements: Sequence[str] | None = None) -> Path:
    """A project that runs *command*; with *requirements* (none: an empty list) it declares a Python environment."""
    folder.mkdir(parents=True)
    text = f"name: benchmark\nentry_points:\n  main:\n    command: {json.dumps(command)}\n"
    if requirements is not None:
        text += "python_env: python_env.yaml\n"
        listed = "".join(f"  - {requirement}\n" for requirement in requirements)
        version = ".".join(map(str, sys.version_info[:2]))
        dependencies = f"dependencies:\n{listed}" if requirements else "dependencies: []\n"
        (folder / "python_env.yaml").write_text(f'python: "{version}"\nbuild_dependencies: []\n{dependencies}')
    (folder / "MLproject").write_text(text)
    return folder


def _script(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


# The console script as pip installs it; without an installation the same without its file.
_INSTALLED = Path(sys.executable).with_name("mlproj")
_IN_PLACE = "import sys; from mlproj.cli.main import main; sys.exit(main())"
MLPROJ = [str(_INSTALLED)] if _INSTALLED.exists() else [sys.executable, "-c", _IN_PLACE]
UV = _script("uv")
