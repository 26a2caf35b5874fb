"""By which name a repository is trusted, and what the file that remembers it survives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.running.trust import Trusted, normalised, trusts_all
from mlproj.sources import git_url

SAME = [
    [
        "https://github.com/team/project",
        "https://github.com/team/project.git",
        "https://github.com/team/project.git/",
        "https://GitHub.com:443/team//project",
        "https://someone:secret@github.com/team/project",
        "https://github.com./team/project",
        "gh:team/project",
        "git+https://github.com/team/project",
    ],
    [
        "git@host.org:team/project.git",
        "ssh://git@host.org/team/project",
        "ssh://host.org:22/team/project.git/",
        "host.org:team/project",
    ],
    ["http://host.org:8080/x.git", "http://u:p@host.org:8080/x"],
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_every_spelling_of_a_repository_is_one_name(spellings: list[str]) -> None:
    assert len({normalised(git_url.parse(spelling).url) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host.org/team/project", "http://host.org/team/project"),
        ("https://host.org/team/project", "ssh://git@host.org/team/project"),
        ("https://host.org/team/project", "https://host.org:8443/team/project"),
        ("https://host.org/team/project", "https://host.org/team/projects"),
        ("https://host.org/team/project", "https://host.org/Team/project"),
        ("ann@host.org:project", "ben@host.org:project"),
        ("ann@host.org:project", "ann@host.org:/project"),
    ],
)
def test_what_may_be_another_repository_is_another_name(one: str, other: str) -> None:
    assert normalised(git_url.parse(one).url) != normalised(git_url.parse(other).url)


def test_a_name_holds_no_secret() -> None:
    assert "secret" not in normalised("https://someone:secret@host.org/a.zip?token=****")


def test_a_link_that_is_turned_elsewhere_is_another_repository(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to("one")

    assert normalised(f"file://{tmp_path}/link") == f"file://{tmp_path}/one"


def test_what_is_remembered_is_known() -> None:
    Trusted().remember("https://host.org/x", "said yes")

    assert Trusted().knows("https://host.org/x")
    assert not Trusted().knows("https://host.org/y")
    assert Trusted().problem() is None


def test_many_who_remember_at_once_lose_nothing() -> None:
    code = (
        "import sys; from mlproj.running.trust import Trusted\nfor n in range(20):"
        " Trusted().remember(f'https://h/{sys.argv[1]}-{n}', 'said yes')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(4)]

    assert [writer.wait() for writer in writers] == [0] * 4
    assert all(Trusted().knows(f"https://h/{number}-{n}") for number in range(4) for n in range(20))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"schema": 2, "repositories": {}}',
        b'{"schema": 1, "repositories": {"https://h/x": true}}',
        b"\xff",
    ],
)
def test_a_broken_file_trusts_nobody_says_so_and_is_put_aside(content: bytes) -> None:
    trusted = Trusted()
    paths.write_atomic(trusted.file, content)

    problem = trusted.problem()
    assert problem is not None and "no repository is trusted" in problem
    assert not trusted.knows("https://h/x")
    trusted.remember("https://h/y", "said yes")

    assert trusted.knows("https://h/y")
    assert Path(f"{trusted.file}.broken").read_bytes() == content


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "file"))

    with pytest.raises(ServiceError, match="cannot be written"):
        Trusted().remember("https://h/x", "said yes")


def test_the_variable_has_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not trusts_all()
    monkeypatch.setenv("MLPROJ_TRUST", "all")
    assert trusts_all()
    monkeypatch.setenv("MLPROJ_TRUST", "yes")
    with pytest.raises(UsageError, match="'all'"):
        trusts_all()
