"""The options of ``mlproj run``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlproj.cli import option
from mlproj.cli.option import Option
from mlproj.foundation import env_vars

URI = "."
"""The project where none is named."""

OPTIONS = (
    Option(("-e", "--entry-point"), "entry_point", "Entry point, or a script's name. Default: main.", metavar="NAME"),
    option.REVISION,
    Option(
        ("-P", "--param", "--param-list"),
        "parameters",
        "A parameter's value; repeatable.",
        metavar="NAME=VALUE",
        multiple=True,
    ),
    Option(("--params-file",), "params_file", "YAML or JSON file of parameters; -P wins.", is_file=True),
    Option(
        ("--experiment-name",),
        "experiment_name",
        "Experiment of the run; made when missing. Default: Default.",
        metavar="NAME",
    ),
    Option(("--experiment-id",), "experiment_id", "Experiment of the run, by id.", metavar="ID"),
    Option(("--run-name",), "run_name", "Name of the run. Default: generated.", metavar="NAME"),
    Option(("-t", "--tag"), "tags", "A tag of the run; repeatable.", metavar="NAME=VALUE", multiple=True),
    Option(
        ("--env-manager",),
        "env_manager",
        "Who makes the environment; local: run in the current one. Default: auto.",
        choices=("auto", "uv", "virtualenv", "conda", "rattler", "docker", "local"),
        default="auto",
        variable=env_vars.ENV_MANAGER.name,
    ),
    Option(
        ("--as-of",),
        "as_of",
        "Date that unpinned packages are resolved at: auto, commit, pins, today or a date such as 2022-08-15. Default:"
        " auto.",
        metavar="WHEN",
        default="auto",
        variable=env_vars.AS_OF.name,
    ),
    Option(
        ("--relax",),
        "relax",
        "Where pins contradict each other, let that of NAME give way to the nearest version that fits; repeatable.",
        metavar="NAME",
        multiple=True,
    ),
    Option(
        ("--no-infer",),
        "no_infer",
        "Do not infer packages from imports when no file declares any.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--isolated",),
        "isolated",
        "Run a copy of a local folder instead of the folder itself.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--rebuild",), "rebuild", "Make the environment anew even when it is there.", stands_for=True, default=False
    ),
    Option(
        ("-A", "--docker-args"),
        "docker_args",
        "Option for the container engine, such as -A gpus=all or -A privileged; repeatable.",
        metavar="NAME[=VALUE]",
        multiple=True,
    ),
    Option(
        ("--build-image",),
        "build_image",
        "Copy the project's files into an image instead of mounting them in the container.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--in-container",),
        "in_container",
        "Run in a container what declares none: its environment is put into an image, made of IMAGE or of one that fits"
        " its Python.",
        metavar="[IMAGE]",
        without="",
    ),
    Option(("-b", "--backend"), "backend", "Where the command runs. Default: local.", metavar="NAME", default="local"),
    Option(
        ("--timeout",),
        "timeout",
        "End the run after this long: 90, 90s, 15m, 2h. It exits 124.",
        metavar="DURATION",
        read=option.seconds,
    ),
    Option(
        ("--grace",),
        "grace",
        "Time between asking processes to end and ending them. Default: 10s.",
        metavar="DURATION",
        default="10s",
        read=option.seconds,
    ),
    Option(
        ("--no-system-metrics",),
        "no_system_metrics",
        "Do not record the load of the machine and of the run.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--inject-run-id",),
        "inject_run_id",
        "Set MLFLOW_RUN_ID to the run's id, for a program that reads it. Others log to the run without it.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--max-output-size",),
        "max_output_size",
        "Largest changed file that is copied as an artifact, such as 100MB.",
        metavar="SIZE",
        read=option.size,
        variable=env_vars.MAX_OUTPUT_SIZE.name,
    ),
    Option(
        ("--trust",),
        "trust",
        "Run a project from a URL that was never run here without asking, and remember it.",
        stands_for=True,
        default=False,
    ),
    Option(
        ("--sandbox",),
        "sandbox",
        "Run the command without network and without your home, by bubblewrap or in its container.",
        stands_for=True,
        default=False,
    ),
    option.STAND_IN,
    option.NO_STAND_IN,
    Option(
        ("--dry-run",),
        "dry_run",
        "Show the plan and its reasons; touch nothing but the cache.",
        stands_for=True,
        default=False,
    ),
    option.JUNIT_XML,
    option.SUMMARY,
    option.OFFLINE,
    option.QUIET,
    option.VERBOSE,
    option.JSON,
)


def parse(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The flags of the plain command line ``mlproj run ARGUMENTS``, None where that is left to click."""
    found = option.parse(OPTIONS, arguments)
    if found is None or len(found[1]) > 1 or "" in found[1]:
        return None
    flags, words = found
    return {"uri": words[0] if words else URI, **flags}
