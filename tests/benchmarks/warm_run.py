"""A whole run of a trivial project whose environment is ready."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, UV, WALL, Contender, Target, benchmark, write_project

RUNNER = Path(__file__).with_name("tracked_runner.py")


def main() -> None:
    with benchmark("warm run: a trivial project, its environment ready", rounds=12) as bench:
        project = write_project(bench.folder / "project", requirements=[])
        bare = write_project(bench.folder / "bare")
        contenders = [
            Contender("bash -c true", bench.command("bash", "-c", "true")),
            Contender("python -c pass", bench.command(sys.executable, "-c", "pass")),
            Contender("uv run true", bench.command(UV, "run", "--no-project", "--python", sys.executable, "true")),
            Contender("minimal tracked runner", bench.command(sys.executable, RUNNER, bare, bench.folder / "store")),
            Contender("mlproj run", bench.command(*MLPROJ, "run", project)),
            Contender("mlproj run --env-manager local", bench.command(*MLPROJ, "run", bare, "--env-manager", "local")),
        ]
        bench.compare(*contenders, unmeasured=2)
        if bench.peer:
            peer = [
                Contender(f"mlflow run ({manager})", bench.command(bench.peer, "run", where, "--env-manager", manager))
                for manager, where in (("uv", project), ("local", bare))
            ]
            bench.compare(*peer, rounds=2)
        bench.report(
            "python -c pass",
            Target("mlproj run", "python -c pass", 9),
            Target("mlproj run", "mlflow run (uv)", 1 / 25, WALL),
            Target("mlproj run --env-manager local", "mlflow run (local)", 1 / 25, WALL),
        )


if __name__ == "__main__":
    main()
