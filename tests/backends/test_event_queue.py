"""Who asks for something is heard, whenever it happens."""

from __future__ import annotations

import os
import select
import signal
import threading

from mlproj.backends.event_queue import EventQueue


def is_ringing(bell: EventQueue) -> bool:
    return bool(select.select([bell.descriptor], [], [], 0)[0])


def test_a_signal_rings_before_its_handler_has_run() -> None:
    bell = EventQueue()
    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
    try:
        with bell.fed_by_signals():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert is_ringing(bell)
        assert bell.take() is None
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not is_ringing(bell)
    finally:
        signal.signal(signal.SIGUSR1, before)
        bell.close()


def test_another_thread_leaves_the_signals_alone() -> None:
    bell = EventQueue()
    entered = []

    def listen() -> None:
        with bell.fed_by_signals():
            entered.append(True)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    bell.close()

    assert entered == [True]


def test_what_was_asked_for_is_taken_in_order() -> None:
    bell = EventQueue()
    bell.ring("timeout", signal.SIGTERM)
    bell.ring("signal", signal.SIGINT)

    taken = [bell.take(), bell.take(), bell.take()]
    bell.close()
    bell.ring("cancelled", signal.SIGTERM)

    assert [request.reason for request in taken if request] == ["timeout", "signal"]
