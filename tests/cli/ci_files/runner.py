"""What a service for continuous integration does with its file: the lines of each job run by bash in a clone of the
repository.

What the services themselves bring (a checkout, an interpreter, caches) is done here; of mlproj only the installation is
left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sources.repository import git

INSTALL = re.compile(r"python -m pip install 'mlproj(\[conda\])?>=[\w.]+'")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


@dataclass
class Job:
    """One job that was run: its checkout, whether it succeeded, and what it said."""

    place: Path
    succeeded: bool
    said: str
    summary: str


def shell(line: str, place: Path, env: dict[str, str]) -> tuple[int, str]:
    if INSTALL.fullmatch(line):
        return 0, ""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*BASH, line], cwd=place, env={**os.environ, "PATH": path, **env}, capture_output=True, text=True, check=False
    )
    return done.returncode, f"$ {line}\n{done.stdout}{done.stderr}"


def checkout(repository: Path, place: Path) -> None:
    git(repository, "clone", "--quiet", str(repository), str(place))


def github(
    document: dict[str, Any], job: str, matrix: dict[str, Any], repository: Path, place: Path, base: Path, event: str
) -> Job:
    """Run a job of a workflow; *base* is what the cache of runs of the base branch holds."""
    checkout(repository, place)
    known = {"github.workspace": str(place), "success() && github.event_name == 'push'": event == "push"}
    known |= {f"matrix.{name}": expanded(str(value), {}) for name, value in matrix.items()}
    step_summary = place.with_suffix(".summary")
    env = {name: expanded(value, known) for name, value in document["env"].items()} | {
        "GITHUB_STEP_SUMMARY": str(step_summary)
    }
    said, failed = "", False
    for step in document["jobs"][job]["steps"]:
        if failed and "cancelled()" not in step.get("if", ""):
            continue
        if step.get("uses") == "actions/cache/restore@v4" and base.exists():
            shutil.copytree(base, place / step["with"]["path"])
        if step.get("uses") == "actions/cache/save@v4" and event == "push":
            shutil.copytree(place / step["with"]["path"], base)
        if "run" in step:
            own = {name: expanded(value, known) for name, value in step.get("env", {}).items()}
            code, told = shell(expanded(step["run"], known), place, env | own)
            said, failed = said + told, failed or code != 0
    return Job(place, not failed, said, step_summary.read_text() if step_summary.exists() else "")


def expanded(text: str, known: dict[str, Any]) -> str:
    """*text* with its expressions evaluated, as GitHub does before anything else sees it."""

    def value(match: re.Match[str]) -> str:
        inner = match[1].strip()
        return inner[1:-1] if inner.startswith("'") else str(known[inner])

    return re.sub(r"\$\{\{((?:\s*'[^']*'\s*)|.*?)\}\}", value, text)


def gitlab(document: dict[str, Any], job: str, repository: Path, place: Path, base: Path, policy: str) -> Job:
    """Run a job of a pipeline; *base* is what the cache of runs holds."""
    checkout(repository, place)
    described = {**document[document[job]["extends"]], **document[job]}
    home = next(
        (place / cache["paths"][0] for cache in described.get("cache", []) if cache["paths"][0] == ".mlproj/home/"),
        None,
    )
    if home and base.exists():
        shutil.copytree(base, home)
    env = {name: value.replace("$CI_PROJECT_DIR", str(place)) for name, value in described["variables"].items()}
    said, failed = "", False
    for line in [*described["before_script"], *described["script"]]:
        if not failed:
            code, told = shell(line, place, env)
            said, failed = said + told, code != 0
    for line in described.get("after_script", []):
        said += shell(line, place, env)[1]
    if home and policy == "pull-push" and not failed:
        shutil.copytree(home, base)
    summary = place / ".mlproj/reports/summary.md"
    return Job(place, not failed, said, summary.read_text() if summary.exists() else "")
