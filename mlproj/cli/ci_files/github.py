"""GitHub Actions (https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax)."""

from __future__ import annotations

from typing import Any

from mlproj.cli.ci_files.pipeline import CACHE, COMPARE, HOME, PREPARE, PYTHON, REMEMBER, REPORTS, Pipeline

FILE = ".github/workflows/mlproj.yml"

_SUMMARY = '"$GITHUB_STEP_SUMMARY"'
_BASE = "mlproj-runs-${{ matrix.number }}-${{ github.base_ref || github.ref_name }}@"
_ALWAYS = "${{ !cancelled() }}"
_HAS_RUN = "${{ !cancelled() && steps.run.outcome != 'skipped' }}"


def document(pipeline: Pipeline) -> dict[str, Any]:
    """The workflow: the project is checked, then every entry point has a job of its own."""
    numbered = [
        {"number": number, "entry_point": _literal(name)} for number, name in enumerate(pipeline.entry_points, 1)
    ]
    return {
        "name": "mlproj",
        "on": {"push": {"branches": ["main", "master"]}, "pull_request": {}},
        "permissions": {"contents": "read"},
        "env": {
            "MLPROJ_HOME": f"${{{{ github.workspace }}}}/{HOME}",
            "MLPROJ_CACHE": f"${{{{ github.workspace }}}}/{CACHE}",
        },
        "defaults": {"run": {"shell": "bash"}},
        "jobs": {
            "check": {
                "runs-on": "ubuntu-latest",
                "steps": [
                    *_begin(pipeline),
                    {"name": "Check the project", "run": _literal(pipeline.check(_SUMMARY))},
                    _upload("check", REPORTS),
                ],
            },
            "run": {
                "needs": "check",
                "name": "run ${{ matrix.entry_point }}",
                "runs-on": "ubuntu-latest",
                "strategy": {"fail-fast": False, "matrix": {"include": numbered}},
                "steps": [*_begin(pipeline), *_run(pipeline)],
            },
        },
    }


def _begin(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {"uses": "actions/checkout@v4", "with": {"lfs": True, "submodules": "recursive", "persist-credentials": False}},
        {"id": "python", "uses": "actions/setup-python@v5", "with": {"python-version": PYTHON}},
        {"name": "Install mlproj", "run": pipeline.install},
        {"name": "Keep records out of the way", "run": PREPARE},
    ]


def _environments(pipeline: Pipeline) -> dict[str, str]:
    """Environments hold links to the Python they were made with: another one, another key."""
    start = "mlproj-environments-${{ runner.os }}-${{ runner.arch }}-${{ steps.python.outputs.python-version }}-"
    files = ", ".join(f"'{name}'" for name in pipeline.key_files)
    return {"path": CACHE, "key": f"{start}${{{{ hashFiles({files}) }}}}", "restore-keys": start}


def _run(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {"name": "Bring the environments of earlier runs", "uses": "actions/cache@v4", "with": _environments(pipeline)},
        {
            "name": "Bring the newest run of the base branch",
            "uses": "actions/cache/restore@v4",
            "with": {"path": HOME, "key": f"{_BASE}none", "restore-keys": _BASE},
        },
        {"run": REMEMBER},
        {
            "id": "run",
            "name": "Run the entry point",
            "env": {"ENTRY_POINT": "${{ matrix.entry_point }}"},
            "run": _literal(pipeline.run('"$ENTRY_POINT"', _SUMMARY)),
        },
        {"name": "Compare with the base branch", "if": _HAS_RUN, "run": f"{COMPARE}{_TELL}"},
        _upload("run-${{ matrix.number }}", HOME, REPORTS),
        {
            "name": "Keep the run for later comparisons",
            "if": "${{ success() && github.event_name == 'push' }}",
            "uses": "actions/cache/save@v4",
            "with": {"path": HOME, "key": f"{_BASE}${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}"},
        },
    ]


_TELL = f"""\
if [ -e {REPORTS}/comparison.md ]; then
  cat {REPORTS}/comparison.md >> "$GITHUB_STEP_SUMMARY"
fi
"""


def _upload(name: str, *places: str) -> dict[str, Any]:
    return {
        "name": "Keep records and reports",
        "if": _ALWAYS,
        "uses": "actions/upload-artifact@v4",
        "with": {
            "name": f"mlproj-{name}",
            "path": "".join(f"{place}\n" for place in places),
            "include-hidden-files": True,
        },
    }


def _literal(text: str) -> str:
    """*text* as GitHub gives it to the shell or a variable unchanged: what begins an expression is one that yields
    itself."""
    return text.replace("${{", "${{ '${{' }}")
