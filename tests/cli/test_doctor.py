from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.cli import inventory
from mlproj.cli.inventory import Finding
from mlproj.foundation import paths
from mlproj.tracking.base import NewRun, Run
from mlproj.tracking.sql.store import SqlStore
from tests import package_index
from tests.cli.conftest import Cli
from tests.package_index import Release


@pytest.fixture
def toolbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own with git and bash, where a test may put more."""
    folder = tmp_path / "toolbox"
    folder.mkdir()
    for name in ("git", "bash"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def found(cli: Cli, *arguments: str) -> dict[str, dict[str, object]]:
    document = cli("doctor", "--json", "--offline", *arguments).document
    return {finding["name"]: finding for finding in document["findings"]}


def test_a_machine_that_has_what_it_takes_is_healthy(cli: Cli, toolbox: Path) -> None:
    result = cli("doctor", "--offline")

    assert result.code == 0
    assert "mlproj can run projects here" in result.out
    for section in ("tools", "Pythons", "storage", "network"):
        assert f"\n{section}\n" in result.out
    assert "git version" in result.out
    assert sys.version.split()[0] in result.out
    assert str(paths.home()) in result.out
    assert "not asked: offline" in result.out
    assert not paths.home().exists(), "looking makes nothing"


def test_a_missing_tool_says_what_it_is_for_and_how_to_get_it(cli: Cli, toolbox: Path) -> None:
    out = cli("doctor", "--offline").out

    assert "needed for projects that keep large files in Git LFS; https://git-lfs.com" in out
    assert found(cli)["docker or podman or nerdctl"]["state"] == "missing"


@pytest.mark.parametrize("name", ["git", "bash"])
def test_without_something_essential_it_is_unhealthy(cli: Cli, toolbox: Path, name: str) -> None:
    (toolbox / name).unlink()

    result = cli("doctor", "--offline")

    assert result.code == 1
    assert "essential: needed for" in result.out
    assert "mlproj cannot run projects here" in result.out
    assert cli("doctor", "--offline", "--json").document["healthy"] is False


def test_without_uv_it_is_unhealthy(cli: Cli, toolbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlproj.environments.python import uv
    from mlproj.foundation.errors import EnvironmentFailure

    def missing() -> str:
        raise EnvironmentFailure("uv is not there")

    monkeypatch.setattr(uv, "binary", missing)

    assert found(cli)["uv"]["state"] == "missing"
    assert inventory._index(offline=False).state == "skipped"


def test_a_tool_that_does_not_run_is_broken(cli: Cli, toolbox: Path) -> None:
    tool(toolbox, "git-lfs", "exit 3")
    tool(toolbox, "ssh", "echo OpenSSH_9 >&2")

    assert found(cli)["git-lfs"]["state"] == "broken"
    assert found(cli)["ssh"]["detail"] == "OpenSSH_9"


def test_a_container_engine_must_answer(cli: Cli, toolbox: Path) -> None:
    tool(toolbox, "docker", "echo 'Cannot connect to the daemon' >&2; exit 1")
    tool(toolbox, "podman", "echo 5.0.1")

    engines = found(cli)

    assert engines["docker"]["state"] == "broken"
    assert "Cannot connect" in str(engines["docker"]["detail"])
    assert engines["podman"] == engines["podman"] | {"state": "ok", "detail": "podman 5.0.1"}


def test_a_home_that_cannot_be_written_is_essential(
    cli: Cli, toolbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "file" / "home"))

    result = cli("doctor", "--offline")

    assert result.code == 1
    assert "cannot be written" in result.out
    assert "set MLPROJ_HOME to a folder that is" in result.out


def test_the_cache_and_the_store_are_measured(cli: Cli, toolbox: Path) -> None:
    store = tracking.open()
    store.create_run(NewRun(run_name="a-a-1"))
    store.close()
    folder = paths.downloads()
    folder.mkdir(parents=True)
    (folder / "one").write_bytes(b"x" * 10_000)
    (folder / "same").hardlink_to(folder / "one")

    assert str(found(cli)["runs"]["detail"]).startswith(f"{paths.database()} (")
    assert 10_000 <= inventory.folder_size(folder) < 20_000
    assert inventory.folder_size(folder / "nothing") == 0


def test_a_store_with_many_runs_is_not_read_whole(cli: Cli, toolbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(tracking.open()) as store:
        for _ in range(3):
            store.create_run(NewRun())
    read: list[int] = []
    list_runs = SqlStore.list_runs

    def counted(self: SqlStore, **chosen: Any) -> list[Run]:
        runs = list_runs(self, **chosen)
        read.append(len(runs))
        return runs

    monkeypatch.setattr(SqlStore, "list_runs", counted)

    assert found(cli)["runs"]["state"] == "ok"
    assert read == [1]


def test_a_store_that_is_damaged_is_told(cli: Cli, toolbox: Path) -> None:
    paths.home().mkdir(parents=True)
    paths.database().write_bytes(b"this is no database" * 100)

    result = cli("doctor", "--offline", "--json")

    assert result.code == 1
    assert {finding["name"]: finding for finding in result.document["findings"]}["runs"]["state"] == "broken"


def test_an_index_that_answers_is_told_from_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with package_index.serve() as index:
        index.add(Release("pip", "24.0"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        answering = inventory._index(offline=False)
    silent = inventory._index(offline=False)

    assert (answering.state, silent.state) == ("ok", "broken")
    assert silent.remedy


def test_only_what_is_essential_is_fatal() -> None:
    assert Finding("s", "n", "missing", "d", essential=True).fatal
    assert not Finding("s", "n", "missing", "d").fatal
    assert not Finding("s", "n", "ok", "d", essential=True).fatal
