from __future__ import annotations

import re
import signal
import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mlproj import tracking
from mlproj.tracking.base import NewRun
from tests.program import mlproj, start


def test_the_pages_are_served_until_ctrl_c() -> None:
    tracking.open().create_run(NewRun(run_name="to-be-seen"))
    with start("ui", "--port", "0") as process:
        assert process.stdout is not None
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline().decode())

        with urlopen(address) as answer:
            assert b"to-be-seen" in answer.read()
        with pytest.raises(HTTPError, match="403") as refused:
            urlopen(Request(address, headers={"Host": "evil.example"}))
        refused.value.close()

        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = mlproj("ui", "--port", str(taken.getsockname()[1]))
    assert result.code == 69 and "cannot listen on port" in result.err
