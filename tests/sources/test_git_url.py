from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.sources.address import detect
from mlproj.sources.git_url import parse


@pytest.mark.parametrize(
    ("text", "url", "transport"),
    [
        ("https://Host.ORG:443/o/r/", "https://host.org/o/r", "https"),
        ("http://host:8080/r.git", "http://host:8080/r.git", "http"),
        ("git+https://user:pw@host/r", "https://host/r", "https"),
        ("ssh://git@host:22/r", "ssh://git@host/r", "ssh"),
        ("ssh://git@[::1]:2222/r", "ssh://git@[::1]:2222/r", "ssh"),
        ("git@host:o/r.git", "git@host:o/r.git", "ssh"),
        ("gh:o/r", "https://github.com/o/r", "https"),
        ("gl:g/s/r", "https://gitlab.com/g/s/r", "https"),
        ("/srv/a b.git/", "file:///srv/a%20b.git", "file"),
        ("git+file:///srv/a%20b.git", "file:///srv/a%20b.git", "file"),
        ("git://host/r", "git://host/r", "git"),
    ],
)
def test_a_repository_is_written_one_way(text: str, url: str, transport: str) -> None:
    found = parse(text)

    assert (found.url, found.transport) == (url, transport)


def test_credentials_are_taken_out_and_not_shown() -> None:
    found = parse("https://some%40one:pass%3Aword@host/r")

    assert (found.username, found.password) == ("some@one", "pass:word")
    assert "pass" not in repr(found)
    assert "some" not in repr(found)


def test_a_mirror_belongs_to_a_repository_not_to_who_logs_in() -> None:
    keys = [
        parse(text).key
        for text in (
            "https://a:1@host/r",
            "https://a:2@host/r",
            "https://b:1@host/r",
            "https://host/r",
            "https://host/R",
        )
    ]

    assert len(set(keys[:4])) == 1
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("base", "relative", "expected"),
    [
        ("https://host/o/r.git", "../s.git", "https://host/o/s.git"),
        ("https://host/o/r", "./s", "https://host/o/r/s"),
        ("https://host/o/r", "../../p/s", "https://host/p/s"),
        ("git@host:o/r.git", "../s.git", "git@host:o/s.git"),
        ("ssh://git@host:2222/o/r", "../s", "ssh://git@host:2222/o/s"),
        ("/srv/o/r", "../s", "file:///srv/o/s"),
        ("https://host/o/r", "https://other/s", "https://other/s"),
    ],
)
def test_the_url_of_a_submodule_starts_from_its_repository(base: str, relative: str, expected: str) -> None:
    assert parse(base).related(relative).url == expected


def test_a_submodule_gets_the_login_of_its_own_host_only() -> None:
    base = parse("https://me:pw@host/o/r")

    assert base.related("../s").password == "pw"
    assert base.related("https://host/s").password == "pw"
    assert base.related("https://you:other@host/s").password == "other"
    assert base.related("https://elsewhere/s").password is None
    assert base.related("http://host/s").password is None


def test_a_submodule_cannot_climb_above_its_host() -> None:
    with pytest.raises(UsageError, match="leaves the host"):
        parse("https://host/o/r").related("../../../../s")


@given(st.text(alphabet=st.sampled_from("gh:/@-.~#%?[]ext=ab \\\n\0ü\udc80"), max_size=30))
def test_whatever_is_typed_is_understood_or_refused_and_never_an_option_to_git(text: str) -> None:
    try:
        address = detect(text)
        if address.kind != "git":
            return
        found = parse(address.place)
    except MlprojError:
        return
    assert found.transport in ("https", "http", "ssh", "git", "file")
    assert not found.url.startswith("-")
    assert "::" not in found.url.partition("/")[0]
    assert found.url.isascii() or found.transport != "file"
    assert not found.key.startswith(("-", "."))
    assert "/" not in found.key
