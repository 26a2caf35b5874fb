from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.server.access import Scope
from mlproj.server.token_file import PREFIX, TokenFile, beside


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "tokens.json"


def test_a_token_is_known_by_its_hash_only(file: Path) -> None:
    secret, token = TokenFile(file).create("ann", Scope.WRITE, None)
    assert secret.startswith(PREFIX) and len(secret) > 40
    assert secret not in file.read_text() and token.sha256 in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TokenFile(file).scope_of(secret) is Scope.WRITE
    assert TokenFile(file).scope_of(token.sha256) is None
    assert (
        TokenFile(file).scope_of(secret + "x")
        is TokenFile(file).scope_of("")
        is TokenFile(file).scope_of("\udcff")
        is None
    )


def test_two_tokens_differ(file: Path) -> None:
    tokens = TokenFile(file)
    assert tokens.create("a", Scope.READ, None)[0] != tokens.create("b", Scope.READ, None)[0]
    assert [token.name for token in tokens.known()] == ["a", "b"]


def test_a_name_is_taken_until_its_token_is_over(file: Path) -> None:
    tokens = TokenFile(file)
    tokens.create("a", Scope.READ, 0)
    tokens.create("a", Scope.ADMIN, 3600)
    assert [token.scope for token in tokens.known()] == ["admin"]
    with pytest.raises(UsageError, match="there is a token 'a' already"):
        tokens.create("a", Scope.READ, None)


@pytest.mark.parametrize("name", ["", " ", "-x", "a b", "a\n", "ä", "x" * 65, "../x"])
def test_odd_names_are_refused(file: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a token"):
        TokenFile(file).create(name, Scope.READ, None)


def test_who_revokes_what_is_not_there_is_told_what_is(file: Path) -> None:
    tokens = TokenFile(file)
    tokens.create("laptop", Scope.READ, None)
    with pytest.raises(UsageError, match="did you mean 'laptop'"):
        tokens.revoke("latpop")
    assert tokens.revoke("laptop").name == "laptop" and tokens.known() == []


def test_a_file_that_others_may_write_is_not_believed(file: Path) -> None:
    secret, _ = TokenFile(file).create("a", Scope.ADMIN, None)
    file.chmod(0o620)
    with pytest.raises(ServiceError, match="other users may write"):
        TokenFile(file).scope_of(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"tokens": [1]}',
        '{"tokens": [{"name": "a"}]}',
        json.dumps({"tokens": [{"name": "a", "scope": "god", "sha256": "00", "created": 1}]}),
    ],
)
def test_a_damaged_file_is_told(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ServiceError, match="cannot read the tokens"):
        TokenFile(file).known()


def test_each_store_has_tokens_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert beside(None) == paths.home() / "server-tokens.json"
    assert beside(f"sqlite:///{tmp_path}/a.db") == tmp_path / "a.db.tokens.json"
    assert (
        beside("postgresql://u:one@host/db")
        == beside("postgresql://u:two@host/db")
        != beside("postgresql://u:one@host/other")
    )
    monkeypatch.setenv("MLPROJ_TRACKING_URI", f"sqlite:///{tmp_path}/b.db")
    assert beside(None) == tmp_path / "b.db.tokens.json"
