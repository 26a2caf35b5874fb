"""Who asks for something is heard, whenever it happens."""

from __future__ import annotations

import os
import select
import signal
import threading

from mlproj.backends.event_queue import EventQueue


def is_ringing(queue: EventQueue) -> bool:
    return bool(select.select([queue.descriptor], [], [], 0)[0])


def test_a_signal_rings_before_its_handler_has_run() -> None:
    queue = EventQueue()
    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
    try:
        with queue.fed_by_signals():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert is_ringing(queue)
        assert queue.get() is None
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not is_ringing(queue)
    finally:
        signal.signal(signal.SIGUSR1, before)
        queue.close()


def test_another_thread_leaves_the_signals_alone() -> None:
    queue = EventQueue()
    entered = []

    def listen() -> None:
        with queue.fed_by_signals():
            entered.append(True)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    queue.close()

    assert entered == [True]


def test_what_was_asked_for_is_taken_in_order() -> None:
    queue = EventQueue()
    queue.put("timeout", signal.SIGTERM)
    queue.put("signal", signal.SIGINT)

    taken = [queue.get(), queue.get(), queue.get()]
    queue.close()
    queue.put("cancelled", signal.SIGTERM)

    assert [request.reason for request in taken if request] == ["timeout", "signal"]
