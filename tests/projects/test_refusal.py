"""What the last words of real clients and servers say of a connection that was refused, or of a port in use."""

from __future__ import annotations

import pytest

from mlproj.projects.refusal import awaited, held, refused

RETRY = (
    "WARNING urllib3.connectionpool: Retrying (Retry(total={left}, connect={left}, read=7, redirect=7, status=7))"
    " after connection broken by 'NewConnectionError('<HTTPConnection(host='{host}', port={port}) at 0x7f>:"
    " [Errno 111] Connection refused')': {path}"
)
API = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=x"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='localhost', port=5000): Max retries exceeded"
            " with url: /api/2.0/mlflow/runs/create (Caused by NewConnectionError('refused'))",
            ("localhost", 5000),
        ),
        (
            "mlflow.exceptions.MlflowException: API request to http://127.0.0.1:8080/api/2.0/mlflow/runs/create failed"
            " with exception HTTPConnectionPool: Max retries exceeded",
            ("127.0.0.1", 8080),
        ),
        (
            "mlflow.exceptions.MlflowException: API request to https://127.0.0.1:8443/api/2.0/mlflow/runs/create failed"
            " with exception HTTPSConnectionPool: Max retries exceeded",
            ("127.0.0.1", 8443),
        ),
        ("psql: error: connect to server at localhost, port 5432 failed: Connection refused", ("localhost", 5432)),
        ("Error: connect ECONNREFUSED ::1:9000", ("::1", 9000)),
        ("curl: (7) Failed to connect to localhost port 8000 after 0 ms", ("localhost", 8000)),
        ("connect ECONNREFUSED fe80::1:9000", None),  # not this machine
        ("HTTPConnectionPool(host='example.com', port=80): Max retries exceeded", None),  # not this machine
        ("the server at localhost:5000 is fine", None),
        ("", None),
    ],
)
def test_a_refused_connection_to_this_machine_is_found(output: str, expected: tuple[str, int] | None) -> None:
    assert refused(output) == expected


def test_of_several_refused_connections_the_last_counts() -> None:
    lines = [f"HTTPConnectionPool(host='localhost', port={port}): Max retries exceeded" for port in (5000, 5001)]
    assert refused("\n".join(lines)) == ("localhost", 5001)


def test_a_client_that_tries_again_with_tls_waits_for_what_nobody_can_answer() -> None:
    retry = RETRY.replace("HTTPConnection", "HTTPSConnection")
    assert awaited(retry.format(left=6, host="localhost", port=5000, path=API)) == []


def test_a_client_of_mlflow_that_will_try_again_is_found() -> None:
    output = "\n".join(
        [
            RETRY.format(left=6, host="localhost", port=5000, path=API),
            RETRY.format(left=5, host="127.0.0.1", port=8080, path=API),
            RETRY.format(left=5, host="example.com", port=5000, path=API),
            RETRY.format(left=5, host="localhost", port=9200, path="/_search"),  # no client of MLflow's
        ]
    )
    assert awaited(output) == [("localhost", 5000), ("127.0.0.1", 8080)]
    assert awaited("done") == []


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 5000): address in use", 5000),
        ("Error: listen EADDRINUSE: address already in use :::8080", 8080),
        ("Address already in use\nPort 5000 is in use by another program.", 5000),
        ("[ERROR] Connection in use: ('127.0.0.1', 8000)", 8000),
        ("Address already in use", None),
        ("starting at port 5000", None),
    ],
)
def test_a_port_in_use_is_found_where_a_line_near_names_it(output: str, expected: int | None) -> None:
    assert held(output) == expected


def test_a_port_that_is_named_far_from_the_complaint_is_not_taken_for_it() -> None:
    assert held("port 5000\n" + "…\n" * 5 + "Address already in use\n") is None
