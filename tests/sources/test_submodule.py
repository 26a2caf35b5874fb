from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError
from mlproj.sources.base import Checkout
from tests.sources.git_server import GitServer, serving
from tests.sources.repository import bare, commit, git


def fetched(uri: Path | str, version: str | None = None, *, offline: bool = False) -> Checkout:
    source = sources.open(str(uri))
    return source.fetch(source.pin(version, offline=offline), isolated=False)


def with_submodule(folder: Path, url: str, path: str, recorded: str) -> str:
    """Record *recorded* as the submodule *path* in *folder*, without checking it out."""
    commit(folder, {})
    git(folder, "config", "--file", ".gitmodules", f"submodule.{path}.path", path)
    git(folder, "config", "--file", ".gitmodules", f"submodule.{path}.url", url)
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{recorded},{path}")
    git(folder, "add", ".gitmodules")
    git(folder, "commit", "--quiet", "--message=submodule")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """top contains libs/middle, which contains inner; middle moved on since."""
    inner = commit(tmp_path / "work" / "inner", {"inner.py": "inner"})
    bare(tmp_path / "work" / "inner", tmp_path / "served" / "inner.git")
    middle = with_submodule(tmp_path / "work" / "middle", "../inner.git", "inner", inner)
    commit(tmp_path / "work" / "middle", {"later.py": ""})
    bare(tmp_path / "work" / "middle", tmp_path / "served" / "middle.git")
    with_submodule(tmp_path / "work" / "top", "../middle.git", "libs/middle", middle)
    return bare(tmp_path / "work" / "top", tmp_path / "served" / "top.git")


def test_submodules_come_at_their_recorded_commits_all_the_way_down(nested: Path) -> None:
    checkout = fetched(nested)

    assert (checkout.root / "libs" / "middle" / "inner" / "inner.py").read_text() == "inner"
    assert not (checkout.root / "libs" / "middle" / "later.py").exists()
    assert git(checkout.root, "status", "--porcelain") == ""
    assert fetched(nested, offline=True).root.is_dir()


def test_submodules_come_over_http_with_the_login_of_the_repository(nested: Path, tmp_path: Path) -> None:
    server = GitServer(tmp_path / "served", "me:pass-word")
    with serving(server):
        checkout = fetched(f"{server.url_for('me:pass-word')}/top.git")

    assert (checkout.root / "libs" / "middle" / "inner" / "inner.py").exists()
    assert all(b"pass-word" not in file.read_bytes() for file in paths.cache().rglob("*") if file.is_file())


@pytest.mark.parametrize(
    "url", ["file:///etc", "/etc", "ext::sh -c 'touch harm'", "-x", "--upload-pack=x", "../../../../x"]
)
def test_a_repository_from_the_network_cannot_name_local_or_smuggled_submodules(tmp_path: Path, url: str) -> None:
    inner = commit(tmp_path / "inner", {"a": "1"})
    with_submodule(tmp_path / "top", url, "sub", inner)
    (tmp_path / "served").mkdir()
    bare(tmp_path / "top", tmp_path / "served" / "top.git")
    server = GitServer(tmp_path / "served")
    with serving(server), pytest.raises(SourceError, match="submodule sub"):
        fetched(f"{server.url}/top.git")


def test_a_repository_from_the_network_does_not_get_at_a_local_one_that_exists(tmp_path: Path) -> None:
    inner = commit(tmp_path / "inner", {"secret": "1"})
    with_submodule(tmp_path / "top", str(tmp_path / "inner"), "sub", inner)
    (tmp_path / "served").mkdir()
    bare(tmp_path / "top", tmp_path / "served" / "top.git")
    server = GitServer(tmp_path / "served")
    with serving(server), pytest.raises(SourceError, match="submodule sub"):
        fetched(f"{server.url}/top.git")
    assert list(paths.checkouts().iterdir()) == []


def test_a_submodule_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with_submodule(tmp_path / "top", "../gone.git", "libs/gone", "1" * 40)

    with pytest.raises(SourceError, match=r"submodule libs/gone: .*no such repository"):
        fetched(f"file://{tmp_path}/top")


def test_a_submodule_that_is_switched_off_stays_away(tmp_path: Path) -> None:
    with_submodule(tmp_path / "top", "../gone.git", "gone", "1" * 40)
    git(tmp_path / "top", "config", "--file", ".gitmodules", "submodule.gone.update", "none")
    commit(tmp_path / "top", {})

    assert fetched(f"file://{tmp_path}/top").root.is_dir()


def test_a_repository_that_names_itself_as_submodule_comes_to_an_end(tmp_path: Path) -> None:
    first = commit(tmp_path / "top", {"a": "1"})
    with_submodule(tmp_path / "top", "../top", "again", first)

    assert (fetched(f"file://{tmp_path}/top").root / "again" / "a").exists()


def test_a_gitmodules_file_without_submodules_is_harmless(tmp_path: Path) -> None:
    commit(tmp_path / "top", {".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ../x\n'})

    assert fetched(f"file://{tmp_path}/top").root.is_dir()
