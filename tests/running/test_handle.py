"""A run that was started can be waited for and ended from any thread."""

from __future__ import annotations

import pytest

from mlproj.backends.base import Outcome
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.running.handle import RunHandle
from mlproj.tracking.base import Status


class Submitted:
    """A submission that notes whether it was cancelled."""

    pid = None
    cancelled = False

    def wait(self) -> Outcome:
        return Outcome(0)

    def cancel(self) -> None:
        self.cancelled = True

    def interrupt(self, signal_number: int) -> None: ...


def test_a_run_that_is_cancelled_before_its_command_began_is_ended_as_it_begins() -> None:
    handle, submission = RunHandle("a" * 32), Submitted()
    handle.cancel()
    handle.attach(submission)

    assert submission.cancelled


def test_a_run_is_scheduled_until_its_command_runs() -> None:
    handle = RunHandle("a" * 32)
    before = handle.status
    handle.attach(Submitted())

    assert (before, handle.status) == (Status.SCHEDULED, Status.RUNNING)


def test_what_kept_a_run_from_starting_is_raised_to_whoever_waits() -> None:
    handle = RunHandle("a" * 32)

    def execute() -> None:
        raise EnvironmentFailure("no such package")

    handle.complete(execute)
    with pytest.raises(EnvironmentFailure):
        handle.wait()
    assert handle.status is Status.FAILED


def test_the_package_hands_out_each_name_that_it_lists() -> None:
    import mlproj

    assert all(getattr(mlproj, name) is not None for name in mlproj._LAZY)
