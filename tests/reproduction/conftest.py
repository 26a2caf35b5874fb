from __future__ import annotations

from pathlib import Path
from typing import Any

from mlproj.foundation import paths
from tests.program import Result, mlproj


def recorded(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The record of ``mlproj run ARGUMENTS``, whatever its exit code."""
    done = mlproj("run", *arguments, "--no-system-metrics", "--json", cwd=cwd, env=env)
    assert "run" in done.document, done.err
    run: dict[str, Any] = done.document["run"]
    return run


def reproduced(
    *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> tuple[Result, dict[str, Any]]:
    """What ``mlproj reproduce ARGUMENTS --json`` ended with, and its document."""
    done = mlproj("reproduce", *arguments, "--json", cwd=cwd, env=env)
    assert done.out, done.err
    return done, done.document.get("reproduction", done.document)


def kept(run: dict[str, Any], name: str) -> bytes:
    """A file of the run's folder."""
    return (paths.run_dir(run["run_id"]) / name).read_bytes()


def shown(run_id: str) -> dict[str, Any]:
    """The record of a run."""
    run: dict[str, Any] = mlproj("runs", "show", run_id, "--json").document["run"]
    return run


def states(document: dict[str, Any], number: int = 0) -> dict[str, str]:
    """How each metric and file of a new run compares."""
    verdict = document["runs"][number]
    return {one.get("name") or one["path"]: one["state"] for one in (*verdict["metrics"], *verdict["files"])}


def checkouts() -> list[Path]:
    """What is left of checkouts."""
    return list(paths.checkouts().iterdir()) if paths.checkouts().is_dir() else []
