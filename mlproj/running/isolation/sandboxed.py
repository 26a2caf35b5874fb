"""Runs a command in a bubblewrap sandbox on this machine: which files it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends import bubblewrap
from mlproj.backends.base import Job
from mlproj.backends.bubblewrap import VisibleFiles
from mlproj.environments.base import Network, Prepared
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress
from mlproj.projects.base import Command
from mlproj.running import nested
from mlproj.running.isolation import hiding
from mlproj.running.isolation.base import HERE, Reach
from mlproj.running.isolation.direct import Direct
from mlproj.sources.base import Checkout


class Sandboxed:
    """Runs the command in a bubblewrap sandbox. See :class:`~mlproj.running.isolation.base.Isolation`."""

    writes_here = False

    def __init__(self, checkout: Checkout, command: Command) -> None:
        self._checkout = checkout
        self._command = command

    def network(self, prepared: Prepared) -> Network:  # noqa: ARG002  # another kind's depends on it
        """The sandbox has a loopback of its own; the run's server has the same address there."""
        return HERE

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """The variables of a direct run without those that look secret or name hidden places."""
        return hiding.without_secrets(Direct().inherited(prepared))

    @contextmanager
    def isolated(self, job: Job, prepared: Prepared, reach: Reach, progress: Progress) -> Iterator[Callable[[], Job]]:  # noqa: ARG002
        """*job* as one that starts the sandbox with the command in it."""
        bounds = bounds_of(self._checkout, self._command, prepared, reach, job.environ)
        if job.start_sign:
            bounds = replace(bounds, writable=(*bounds.writable, job.start_sign))
        with bubblewrap.confined(replace(job, is_measured=False), bounds, reach.port, reach.stand_in) as confined:
            yield lambda: confined


def bounds_of(
    checkout: Checkout, command: Command, prepared: Prepared, reach: Reach, environ: Mapping[str, str]
) -> VisibleFiles:
    """The files that the program sees, and those it may write."""
    hidden = hiding.hidden_places(reach.store)
    folder = hiding.shown_folder(checkout, hidden)
    return VisibleFiles(
        writable=(folder, *hiding.written(reach)),
        readable=(
            reach.run_dir,
            *(given.path for given in command.inputs),
            *_git_objects(folder),
            *_interpreters(prepared, environ),
            nested.conda_home(),
        ),
        hidden=tuple(hidden),
    )


def _git_objects(checkout: Path) -> list[Path]:
    """The folders of Git objects that a checkout borrows; ours borrow from the mirror in the cache."""
    try:
        return [
            Path(line)
            for line in (checkout / ".git/objects/info/alternates").read_text("utf-8").splitlines()
            if line.startswith("/")
        ]
    except (OSError, ValueError):
        return []


def _interpreters(prepared: Prepared, environ: Mapping[str, str]) -> list[Path]:
    """The folders of the environment and of the Python it was made from, and of the Pythons on the command's PATH."""
    import shutil

    folders = [*(folder.parent.parent for folder in prepared.path), *prepared.readable]
    names = ("python", "python3", "Rscript")
    found = [Path(program) for name in names if (program := shutil.which(name, path=environ.get("PATH")))]
    active = [Path(environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    pythons = [*found, *(folder / "bin" / "python" for folder in active if (folder / "bin" / "python").exists())]
    return [*folders, *active, *(place for python in pythons for place in (python, *bubblewrap.interpreter(python)))]
