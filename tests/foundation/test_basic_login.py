"""The header of a login by name and password."""

from __future__ import annotations

import pytest

from mlproj.foundation.basic_login import authorization


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ("Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617, section 2
        ("test:123\u00a3", "Basic dGVzdDoxMjPCow=="),  # RFC 7617, section 2.1: UTF-8
        (":", "Basic Og=="),
        ("user:" + "p" * 100, "Basic dXNlcjpwcHBw" + "cHBw" * 32),
    ],
)
def test_the_header_is_that_of_the_rfc_and_one_line(login: str, header: str) -> None:
    assert authorization(login) == header
