"""``mlproj bisect`` on real repositories."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from tests.cli.conftest import Cli
from tests.program import Result, start
from tests.sources.git_server import GitServer
from tests.sources.repository import bare, commit, git

METRIC = 'echo "acc={}" >> "$MLPROJ_METRICS"'
_YEAR_2020 = 1577836800


@dataclass
class Commit:
    """A commit to be made: what its project runs, its other files, what it is merged with, and its parent if not the
    one before."""

    command: str
    subject: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    parent: int | None = None
    merged: int | None = None
    definition: str | None = None


def repository(folder: Path, commits: Sequence[Commit]) -> Path:
    """A work tree with these commits, an hour apart; each has its number as a tag: ``c0``, ``c1``, …"""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    stream = b"".join(_imported(number, one) for number, one in enumerate(commits, start=1))
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=stream, check=True)
    git(folder, "reset", "--quiet", "--hard", "main")
    return folder


def _imported(number: int, one: Commit) -> bytes:
    subject = (one.subject or f"change {number - 1}").encode()
    by = f"Ann <ann@example.org> {_YEAR_2020 + 3600 * number} +0000"
    lines = [
        f"commit refs/heads/main\nmark :{number}\nauthor {by}\ncommitter {by}\ndata {len(subject)}\n".encode(),
        subject,
        b"\n",
    ]
    if number > 1:
        lines.append(f"from :{number - 1 if one.parent is None else one.parent + 1}\n".encode())
    if one.merged is not None:
        lines.append(f"merge :{one.merged + 1}\n".encode())
    definition = one.definition or json.dumps({"entry_points": {"main": {"command": one.command}}})
    for name, text in {"MLproject": definition, **one.files}.items():
        lines.append(f"M 644 inline {name}\ndata {len(text.encode())}\n{text}\n".encode())
    return b"".join([*lines, f"reset refs/tags/c{number - 1}\nfrom :{number}\n\n".encode()])


def falling(at: int, length: int, broken: Mapping[int, Commit] | None = None) -> list[Commit]:
    """Commits whose metric falls from 0.9 to 0.7 with commit *at*; *broken* are others in the place of some."""
    commits = [Commit(METRIC.format(0.9 if number < at else 0.7)) for number in range(length)]
    for number, one in (broken or {}).items():
        commits[number] = one
    return commits


def bisect(cli: Cli, uri: Path | str, *options: str, good: str = "c0") -> Result:
    return cli("bisect", uri, "--metric", "acc", "--good", good, *options)


def found(result: Result) -> dict[str, Any]:
    assert result.out, result.err
    document: dict[str, Any] = result.document["bisect"]
    return document


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {step["subject"]: step["verdict"] for step in document["tried"]}


def test_a_commit_in_thirty_is_found_with_few_runs_and_fewer_environments(cli: Cli, tmp_path: Path) -> None:
    commits = falling(17, 30)
    python = ".".join(map(str, sys.version_info[:2]))
    for number, one in enumerate(commits):
        one.definition = json.dumps(
            {"python_env": "python_env.yaml", "entry_points": {"main": {"command": one.command}}}
        )
        if number in (0, 11, 16):
            one.files = {
                "python_env.yaml": (
                    f'# changed in {number}\npython: "{python}"\nbuild_dependencies: []\ndependencies: []\n'
                )
            }
    project = repository(tmp_path / "wine", commits)
    before = git(project, "status", "--porcelain=v2", "--branch")

    refused = bisect(cli, project, "--json", "--max-builds", "0")
    result = bisect(cli, project, "--json")

    assert (refused.code, found(refused)["state"], found(refused)["runs"], len(found(refused)["suspects"])) == (
        1,
        "stopped",
        0,
        29,
    )
    document = found(result)
    assert result.code == 0, result.err
    assert document["first_bad"]["subject"] == "change 17"
    assert (document["runs"], document["builds"]) == (7, 3)
    assert document["experiment"] == "bisect wine"
    store = tracking.open()
    runs = store.list_runs(experiment_name="bisect wine")
    store.close()
    assert {run.run_id for run in runs} == {run_id for step in document["tried"] for run_id in step["run_ids"]}
    assert {run.tags["mlproj.bisect"] for run in runs} == {document["id"]}
    assert all(str((run.environment or {})["as_of"]).startswith("2020-01-01") for run in runs)
    assert git(project, "status", "--porcelain=v2", "--branch") == before


def test_people_see_the_commits_in_order_and_what_to_do_next(cli: Cli, tmp_path: Path) -> None:
    commits = falling(3, 6)
    commits[3].subject = "faster \x1b[2J\u202e loop"
    project = repository(tmp_path / "wine", commits)

    result = bisect(cli, project)

    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["COMMIT", "DATE", "ACC", "VERDICT", "RUN", "SUBJECT"]
    listed = [line.split()[2:4] for line in lines[1 : lines.index("")]]
    assert listed == sorted(listed, reverse=True)
    assert f"first bad commit: {git(project, 'rev-parse', 'c3')}" in lines
    assert "  faster \\x1b[2J\\u202e loop" in lines
    assert "  Ann, 2020-01-01" in lines
    assert "bad is acc below 0.8" in lines
    assert "bisecting: 5 commits left, about 3 runs" in result.err
    assert "\x1b[2J" not in result.out + result.err
    hint = result.err.splitlines()[-1].partition("mlproj ")[2].split()
    assert cli(*hint).code == 0
    assert hint[:2] == ["runs", "diff"]


BROKEN = {
    "no MLproject that is one": Commit("", definition="entry_points: ["),
    "no such entry point": Commit("", definition="entry_points: {train: {command: 'true'}, test: {command: 'true'}}"),
    "the program fails": Commit("exit 3"),
    "it logs something else": Commit('echo "loss=1" >> "$MLPROJ_METRICS"'),
    "it logs NaN": Commit(METRIC.format("NaN")),
    "no environment": Commit("true", definition="{python_env: none.yaml, entry_points: {main: {command: 'true'}}}"),
}


def test_what_cannot_be_run_is_skipped_and_its_neighbours_are_run(cli: Cli, tmp_path: Path) -> None:
    broken = dict(enumerate(BROKEN.values(), start=3))
    project = repository(tmp_path / "wine", falling(10, 14, broken))

    document = found(bisect(cli, project, "--json"))

    assert document["first_bad"]["subject"] == "change 10"
    skipped = {step["subject"]: step["skipped"] for step in document["tried"] if step["verdict"] == "skipped"}
    assert skipped
    assert all(skipped.values())


def test_commits_that_hide_the_change_are_all_suspects(cli: Cli, tmp_path: Path) -> None:
    broken = dict(enumerate(BROKEN.values(), start=2))
    project = repository(tmp_path / "wine", falling(4, 10, broken))

    result = bisect(cli, project, "--json")
    table = bisect(cli, project)
    again = bisect(cli, project, "--json", "--retry-skipped")

    assert (result.code, table.code) == (1, 1)
    document = found(result)
    assert document["state"] == "suspects"
    assert document["first_bad"] is None
    assert [step["subject"] for step in document["suspects"]] == [f"change {number}" for number in range(2, 9)]
    reasons = " ".join(step["skipped"] or "" for step in document["tried"])
    for told in ("no entry point", "none.yaml", "exit code 3", "no metric 'acc'", "acc is NaN"):
        assert told in reasons
    assert "7 commits may be the first bad one" in table.out
    assert (found(again)["new_runs"], document["new_runs"]) == (3, 7)


def test_a_program_that_logs_and_then_fails_was_measured(cli: Cli, tmp_path: Path) -> None:
    commits = falling(2, 4, {2: Commit(METRIC.format(0.7) + "; exit 1"), 3: Commit(METRIC.format(0.7) + "; exit 1")})

    document = found(bisect(cli, repository(tmp_path / "wine", commits), "--json"))

    assert document["first_bad"]["subject"] == "change 2"
    assert "exit code 1" in document["bad"]["note"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_what_ends_a_search_loses_the_run_in_progress_only(cli: Cli, tmp_path: Path, number: signal.Signals) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    commits = [
        Commit(
            f"echo {index} >> {log};"
            f" {'' if index in (0, 7) else f'test -e {gate} || sleep 60; '}{METRIC.format(0.9 - index / 100)}"
        )
        for index in range(8)
    ]
    project = repository(tmp_path / "wine", commits)

    process = start("bisect", project, "--metric", "acc", "--good", "c0", "--threshold", "0.865")
    deadline = time.monotonic() + 60
    while not (log.exists() and len(log.read_text().split()) == 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _out, err = process.communicate()
    gate.touch()
    result = bisect(cli, project, "--threshold", "0.865", "--json")

    if number == signal.SIGINT:
        assert process.returncode == 130
        assert b"the same command goes on" in err
    document = found(result)
    assert "2 of these and the ends were run before" in result.err
    assert document["first_bad"]["subject"] == "change 4"
    assert "skipped" not in verdicts(document).values()
    ran = log.read_text().split()
    assert len(ran) == len(set(ran)) + 1, "only the one that was interrupted ran twice"
    assert document["runs"] == len(set(ran))


def test_another_threshold_or_end_uses_what_is_known_and_restart_does_not(cli: Cli, tmp_path: Path) -> None:
    project = repository(tmp_path / "wine", [Commit(METRIC.format(0.9 - number / 100)) for number in range(8)])

    first = found(bisect(cli, project, "--json"))
    other = found(bisect(cli, project, "--json", "--threshold", "0.895"))
    shorter = found(bisect(cli, project, "--json", "--bad", "main~1", "--threshold", "0.895"))
    repeated = found(bisect(cli, project, "--json", "--threshold", "0.895", "--repeat", "3"))
    anew = found(bisect(cli, project, "--json", "--restart"))

    assert (first["first_bad"]["subject"], first["new_runs"]) == ("change 4", 5)
    assert (other["first_bad"]["subject"], other["new_runs"]) == ("change 1", 1)
    assert (shorter["first_bad"]["subject"], shorter["bad"]["subject"]) == ("change 1", "change 6")
    assert (repeated["runs"], repeated["new_runs"]) == (12, 8)
    assert anew["new_runs"] == anew["runs"] == 5


def test_other_data_begins_anew(cli: Cli, tmp_path: Path) -> None:
    point = {"parameters": {"data": "path"}, "command": "echo acc=$(cat {data}) >> $MLPROJ_METRICS"}
    later = {**point, "command": "echo acc=0 >> $MLPROJ_METRICS"}
    commits = [Commit("", definition=json.dumps({"entry_points": {"main": one}})) for one in (point, later)]
    project, data = repository(tmp_path / "wine", commits), tmp_path / "data"

    values = []
    for number in (1, 2):
        data.write_text("1" * number)
        values.append(found(bisect(cli, project, "--json", "-P", f"data={data}"))["good"]["value"])

    assert values == [1, 11]


def test_of_several_runs_the_median_counts(cli: Cli, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    odd = (
        f'n=$(cat {counter} 2>/dev/null || echo 0); echo $((n + 1)) > {counter}; echo "acc=$((n == 0 ? 0 : 1))" >>'
        ' "$MLPROJ_METRICS"'
    )
    project = repository(tmp_path / "wine", [Commit(odd), Commit(METRIC.format(0))])

    document = found(bisect(cli, project, "--json", "--repeat", "3"))

    assert document["good"]["values"] == [0, 1, 1]
    assert document["good"]["value"] == 1


def test_branches_are_searched_and_first_parents_stop_at_the_merge(cli: Cli, tmp_path: Path) -> None:
    commits = falling(99, 7)
    commits[2].parent, commits[3].command = (
        1,
        METRIC.format(0.7),
    )  # 0-1-2-3 the branch, 1-4 the main line, 5 merges them, 6
    commits[4].parent = 1
    commits[5].merged, commits[5].command = 3, METRIC.format(0.7)
    commits[6].command = METRIC.format(0.7)
    project = repository(tmp_path / "wine", commits)

    whole = found(bisect(cli, project, "--json"))
    main_line = bisect(cli, project, "--json", "--first-parent")

    assert whole["first_bad"]["subject"] == "change 3"
    assert found(main_line)["first_bad"]["subject"] == "change 5"
    assert "it is a merge" in main_line.err
    assert not {"change 2", "change 3"} & verdicts(found(main_line)).keys()


def test_ends_that_are_none_are_told(cli: Cli, tmp_path: Path) -> None:
    commits = falling(3, 6)
    commits[5].parent = 1
    project = repository(tmp_path / "wine", commits)

    swapped = bisect(cli, project, "--bad", "c1", good="c4")
    same = bisect(cli, project, "--bad", "c0")
    apart = bisect(cli, project, "--bad", "c5", good="c3")
    unknown = bisect(cli, project, good="v9")
    wrong = bisect(cli, project, good="c0~x")
    far = bisect(cli, project, good="c0~1")

    assert [one.code for one in (swapped, same, apart, unknown, wrong, far)] == [2, 2, 2, 66, 2, 66]
    assert "--good c4" in swapped.err and "came after --bad c1" in swapped.err and "swap them" in swapped.err
    assert "the same commit" in same.err
    assert "did not come after" in apart.err
    assert "no commit ~1 before" in far.err
    assert not paths.database().exists()


@pytest.mark.parametrize(
    ("bad", "options", "code", "told"),
    [
        (METRIC.format(0.9), [], 2, "acc is 0.9 at both ends"),
        (METRIC.format(0.7), ["--threshold", "0.5"], 2, "0.9 at the good end and 0.7 at the bad one"),
        (METRIC.format(0.7), ["--threshold", "nan"], 2, "--threshold is NaN"),
        (METRIC.format(0.7), ["--lower-is-better"], 2, "became better"),
        (METRIC.format("nan"), [], 2, "cannot be measured: acc is NaN"),
        ('echo "accuracy=1" >> "$MLPROJ_METRICS"', [], 2, "logged no metric 'acc'"),
        ("exit 3", [], 2, "exit code 3, and acc was not logged"),
        ("true", ["-e", "none"], 2, "none"),
        ("sleep 30", ["--timeout", "200ms"], 2, "the bad end"),
    ],
)  # fmt: skip
def test_an_end_that_tells_nothing_ends_the_search(
    cli: Cli, tmp_path: Path, bad: str, options: list[str], code: int, told: str
) -> None:
    result = bisect(cli, repository(tmp_path / "wine", [Commit(METRIC.format(0.9)), Commit(bad)]), *options)

    assert result.code == code
    assert told in result.err


def test_a_commit_that_takes_too_long_is_skipped(cli: Cli, tmp_path: Path) -> None:
    project = repository(tmp_path / "wine", falling(2, 3, {1: Commit(METRIC.format(0.9) + "; sleep 30")}))

    document = found(bisect(cli, project, "--json", "--timeout", "300ms"))

    assert document["state"] == "suspects"
    assert "timed out" in document["tried"][1]["skipped"]


def test_where_no_commits_are_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "MLproject").write_text("entry_points: {main: {command: 'true'}}")
    with tarfile.open(tmp_path / "folder.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "folder")

    folder, packed = bisect(cli, tmp_path / "folder"), bisect(cli, tmp_path / "folder.tar.gz")

    assert (folder.code, packed.code) == (2, 2)
    assert "in no Git repository" in folder.err
    assert "no Git repository" in packed.err


def test_a_dry_run_tells_and_runs_nothing_and_what_is_not_committed_is_no_part(cli: Cli, tmp_path: Path) -> None:
    project = repository(tmp_path / "wine", falling(3, 6))
    (project / "MLproject").write_text("nonsense")

    dry = bisect(cli, project, "--dry-run")
    data = bisect(cli, project, "--dry-run", "--json")
    result = bisect(cli, project, "--json")

    assert (dry.code, data.code) == (0, 0)
    assert "4 commits between them; 5 runs at most" in dry.out
    assert "what is not committed" in dry.err
    assert data.document["plan"]["runs_at_most"] == 5
    assert found(result)["first_bad"]["subject"] == "change 3"
    assert found(result)["runs"] <= 5
    assert (project / "MLproject").read_text() == "nonsense"


def test_a_project_in_a_folder_of_a_repository_elsewhere(cli: Cli, tmp_path: Path) -> None:
    work = tmp_path / "work"
    for number in range(5):
        command = METRIC.format(0.9 if number < 3 else 0.7)
        definition = json.dumps({"entry_points": {"main": {"command": command}}})
        commit(work, {"README" if number == 1 else "models/wine/MLproject": definition})
        git(work, "tag", f"c{number}")
    git(work, "gc", "--quiet")
    bare(work, tmp_path / "origin.git")
    with GitServer(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"{server.url}/origin.git#models/wine"
        result = bisect(cli, uri, "--json")
        server.shutdown()
    offline = bisect(cli, uri, "--json", "--offline")

    assert found(result)["first_bad"]["commit"] == git(work, "rev-parse", "c3")
    assert "first run of" in result.err
    assert found(result)["experiment"] == "bisect wine"
    assert found(offline)["new_runs"] == 0


def test_a_notebook_that_cannot_be_read_is_no_reason_to_begin_anew_unasked(cli: Cli, tmp_path: Path) -> None:
    project = repository(tmp_path / "wine", falling(1, 3))
    identity = found(bisect(cli, project, "--json"))["id"]
    (paths.bisections() / f"{identity}.json").write_text('{"schema": 1, "commits": [')

    broken = bisect(cli, project)
    anew = bisect(cli, project, "--restart")

    assert broken.code == 69
    assert "--restart" in broken.err
    assert anew.code == 0
