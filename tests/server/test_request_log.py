"""What a line about a request does not hold."""

from __future__ import annotations

import pytest

from mlproj.server.request_log import without_secrets


@pytest.mark.parametrize(
    "address",
    [
        "/?token=hunter2x",
        "/?t%6fken=hunter2x&a=b",
        "/?a=b&API_KEY=hunter2x",
        "/x?sig=hunter2x",
        "/x?source=https%3A%2F%2Fme%3Ahunter2x%40host%2F",
    ],
)
def test_a_secret_in_a_query_is_masked_however_it_is_quoted(address: str) -> None:
    assert "hunter2x" not in without_secrets(address) and "****" in without_secrets(address)


def test_a_token_of_ours_is_masked_wherever_it_is() -> None:
    token = "mlproj_" + "Ab3_-" * 8
    for address in (f"/x/{token}", f"/x?y={token}", f"/{token.replace('_', '%5f')}"):
        assert "Ab3" not in without_secrets(address)


@pytest.mark.parametrize(
    "address", ["/", "/api/2.0/mlflow/runs/get?run_id=abc", "/x?a=&b=1&b=2", "/a%20b/%C3%A9%09%0A", "/?filter=a+%3C+1"]
)
def test_other_addresses_stay_as_they_are(address: str) -> None:
    assert without_secrets(address).replace("%3C", "<") == address.replace("%3C", "<")
