"""The variables by which a command knows the run that it is part of."""

from __future__ import annotations

from collections.abc import Mapping

from mlproj.foundation import env_vars, paths
from mlproj.run_folder import log_file
from mlproj.running import nested
from mlproj.running.recording import Recording


def variables_of_run(recording: Recording, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell a program which run it is part of and where MLflow should log; it gets *environ* besides.

    ``MLFLOW_RUN_ID`` is among them only when the user asks for it: programs that choose an experiment or a store of
    their own die of it.
    """
    assert recording.run is not None
    capture = recording.capture
    injected = {"MLFLOW_RUN_ID": recording.run_id, "MLFLOW_EXPERIMENT_ID": recording.run.experiment_id}
    made_here = recording.plan.environment.description.kind in ("python", "conda")
    return {
        **({"MLFLOW_CONDA_HOME": str(nested.conda_home())} if made_here else {}),
        "MLPROJ_RUN_ID": recording.run_id,
        **log_file.variables(recording.run_dir, capture.artifacts),
        "MLPROJ_HOME": str(paths.home()),
        "MLPROJ_CACHE": str(paths.cache()),
        **capture.embedded.variables(environ),
        **(injected if recording.plan.request.inject_run_id else {}),
        # What the program records itself goes the way of its run; it has no credentials for the server.
        **({env_vars.TRACKING_URI.name: recording.uri} if recording.is_remote and recording.uri else {}),
        # Without it MLflow 3.17 refuses folders as stores, which programs choose by themselves too (`file:./mlruns`).
        "MLFLOW_ALLOW_FILE_STORE": "true",
        # Output is read through a pipe, which Python would buffer by the block: people could not watch it.
        "PYTHONUNBUFFERED": "1",
    }
