"""Makes this process the parent of what a job leaves behind (Linux: ``PR_SET_CHILD_SUBREAPER``).

A daemon that has made a session of its own and emptied its environment is then still found, as a child of ours that we
did not start. It is for the command line only, which has one job: a program that starts several, or children of its
own, could not tell whose a process was.
"""

from __future__ import annotations

import os
import sys

_PR_SET_CHILD_SUBREAPER = 36
_adopter = 0


def become() -> None:
    """Adopt from now on what loses its parent below this process, where the system knows how to."""
    global _adopter  # it is a fact of the process
    if sys.platform != "linux" or os.getpid() == 1:  # as the first process of a container we are everybody's parent
        return
    try:
        from _ctypes import call_function, dlopen, dlsym  # what ctypes is made of, at an eighth of its import

        program = dlopen(None, 0)  # type: ignore[arg-type]  # this one, as dlopen(3) has it
        is_set = call_function(dlsym(program, "prctl"), (_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0
    except (ImportError, OSError):
        return
    if is_set:
        _adopter = os.getpid()


def adopter() -> int:
    """The process that adopts; 0 when none does. A fork of it is another process."""
    return _adopter if _adopter == os.getpid() else 0
