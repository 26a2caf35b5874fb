"""GitLab CI/CD (https://docs.gitlab.com/ci/yaml/)."""

from __future__ import annotations

import re
import shlex
from typing import Any

from mlproj.cli.ci_files.pipeline import CACHE, COMPARE, HOME, PREPARE, PYTHON, REMEMBER, REPORTS, SUMMARY, Pipeline

FILE = ".gitlab-ci.yml"

_ADD_COMPARISON = f"if [ -e {REPORTS}/comparison.md ]; then cat {REPORTS}/comparison.md >> {SUMMARY}; fi"


def document(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline: the project is checked, then every entry point has a job of its own."""
    jobs = {
        _job_name(name, number): _run(pipeline, name, number) for number, name in enumerate(pipeline.entry_points, 1)
    }
    return {
        ".mlproj": {
            "image": f"python:{PYTHON}",
            "variables": {"MLPROJ_HOME": f"$CI_PROJECT_DIR/{HOME}", "MLPROJ_CACHE": f"$CI_PROJECT_DIR/{CACHE}"},
            "before_script": [pipeline.install, PREPARE],
            "artifacts": {
                "when": "always",
                "paths": [f"{HOME}/", f"{REPORTS}/"],
                "reports": {"junit": f"{REPORTS}/*.xml"},
            },
            "rules": [
                {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "variables": {"MLPROJ_RUNS": "pull-push"}},
                {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "variables": {"MLPROJ_RUNS": "pull"}},
            ],
        },
        "check": {"extends": ".mlproj", "script": [pipeline.check(SUMMARY)]},
        **jobs,
    }


def _run(pipeline: Pipeline, entry_point: str, number: int) -> dict[str, Any]:
    """A job. The comparison is made after it, so that its exit code is that of the run."""
    environments = {
        "key": {"files": list(pipeline.key_files), "prefix": f"mlproj-environments-{PYTHON}"},
        "paths": [f"{CACHE}/"],
    }
    # Only the default branch writes it; without `unprotect` others would not see what a protected branch keeps.
    base = {"key": f"mlproj-runs-{number}", "paths": [f"{HOME}/"], "policy": "$MLPROJ_RUNS", "unprotect": True}
    return {
        "extends": ".mlproj",
        "needs": ["check"],
        "cache": [environments, base],
        "script": [REMEMBER, pipeline.run(shlex.quote(entry_point), SUMMARY)],
        "after_script": [f"{COMPARE}{_ADD_COMPARISON}\n"],
    }


def _job_name(entry_point: str, number: int) -> str:
    """A name that GitLab takes (https://docs.gitlab.com/ci/jobs/#job-names)."""
    return (
        f"run {entry_point}" if re.fullmatch(r"[\w.-]{1,100}", entry_point, re.ASCII) else f"run entry point {number}"
    )
