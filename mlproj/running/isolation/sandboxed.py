"""A command in a sandbox of bubblewrap on this machine: what it sees of the files there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends import bubblewrap
from mlproj.backends.base import Job
from mlproj.backends.bubblewrap import Bounds
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
    """Confined by bubblewrap. See :class:`~mlproj.isolation.base.Isolation`."""

    writes_here = False

    def __init__(self, checkout: Checkout, command: Command) -> None:
        self._checkout = checkout
        self._command = command

    def network(self, prepared: Prepared) -> Network:  # noqa: ARG002  # another kind's depends on it
        """A loopback of its own, where the run's server is at the same address."""
        return HERE

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """As without a sandbox, but for what looks secret or names hidden places."""
        return hiding.without_secrets(Direct().inherited(prepared))

    @contextmanager
    def placed(self, job: Job, prepared: Prepared, reach: Reach, progress: Progress) -> Iterator[Callable[[], Job]]:  # noqa: ARG002
        """*job* within its bounds. What the command uses there is not told to those outside."""
        bounds = bounds_of(self._checkout, self._command, prepared, reach, job.environ)
        with bubblewrap.confined(replace(job, is_measured=False), bounds, reach.port, reach.stand_in) as confined:
            yield lambda: confined


def bounds_of(
    checkout: Checkout, command: Command, prepared: Prepared, reach: Reach, environ: Mapping[str, str]
) -> Bounds:
    """What the program sees."""
    hidden = hiding.hidden_places(reach.store)
    folder = hiding.shown_folder(checkout, hidden)
    return Bounds(
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
    """Where a checkout of ours has its objects: in the mirror, which is in the cache."""
    try:
        return [
            Path(line)
            for line in (checkout / ".git/objects/info/alternates").read_text("utf-8").splitlines()
            if line.startswith("/")
        ]
    except (OSError, ValueError):
        return []


def _interpreters(prepared: Prepared, environ: Mapping[str, str]) -> list[Path]:
    """The environment with the Python it is made from; without one, the Pythons that the command finds on its path."""
    import shutil

    folders = [*(folder.parent.parent for folder in prepared.path), *prepared.readable]
    names = ("python", "python3", "Rscript")
    found = [Path(program) for name in names if (program := shutil.which(name, path=environ.get("PATH")))]
    active = [Path(environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    pythons = [*found, *(folder / "bin" / "python" for folder in active if (folder / "bin" / "python").exists())]
    return [*folders, *active, *(place for python in pythons for place in (python, *bubblewrap.interpreter(python)))]
