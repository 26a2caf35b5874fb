"""The R of this machine: which it is, and how it installs packages into a library."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mlproj.environments.renv.source import Source
from mlproj.foundation import process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

OPTIONS = ("--no-docs", "--no-lock")
"""Of ``R CMD INSTALL``: nobody reads help in a run, and nobody else writes to the library."""

_HINT = (
    "what it lacks must be in renv.lock (renv::snapshot() writes it), or be installed on this machine, as compilers and"
    " libraries are"
)
# Where R looks for packages and start-up files; what is installed must not depend on the user's.
_MISLEADING = re.compile(r"R_(HOME|LIBS.*|PROFILE.*|ENVIRON.*)|RENV_.*")


@dataclass(frozen=True)
class R:
    """An R, by the place of its ``Rscript``, and its version."""

    rscript: Path
    version: str

    def install(self, source: Source, library: Path, progress: Progress) -> None:
        """Put a package into *library*, whose packages it may need. Raises EnvironmentFailure with R's own reason."""
        done = process.follow(
            [self.rscript.with_name("R"), "CMD", "INSTALL", *OPTIONS, f"--library={library}", source.path],
            lambda line: progress.detail(redact(line)),
            cwd=library.parent,
            env=_environ(library),
        )
        if done.returncode:
            from mlproj.environments.python.uv import failure

            what = f"the R package {source.record.name} {source.record.version} cannot be installed"
            raise failure(what, f"{done.text}\n{done.error_text}", hint=_HINT)


def find() -> R | None:
    """The R that ``Rscript`` on ``PATH`` belongs to."""
    import shutil

    place = shutil.which("Rscript")
    if place is None:
        return None
    done = process.run([place, "--version"])
    version = re.search(r"\d+\.\d+\.\d+", done.text + done.error_text)  # on standard error before R 4.2
    return R(Path(place), version[0]) if version else None


def variables(library: str) -> dict[str, str]:
    """What makes R look for packages in *library* and in its own, and keeps renv from making a library of its own at
    the start.

    https://rstudio.github.io/renv/reference/config.html
    """
    return {
        "R_LIBS": library,
        "R_LIBS_USER": library,
        "R_LIBS_SITE": library,
        "RENV_CONFIG_AUTOLOADER_ENABLED": "FALSE",
    }


def _environ(library: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _MISLEADING.fullmatch(name)}
    return {**inherited, **variables(str(library)), "R_PROFILE_USER": os.devnull, "R_ENVIRON_USER": os.devnull}
