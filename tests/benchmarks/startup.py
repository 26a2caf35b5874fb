"""How long a command takes to say its version."""

from __future__ import annotations

import sys

from tests.benchmarks.measure import MLPROJ, Contender, Target, benchmark


def main() -> None:
    with benchmark("start-up: --version and --help", rounds=15) as bench:
        contenders = [
            Contender("python -c pass", bench.command(sys.executable, "-c", "pass")),
            Contender("python -c 'import click'", bench.command(sys.executable, "-c", "import click")),
            Contender("mlproj --version", bench.command(*MLPROJ, "--version")),
            Contender("mlproj --help", bench.command(*MLPROJ, "--help")),
        ]
        bench.compare(*contenders)
        if bench.peer:
            bench.compare(Contender("mlflow --version", bench.command(bench.peer, "--version")), rounds=3)
        bench.report(
            "python -c pass",
            Target("mlproj --version", "python -c pass", 5),
            Target("mlproj --help", "python -c pass", 9),
        )


if __name__ == "__main__":
    main()
