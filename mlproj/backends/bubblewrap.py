"""A job in a sandbox of bubblewrap (https://github.com/containers/bubblewrap): its own processes, network and view of
the files.

The whole system is there to be read, without what is hidden; only what is named can be written. Capabilities are given
up, also by root, who could mount everything anew. Devices are the harmless ones, and graphics cards.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends.base import Job, StandIn
from mlproj.backends.supervisor import LEFTOVER_PATIENCE
from mlproj.foundation import process
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import ServiceError

PROGRAM = "bwrap"
# Where programs meet: sockets of services (a container engine's is as good as root), other users' temporary files.
MEETING_PLACES = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108  # they are what is hidden
_KEPT_OF_RUN = ("/run/current-system", "/run/opengl-driver", "/run/booted-system")  # programs and drivers of NixOS
# What root may write without any capability, and the machine heeds.
_OF_KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
_CARDS = ("nvidia*", "dri", "kfd")
_UNSHARED = ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
# bubblewrap, and so the sandbox, is not to end by what asks the command to end: a process that is signalled is asked
# to.
_IGNORE_SIGNALS = "trap '' INT TERM HUP; exec \"$@\""
_INIT_CODE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlproj.backends.sandbox_init import main; main()"
_PACKAGE = Path(__file__).parents[1]
_MOST_LINKS = 40  # as the kernel follows
_PATIENCE = 10.0  # seconds
_LOST_MOUNT = "Unable to apply mount flags"


@dataclass(frozen=True)
class VisibleFiles:
    """What a confined job sees: folders and files it may write, those it may read where they would be hidden, and those
    hidden.

    Of two that lie in each other the inner one counts.
    """

    writable: tuple[Path, ...]
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()


def check() -> None:
    """Raises ServiceError when no sandbox can be made here, with what to do about it."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise ServiceError(
            f"--sandbox needs bubblewrap, and {PROGRAM} is not on PATH",
            hint="install it (apt install bubblewrap, dnf install bubblewrap); it works on Linux only",
        )
    probe = [program, *_UNSHARED, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    tried = process.run(probe, timeout=_PATIENCE)
    if tried.returncode and _LOST_MOUNT in tried.error_text:  # it went away while the probe went through all of them
        tried = process.run(probe, timeout=_PATIENCE)
    if tried.returncode:
        reason = (tried.error_text.strip().splitlines() or ["no reason given"])[-1]
        raise ServiceError(
            f"--sandbox: bubblewrap cannot make a sandbox here: {reason}",
            hint=(
                "it needs unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1,"
                " user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0; in a container it"
                " has to be allowed in that container"
            ),
        )


def cards() -> list[str]:
    """The devices of graphics cards that are here, which a sandboxed program keeps."""
    return [str(place) for pattern in _CARDS for place in sorted(Path("/dev").glob(pattern))]


@contextmanager
def confined(job: Job, files: VisibleFiles, port: int, stand_in: StandIn | None = None) -> Iterator[Job]:
    """*job* as one whose command runs in a sandbox within *files*, from where it reaches *port* of this machine and no
    other.

    What it says to other ports that a *stand_in* has is given to that.
    """
    from mlproj.backends.socket_forwarder import SocketForwarder

    with SocketForwarder(port, stand_in.accept if stand_in else None) as forwarder:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handled_signals = ",".join(
            str(int(number)) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
        )
        ports = ",".join(map(str, (port, *(stand_in.ports if stand_in else ()))))
        python = Path(os.path.realpath(sys.executable))
        ours = replace(files, readable=(*files.readable, *interpreter(python), _PACKAGE))
        argv = (
            *("/bin/sh", "-c", _IGNORE_SIGNALS, "mlproj-sandbox", shutil.which(PROGRAM) or PROGRAM),
            *("--new-session", "--cap-drop", "ALL", *_UNSHARED, *view(ours), "--chdir", str(job.cwd), "--"),
            *(str(python), "-I", "-S", "-c", _INIT_CODE, str(_PACKAGE.parent)),
            *(str(forwarder.descriptor), ports, handled_signals, str(LEFTOVER_PATIENCE), str(job.grace), *job.argv),
        )
        yield replace(job, argv=argv, descriptors=(forwarder.descriptor,), encloser=PROGRAM)


def interpreter(python: Path) -> list[Path]:
    """What the Python at *python* needs to run: its installation, or that and the virtual environment it is of."""
    folder = python.parent.parent
    needed = [folder if python.parent.name == "bin" else python]
    real = Path(os.path.realpath(python))
    if real != python:
        needed += [Path(os.path.realpath(real.parent)).parent]
    return needed


def view(files: VisibleFiles) -> list[str]:
    """bubblewrap's arguments for the files that a job sees, outer folders first."""
    hidden = sorted(
        {Path(os.path.realpath(place)) for place in (*map(Path, MEETING_PLACES), *files.hidden) if place.exists()}
    )
    hidden = [place for place in hidden if place != Path("/") and not place.is_relative_to("/dev")]
    operations: dict[Path, list[str]] = {place: _hiding(place) for place in hidden}
    for place in map(Path, _KEPT_OF_RUN):
        operations[place] = ["--ro-bind-try", str(place), str(place)]
    writable = [Path(os.path.realpath(place)) for place in files.writable]
    for place in (Path(os.path.realpath(readable)) for readable in files.readable):
        # What is visible anyway needs nothing, and what is hidden as a whole stays so.
        if place.exists() and _is_below(place, hidden) and place not in operations and not _is_below(place, writable):
            operations[place] = ["--ro-bind", str(place), str(place)]
    for place in writable:
        operations[place] = ["--bind", str(place), str(place)]
    links = {link: target for place in (*files.readable, *files.writable) for link, target in _links(place).items()}
    for link, target in links.items():
        if _is_below(link, hidden) and not _is_below(
            link, [place for place in operations if operations[place][0] != "--tmpfs"]
        ):
            operations[link] = ["--symlink", target, str(link)]
    ordered = sorted(operations, key=lambda place: (len(place.parts), place))
    devices = ["--dev", "/dev", *(word for card in cards() for word in ("--dev-bind-try", card, card))]
    kernel = ["--proc", "/proc", *(word for place in _OF_KERNEL for word in ("--ro-bind-try", place, place))]
    return ["--ro-bind", "/", "/", *devices, *kernel, *(word for place in ordered for word in operations[place])]


def _hiding(place: Path) -> list[str]:
    return ["--tmpfs", str(place)] if place.is_dir() else ["--ro-bind", "/dev/null", str(place)]


def _is_below(place: Path, folders: Iterable[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)


def _links(path: Path) -> dict[Path, str]:
    """The symbolic links on the way to *path*, each with what it leads to; a hidden folder's have to be made anew."""
    found: dict[Path, str] = {}
    place, steps = Path("/"), list(path.absolute().parts[1:])
    while steps and len(found) < _MOST_LINKS:
        step = steps.pop(0)
        after = place.parent if step == ".." else place / step
        if not after.is_symlink():
            place = after
            continue
        target = os.readlink(after)  # noqa: PTH115  # as it stands there
        found[after] = target
        if target.startswith("/"):
            place = Path("/")
        steps = [*(part for part in Path(target).parts if part != "/"), *steps]
    return found
