"""Every environment variable that mlproj reads or gives to a run, declared once."""

from __future__ import annotations

import os

from mlproj.foundation.dataclass import dataclass


@dataclass(frozen=True)
class Variable:
    """A variable of the environment: its name and what it means to the user."""

    name: str
    meaning: str

    def get(self) -> str | None:
        """The value, or None when unset or empty."""
        return os.environ.get(self.name) or None


# What the user sets.
HOME = Variable("MLPROJ_HOME", "folder for runs and artifacts (default: the platform's user data folder)")
TRACKING_URI = Variable(
    "MLPROJ_TRACKING_URI", "where runs are: sqlite:///FILE, postgresql://…, https://… (default: mlproj.db in home)"
)
CACHE = Variable(
    "MLPROJ_CACHE", "folder for mirrors, environments and checkouts (default: the platform's cache folder)"
)
OFFLINE = Variable("MLPROJ_OFFLINE", "set to 1 to never use the network, as --offline")
EXPERIMENT_NAME = Variable("MLPROJ_EXPERIMENT_NAME", "experiment of new runs, as --experiment-name")
ENV_MANAGER = Variable("MLPROJ_ENV_MANAGER", "default of --env-manager")
CONDA = Variable(
    "MLPROJ_CONDA",
    "what installs conda packages: rattler, micromamba, mamba, conda or a path; off: translate conda.yaml to Python"
    " packages",
)
CONDA_CHANNEL_ALIAS = Variable(
    "MLPROJ_CONDA_CHANNEL_ALIAS",
    "address of channels that are given by name only (default: https://conda.anaconda.org)",
)
CONTAINER_ENGINE = Variable(
    "MLPROJ_CONTAINER_ENGINE", "docker, podman, nerdctl or the path of one (default: the first there)"
)
AS_OF = Variable("MLPROJ_AS_OF", "default of --as-of")
MAX_OUTPUT_SIZE = Variable("MLPROJ_MAX_OUTPUT_SIZE", "largest output file copied as an artifact, such as 100MB")
SYSTEM_METRICS = Variable(
    "MLPROJ_SYSTEM_METRICS", "set to off to not sample the machine's load, as --no-system-metrics"
)
SYSTEM_METRICS_INTERVAL = Variable(
    "MLPROJ_SYSTEM_METRICS_INTERVAL", "seconds between two samples of the machine's load (default: 10)"
)
TRUST = Variable("MLPROJ_TRUST", "set to all to run projects from any URL without being asked, as in CI")
KEY_PASSPHRASE = Variable(
    "MLPROJ_KEY_PASSPHRASE", "passphrase of the key that --ssh-key names, where nobody can be asked"
)
STEP_SUMMARY = Variable("GITHUB_STEP_SUMMARY", "file of a GitHub job's summary, to which --summary adds")
SERVE_PORT = Variable("MLPROJ_SERVE_PORT", "default of --port of mlproj models serve")
NO_COLOR = Variable("NO_COLOR", "set to anything to print without colours (https://no-color.org)")

# What a run is given.
RUN_ID = Variable("MLPROJ_RUN_ID", "id of the run that a program is part of")
RUN_DIR = Variable("MLPROJ_RUN_DIR", "folder of the run that a program is part of")
METRICS = Variable("MLPROJ_METRICS", "file to append metrics to, a line name=value each")
PARAMS = Variable("MLPROJ_PARAMS", "file to append parameters to, a line name=value each")
TAGS = Variable("MLPROJ_TAGS", "file to append tags to, a line name=value each")
ARTIFACTS = Variable("MLPROJ_ARTIFACTS", "folder whose content is kept as the run's artifacts")

USER_VARIABLES = (
    HOME,
    CACHE,
    TRACKING_URI,
    OFFLINE,
    EXPERIMENT_NAME,
    ENV_MANAGER,
    CONDA,
    CONDA_CHANNEL_ALIAS,
    CONTAINER_ENGINE,
    AS_OF,
    MAX_OUTPUT_SIZE,
    SYSTEM_METRICS,
    SYSTEM_METRICS_INTERVAL,
    TRUST,
    KEY_PASSPHRASE,
    STEP_SUMMARY,
    SERVE_PORT,
    NO_COLOR,
)
RUN_VARIABLES = (RUN_ID, RUN_DIR, METRICS, PARAMS, TAGS, ARTIFACTS)
