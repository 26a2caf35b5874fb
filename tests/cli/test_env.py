from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from mlproj.environments.cache import inventory, transaction
from mlproj.foundation import paths
from mlproj.foundation.progress import Silent
from tests.cli.conftest import Cli

KEYS = ("aa11" + "0" * 28, "aa22" + "0" * 28)


def built(key: str, *, unused_for: timedelta = timedelta()) -> Path:
    """An environment in the cache as a build leaves it, last used some time ago and not in use now."""

    def build(folder: Path) -> dict[str, object]:
        (folder / "venv" / "bin").mkdir(parents=True)
        (folder / "venv" / "bin" / "python").write_bytes(b"x" * 5000)
        return {
            "kind": "python",
            "manager": "uv",
            "python": "3.10.13",
            "declaration": "python_env.yaml",
            "packages": {"six": "1.16.0", "numpy": "1.26.4"},
            "requirements": ["six", "numpy>=1"],
            "as_of": "2022-08-15T00:00:00+00:00",
            "notes": ["skipped mkl"],
        }

    folder, _reused = transaction.obtain(key, build, Silent())
    transaction.give_up(folder)
    moment = time.time() - unused_for.total_seconds()
    os.utime(folder / "environment.json", (moment, moment))
    return folder


def test_no_environments_are_said_to_be_none(cli: Cli) -> None:
    assert (cli("env", "list").out, cli("env", "list").err) == ("", "no environments\n")
    assert cli("env", "list", "--json").document == {"schema": 1, "environments": []}


def test_environments_are_listed_with_their_sizes_the_last_used_first(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(KEYS[0], unused_for=timedelta(days=3))
    built(KEYS[1])

    result = cli("env", "list")
    heading, *rows = result.out.splitlines()

    assert heading.split()[:3] == ["KEY", "PYTHON", "SIZE"]
    assert [row.split()[0] for row in rows] == [KEYS[1], KEYS[0]]
    for word in ("3.10.13", "kB", "uv", "2022-08-15", "python_env.yaml"):
        assert word in rows[0].split()
    assert result.err.startswith("2 environments, ")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("mlproj.cli.terminal.is_terminal", lambda stream: stream is sys.stdout)
    assert max(map(len, cli("env", "list").out.replace("\033[1m", "").splitlines())) <= 80


def test_the_json_of_an_environment_is_plain_data(cli: Cli) -> None:
    folder = built(KEYS[0])

    (listed,) = cli("env", "list", "--json").document["environments"]
    shown = cli("env", "show", "aa11", "--json").document["environment"]

    assert listed == shown
    assert shown["key"] == KEYS[0]
    assert shown["size"] > 5000
    assert shown["as_of"] == "2022-08-15T00:00:00Z"
    assert shown["last_used"].endswith("Z")
    assert shown["packages"] == {"six": "1.16.0", "numpy": "1.26.4"}
    assert shown["folder"] == str(folder)
    assert shown["in_use"] is False


def test_show_prints_what_it_was_made_from_and_what_is_in_it(cli: Cli) -> None:
    built(KEYS[0])

    out = cli("env", "show", "aa").out

    for told in (
        KEYS[0],
        "as of",
        "2022-08-15",
        "asked for\n  six\n  numpy>=1",
        "notes\n  skipped mkl",
        "installed\n  numpy  1.26.4\n  six    1.16.0",
    ):
        assert told in out


@pytest.mark.parametrize("command", ["show", "remove"])
def test_an_unknown_or_ambiguous_key_is_a_usage_error(cli: Cli, command: str) -> None:
    for key in KEYS:
        built(key)

    assert cli("env", command, "ff").code == 2
    assert "2 environments" in cli("env", command, "aa").err
    assert cli("env", command, "ff", "--json").document["error"]["kind"] == "usage"


def test_remove_takes_away_what_is_named(cli: Cli) -> None:
    gone, stays = built(KEYS[0]), built(KEYS[1])

    result = cli("env", "remove", "aa11", "aa110")

    assert result.out.startswith(f"removed {KEYS[0][:12]}, ")
    assert not gone.exists()
    assert stays.exists()
    assert cli("env", "remove", "aa22", "--json").document["removed"] == [KEYS[1]]


def test_a_wrong_key_among_several_removes_nothing(cli: Cli) -> None:
    folder = built(KEYS[0])

    assert cli("env", "remove", "aa11", "ff").code == 2
    assert folder.exists()


def test_an_environment_in_use_stays(cli: Cli) -> None:
    folder = built(KEYS[0])
    with open(folder.with_name(f".{folder.name[:18]}.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)

        assert cli("env", "remove", "aa11").code == 73
        assert "in use now" in cli("env", "show", "aa11").out
        assert "1 environment in use stayed" in cli("env", "prune").out
        assert folder.exists()


def test_prune_takes_what_was_not_used_for_so_long(cli: Cli) -> None:
    old, new = built(KEYS[0], unused_for=timedelta(days=31)), built(KEYS[1], unused_for=timedelta(days=29))
    (paths.environments() / f".{KEYS[1][:18]}.abc.building").mkdir()

    result = cli("env", "prune", "--older-than", "30d")

    assert result.out.startswith("removed 1 environment and 1 left over from killed builds, ")
    assert not old.exists()
    assert new.exists()


def test_prune_without_an_age_takes_all_that_nothing_uses(cli: Cli) -> None:
    for key in KEYS:
        built(key)

    document = cli("env", "prune", "--json").document

    assert set(document["removed"]) == set(KEYS)
    assert document["freed"] > 10_000
    assert inventory.installed() == []


def test_a_wrong_age_says_what_was_expected(cli: Cli) -> None:
    result = cli("env", "prune", "--older-than", "a while", "--json")

    assert result.code == 2
    assert "such as 90, 90s, 15m, 2h or 30d" in json.loads(result.out)["error"]["message"]
