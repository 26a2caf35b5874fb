"""Ends a job whose mlproj was killed (SIGKILL, out of memory), so that nothing runs on unrecorded.

A shell waits on a pipe whose writing end only mlproj holds, however mlproj ends the kernel closes it, and the shell
then starts Python to end the job's processes. It costs a millisecond; at a normal end it is killed.

- It starts before the job and finds it by the run's id, so there is no moment without it; the job's process group
  is told to it as soon as there is one.
- The writing end is close-on-exec, so no program that we start holds it. A process that *forks* from ours (Python's
  multiprocessing) holds it too, and then is as good as mlproj itself.
- It lives in a session of its own, without the run's id in its environment, and ignores the polite signals: what
  stops the job, or an outer run, does not stop it before its work is done.
- It holds none of our streams, so a shell that waits for the end of our output does not wait for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlproj.foundation import env_vars, process

_SCRIPT = """trap '' HUP INT TERM
read -r root
read -r end
"$@" "$root" || { [ -n "$root" ] && kill -KILL -- "-$root"; }
"""
_RESCUE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlproj.backends.process_tree import main; main()"
_PACKAGE_PARENT = str(Path(__file__).parents[2])
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Watchdog:
    """Watches over one job, from before its start to after its end. *more* is a command line that it runs once it has
    ended the job."""

    def __init__(self, run_id: str, grace: float, more: Sequence[str] = ()) -> None:
        reading, self._writing = os.pipe()
        rescue = [sys.executable or "python3", "-I", "-S", "-c", _RESCUE, _PACKAGE_PARENT, run_id, str(grace), *more]
        try:
            self._watcher = process.start(
                ["/bin/sh", "-c", _SCRIPT, "mlproj-watchdog", *rescue],
                cwd=Path("/"),
                env=_environ(all_of_it=bool(more)),
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except BaseException:
            os.close(self._writing)
            raise
        finally:
            os.close(reading)

    def guard(self, pid: int) -> None:
        """Pass on the number of the job's first process, which leads the job's group."""
        with suppress(BrokenPipeError):  # someone killed the watcher; the job matters more
            os.write(self._writing, b"%d\n" % pid)

    def release(self) -> None:
        """Stop watching: the job is over, or never started."""
        self._watcher.kill()
        self._watcher.wait()
        os.close(self._writing)


def _environ(*, all_of_it: bool) -> dict[str, str]:
    """The variables that the watchdog needs, never the run's id, which would make it a process of the job."""
    kept = os.environ if all_of_it else _KEPT_VARIABLES
    return {name: os.environ[name] for name in kept if name in os.environ and name != env_vars.RUN_ID.name}
