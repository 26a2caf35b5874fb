"""Secrets in nothing that is shown or kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.redaction import MASK, looks_secret, mask_channel, mask_url, redact


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://user:word@host/x.git", "https://****@host/x.git"),
        ("https://ghp_token@host/x", "https://****@host/x"),
        ("https://user:p@ss:w@rd@host/x", "https://****@host/x"),
        ("git+https://user:word@host/x", "git+https://****@host/x"),
        ("ssh://git:word@host/x", "ssh://****@host/x"),
        ("postgresql://me:word@host:5432/db", "postgresql://****@host:5432/db"),
        ("fatal: could not read from 'https://u:p@h/x': gone", "fatal: could not read from 'https://****@h/x': gone"),
        ("https://a:b@one/ and https://c:d@two/", "https://****@one/ and https://****@two/"),
        ("fatal: user:PASS@host:x.git gone", "fatal: user:****@host:x.git gone"),
        ("me:ghp_x@host.org/o/r", "me:****@host.org/o/r"),
        ('{"u":"https://me:word@host/x","m":"a@b"}', '{"u":"https://****@host/x","m":"a@b"}'),
        ("https://host/x?token=abc&b=1", "https://host/x?token=****&b=1"),
        ("https://host/x?a=1&X-Amz-Signature=abc", "https://host/x?a=1&X-Amz-Signature=****"),
    ],
)
def test_credentials_leave_urls(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    "text",
    [
        "git@host:owner/x.git",
        "ssh://git@host/x",
        "git+ssh://git@host/x",
        "https://host/x@v1",
        "https://host/?page=2",
        "a@b.c",
        "python:3.11@sha256:0123",
        '{"u":"https://host","m":"a@b"}',
        "file:///a/b@c",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_url(text) == text


@given(
    user=st.text("abcXYZ09._~-%", min_size=1, max_size=8),
    word=st.text("abcXYZ09._~-%:@!$&'()*+,;=", min_size=6, max_size=20),
)
def test_no_password_survives_in_a_url(user: str, word: str) -> None:
    assert mask_url(f"https://{user}:{word}@host.example/path") == f"https://{MASK}@host.example/path"


@given(text=st.text(max_size=80))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN", "token", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "db_password", "PGPASSWORD", "api-key",
        "OPENAI_API_KEY", "apikey", "GOOGLE_CREDENTIALS", "MYSQL_PWD", "SSH_PRIVATE_KEY", "passphrase", "client_secret",
    ],
)  # fmt: skip
def test_names_that_hold_secrets_are_known(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["PATH", "PWD", "max_token_count", "tokenizer", "author", "keyboard", "monkey", "n_estimators", "authority"]
)
def test_names_that_only_look_alike_are_not(name: str) -> None:
    assert not looks_secret(name)


def test_values_of_secret_variables_leave_the_text() -> None:
    text = redact("login with hunter22 failed for alice22", {"DB_PASSWORD": "hunter22", "USER_NAME": "alice22"})

    assert text == "login with **** failed for alice22"


def test_a_secret_that_holds_another_leaves_nothing_of_itself() -> None:
    environ = {"A_TOKEN": "secret", "B_TOKEN": "secret-and-more"}

    assert redact("x secret-and-more y", environ) == "x **** y"


def test_short_values_are_left_alone() -> None:
    assert redact("1 of 10", {"A_TOKEN": "1"}) == "1 of 10"


def test_our_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "abcdefgh")

    assert redact("key abcdefgh") == "key ****"


def test_the_token_of_a_conda_channel_leaves_where_one_may_be() -> None:
    text = "channels: ['https://me:word@host/get/t/ab-12/team', \"https://host/t/cd/x\"]"
    assert mask_channel(text) == "channels: ['https://****@host/get/t/****/team', \"https://host/t/****/x\"]"
    assert mask_url("https://forum.example/t/title/12") == "https://forum.example/t/title/12"
    assert mask_channel("/t/no-address/x") == "/t/no-address/x"


@pytest.mark.parametrize(
    "name", ["CREDENTIALS_JSON", "GOOGLE_CREDENTIALS_JSON", "AUTH_TOKEN_JSON", "DB_PASS", "AZURE_CONNECTION_STRING"]
)
def test_names_of_credentials_in_whatever_form_look_secret(name: str) -> None:
    assert looks_secret(name) and looks_secret(name.lower())


@pytest.mark.parametrize("name", ["max_token_count", "single_pass", "authors", "tokens", "credentialed"])
def test_names_that_only_resemble_them_do_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize("piece", ["x", "://", "a:b", "x:", "/t/://", "x:x@x."])
def test_a_line_of_half_a_megabyte_is_masked_in_seconds(piece: str) -> None:
    text = "https://me:word@host/x " + piece * (500_000 // len(piece)) + "://"
    begin = time.process_time()
    assert mask_channel(text).startswith(f"https://{MASK}@host/x")
    assert time.process_time() - begin < 10  # it took hours
