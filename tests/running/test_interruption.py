"""Signals arrive where they can be acted upon."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mlproj.foundation.errors import Interrupted
from mlproj.running.interruption import listening


def test_a_signal_raises_where_the_program_stands() -> None:
    with pytest.raises(Interrupted) as caught, listening():
        os.kill(os.getpid(), signal.SIGTERM)

    assert caught.value.exit_code == 143


def test_a_signal_is_held_until_the_block_is_over() -> None:
    steps = []
    with pytest.raises(Interrupted), listening() as interruption:
        with interruption.held():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("finished the block")
        steps.append("never here")

    assert steps == ["finished the block"]


def test_a_second_signal_does_not_disturb_what_the_first_unwinds() -> None:
    steps = []
    with pytest.raises(Interrupted) as caught, listening():
        try:
            with listening():
                os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("cleaned up")

    assert caught.value.signal_number == signal.SIGTERM
    assert steps == ["cleaned up"]


class Job:
    def __init__(self) -> None:
        self.received: list[int] = []

    def interrupt(self, number: int) -> None:
        self.received.append(number)


def test_a_signal_that_comes_while_a_job_starts_is_the_jobs() -> None:
    def start() -> Job:
        os.kill(os.getpid(), signal.SIGTERM)
        return Job()

    with listening() as interruption, interruption.passed_to(start) as job:
        assert job.received == [signal.SIGTERM]


def test_a_signal_is_passed_to_the_job() -> None:
    job = Job()
    with listening() as interruption, interruption.passed_to(lambda: job):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGHUP)

    assert job.received == [signal.SIGINT, signal.SIGHUP]
    assert interruption.received == signal.SIGINT


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with listening():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def listen() -> None:
        with listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()

    assert seen == [before]
