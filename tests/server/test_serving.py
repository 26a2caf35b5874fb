from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import httpx2

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.prompt_socket import answer_promptly
from mlproj.tracking.base import NewRun
from tests.server.conftest import running


def test_no_part_of_an_answer_waits_for_the_acknowledgement_of_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answer_promptly(listening)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_pages_of_a_server_show_no_files_that_it_does_not_keep(tmp_path: Path) -> None:
    """Whoever may write may say where a run's files are; with the server's rights nobody is to look there."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret.txt").write_text("do not show")
    with closing(tracking.open()) as store:
        made = store.create_run(NewRun(artifact_uri=(tmp_path / "private").as_uri()))
        ours = store.create_run(NewRun())
    kept = paths.artifacts() / "0" / ours.run_id / "artifacts"
    kept.mkdir(parents=True)
    (kept / "ours.txt").write_text("shown")
    with running() as (_, address):
        page = httpx2.get(f"{address}/runs/{made.run_id}")
        assert page.status_code == 200 and "secret.txt" not in page.text
        for path in ("artifacts/secret.txt", "raw/secret.txt"):
            answer = httpx2.get(f"{address}/runs/{made.run_id}/{path}")
            assert (
                answer.status_code == 400
                and "not kept by this server" in answer.text
                and "do not show" not in answer.text
            )
        assert httpx2.get(f"{address}/runs/{ours.run_id}/raw/ours.txt").text == "shown"
