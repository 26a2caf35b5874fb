from __future__ import annotations

import socket

from mlproj.server.serving import answer_promptly


def test_no_part_of_an_answer_waits_for_the_acknowledgement_of_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answer_promptly(listening)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
