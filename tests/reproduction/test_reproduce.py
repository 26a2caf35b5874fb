"""``mlproj reproduce`` and ``mlproj rerun`` over real runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mlproj.foundation import paths
from tests.program import mlproj, project
from tests.reproduction.conftest import checkouts, kept, recorded, reproduced, shown, states
from tests.sources.git_server import serving
from tests.sources.repository import commit

VALUES = """
entry_points:
  main:
    parameters:
      text: {type: string, default: none}
      empty: {type: string, default: null}
      items: {type: "list[int]", default: [1, 2]}
      maybe: {type: int, default: 5, optional: true}
      api_key: {type: string, default: key-by-default}
    command: "printf '<%s>' {text} {empty} {items} {maybe} {api_key} > out.txt; true"
"""


def metrics(folder: Path, command: str, **files: str) -> Path:
    return project(folder, f"entry_points: {{main: {{command: '{command}'}}}}\n", **files)


def test_values_are_given_again_whatever_they_hold_and_defaults_stay_the_codes_own(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", VALUES)
    (tmp_path / "values.json").write_text(json.dumps({"text": "a\nb 'c' \"$(d)\" {e}", "maybe": None}))
    run = recorded(
        folder,
        "--params-file",
        tmp_path / "values.json",
        "-P",
        "items=[3]",
        "-P",
        "extra=--lead ing",
        "-P",
        "two words=x",
    )
    assert (folder / "out.txt").read_text().startswith("<a\nb 'c' \"$(d)\" {e}><><[3]><><key-by-default>")

    # A secret default is masked in the kept copy of the project, and so has to be given.
    done, document = reproduced(run["run_id"], "-P", "api_key=key-by-default")

    assert (done.code, states(document)) == (0, {"out.txt": "same"}), done.err
    again = shown(document["runs"][0]["run_id"])
    assert (again["params"], again["command"]) == (run["params"], run["command"])


def test_secret_values_have_to_be_given_and_others_may_not(tmp_path: Path) -> None:
    run = recorded(project(tmp_path / "p", VALUES), "-P", "api_key=s3cr3t-value", "-P", "text=a")
    done, document = reproduced(run["run_id"])
    assert (
        done.code == 2
        and "api_key is secret" in document["error"]["message"]
        and document["error"]["hint"] == "add -P api_key=…"
    )
    done, document = reproduced(run["run_id"], "-P", "api_key=s3cr3t-value", "-P", "text=b")
    assert done.code == 2 and "mlproj rerun" in document["error"]["hint"]
    done, _ = reproduced(run["run_id"], "-P", "api_key=s3cr3t-value")
    assert done.code == 0
    assert reproduced(run["run_id"], "-P", "api_key=another-value")[0].code == 1
    assert "s3cr3t-value" not in "".join(place.read_text() for place in paths.home().glob("runs/*/plan.json"))


def test_inputs_are_found_where_they_were_and_held_to_their_hash(tmp_path: Path) -> None:
    text = (
        "entry_points: {main: {parameters: {data: path, more: {type: path, default: d.csv}}, command: 'cat {data}"
        " {more} > out'}}\n"
    )
    folder = project(tmp_path / "p", text, d__csv="own\n")
    commit(folder, {})
    outside, inside = tmp_path / "outside", folder / "sub"
    for place in (outside, inside):
        place.mkdir()
        (place / "x.csv").write_text(place.name)
        (place / "d.csv").write_text("not this one")
    runs = [recorded(folder, "-P", "data=x.csv", cwd=place) for place in (outside, inside)]
    (inside / "x.csv").write_text("changed in the folder, not in what was kept")
    for run in runs:
        done, document = reproduced(run["run_id"], cwd=tmp_path)
        assert (done.code, states(document)["out"]) == (0, "same"), done.err
    (outside / "x.csv").write_text("changed")
    done, document = reproduced(runs[0]["run_id"])
    assert done.code == 66 and "data: x.csv has other content than before" in document["error"]["message"]
    (outside / "x.csv").unlink()
    done, document = reproduced(runs[0]["run_id"])
    assert done.code == 66 and "data: x.csv is not there any more" in document["error"]["message"]
    assert checkouts() == []


def stamps(folder: Path) -> dict[Path, tuple[int, int, int, int]]:
    """What changes with anything below *folder*."""
    found = {place: place.lstat() for place in (folder, *folder.rglob("*"))}
    return {place: (one.st_ino, one.st_mode, one.st_mtime_ns, one.st_ctime_ns) for place, one in found.items()}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


def test_an_input_from_elsewhere_is_fetched_again_and_has_to_be_the_same(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {parameters: {data: path}, command: 'cat {data} > out'}}\n")
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "x.csv").write_text("1\n")
    with served(tmp_path / "www") as url:
        run = recorded(folder, "-P", f"data={url}/x.csv")
        assert reproduced(run["run_id"])[0].code == 0
        (tmp_path / "www" / "x.csv").write_text("1\n2\n")
        os.utime(tmp_path / "www" / "x.csv", (2e9, 2e9))  # HTTP counts seconds, and this test takes less
        done, document = reproduced(run["run_id"])
        assert done.code == 66 and f"data: {url}/x.csv has other content than before" in document["error"]["message"]
        assert mlproj("rerun", run["run_id"]).code == 0, "rerun takes it as it is"
        (tmp_path / "www" / "x.csv").unlink()
        assert reproduced(run["run_id"])[0].code == 66


def test_metrics_are_compared_point_by_point_within_tolerances(tmp_path: Path) -> None:
    folder = metrics(
        tmp_path / "p", "cat values >> $MLPROJ_METRICS", values="a=1 step=0\na=2 step=1\nodd=nan\nodd=inf\n"
    )
    commit(folder, {})
    run = recorded(folder)
    commit(folder, {"values": "a=1 step=0\na=2.01 step=1\nodd=nan\nodd=inf\n"})

    assert reproduced(run["run_id"])[0].code == 0
    done, document = reproduced(run["run_id"], "--latest-code")
    assert (done.code, states(document)) == (1, {"a": "differs", "odd": "same"})
    assert document["runs"][0]["metrics"][0] == {
        "name": "a",
        "state": "differs",
        "before": 2.0,
        "after": 2.01,
        "step": 1,
    }
    assert document["runs"][0]["metrics"][1]["before"] == "Infinity"
    for words, code in ((["a=0.1"], 0), (["*=1%"], 0), (["a=0.001", "*=1"], 1)):
        done, document = reproduced(run["run_id"], "--latest-code", *(f"--tolerance={word}" for word in words))
        assert (done.code, document["reproduced"]) == (code, code == 0)
    assert mlproj("reproduce", run["run_id"], "--tolerance", "a").code == 2
    text = mlproj("reproduce", run["run_id"], "--latest-code")
    assert "not reproduced: of 2 metrics and 0 files 1 differs: a\n" in text.out
    assert f"mlproj runs diff {run['run_id'][:8]} " in text.out


def test_files_are_compared_by_content_and_shown_where_they_differ(tmp_path: Path) -> None:
    folder = metrics(
        tmp_path / "p",
        'cp in.json out.json; echo big > big; cp in.json $MLPROJ_ARTIFACTS/log.json; echo "$MLPROJ_RUN_ID" > run.log',
        in__json='{"a": 1}',
    )
    commit(folder, {})
    run = recorded(folder, "--max-output-size", "3b")
    commit(folder, {"in.json": '{"a": 2}'})

    done, document = reproduced(run["run_id"])
    assert (done.code, states(document)) == (
        1,
        {"big": "same", "logged: log.json": "same", "out.json": "same", "run.log": "differs"},
    )
    assert reproduced(run["run_id"], "--ignore", "*.log")[0].code == 0
    done, document = reproduced(run["run_id"], "--latest-code", "--ignore", "run.*")
    assert states(document) == {"big": "same", "logged: log.json": "differs", "out.json": "differs"}
    told = {one["path"]: one["details"] for one in document["runs"][0]["files"]}
    assert told["logged: log.json"] == ["a: 1 -> 2"]
    assert told["out.json"] == ["8 bytes, now 8; no copies were kept to look into"]
    assert document["runs"][0]["ignored"] == ["run.log"]


def test_a_folder_without_history_is_what_it_was_and_is_not_touched(tmp_path: Path) -> None:
    folder = metrics(tmp_path / "p", "cat link > out; touch empty/x; ./tool", data="1\n", tool="#!/bin/sh\ntrue\n")
    (folder / "empty").mkdir()
    (folder / "tool").chmod(0o755)
    (folder / "link").symlink_to("data")
    run = recorded(folder)
    (folder / "data").write_text("2\n")
    before = stamps(folder)

    done, document = reproduced(run["run_id"])
    assert (done.code, states(document)) == (0, {"empty/x": "same", "out": "same"}), done.err
    done, document = reproduced(run["run_id"], "--latest-code")
    assert (done.code, states(document)["out"]) == (1, "differs")
    assert stamps(folder) == before
    assert checkouts() == []

    (folder / "data").unlink()
    folder.rename(tmp_path / "moved")
    again = document["runs"][0]["run_id"]
    assert reproduced(again)[0].code == 0, "a reproduction can be reproduced, wherever the folder is now"
    assert reproduced(run["run_id"], "--latest-code")[0].code == 66


def test_how_a_run_ended_is_reproduced_too(tmp_path: Path) -> None:
    failing = recorded(metrics(tmp_path / "p", "exit 3"))
    done, document = reproduced(failing["run_id"])
    assert done.code == 0 and document["runs"][0]["exit_code"] == 3
    assert (
        document["runs"][0]["summary"]
        == "reproduced: it ended the same way, and left no metrics and no files to compare"
    )
    slow = recorded(metrics(tmp_path / "slow", "sleep 20"), "--timeout", "0.5")
    done, document = reproduced(slow["run_id"])
    assert (done.code, document["runs"][0]["status"], document["runs"][0]["exit_code"]) == (0, "KILLED", 124)
    other = metrics(tmp_path / "other", "test -e marker")
    commit(other, {"marker": ""})
    run = recorded(other)
    (other / "marker").unlink()
    commit(other, {})
    done, document = reproduced(run["run_id"], "--latest-code")
    assert done.code == 1 and "FAILED with exit code 1" in document["runs"][0]["ending"]


def test_files_that_git_ignores_are_named_where_a_run_may_lack_them(tmp_path: Path) -> None:
    folder = metrics(tmp_path / "repo" / "p", "cat data/x > out")
    commit(tmp_path / "repo", {".gitignore": "data/\nout\n__pycache__\n"})
    for name in ("data/x", "__pycache__/y"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("1")
    run = recorded(folder)
    done, document = reproduced(run["run_id"])
    assert (done.code, document["lacking"]) == (1, ["p/data"])
    assert "it may lack what Git ignores in the folder: p/data\n" in mlproj("reproduce", run["run_id"]).out
    assert reproduced(run["run_id"], "--latest-code")[1]["lacking"] == []


def test_what_cannot_be_tried_says_why(tmp_path: Path) -> None:
    assert reproduced("nothing")[0].code == 2
    run = recorded(metrics(tmp_path / "p", "true"))
    plan = paths.run_dir(run["run_id"]) / "plan.json"
    for text in ("{}", "[" * 100_000, plan.read_text().replace('"params": {', '"params": 3, "x": {')):
        plan.write_text(text)
        done, document = reproduced(run["run_id"])
        assert done.code == 2 and "cannot be read" in document["error"]["message"], text[:50]
    plan.unlink()
    assert mlproj("reproduce", run["run_id"]).err.startswith("error: nothing is recorded of how the run ")


def test_the_variables_that_change_results_are_those_of_then(tmp_path: Path) -> None:
    folder = metrics(tmp_path / "p", 'echo "$PYTHONHASHSEED/$OMP_NUM_THREADS/$OTHER" > out')
    run = recorded(folder, "--inject-run-id", env={"PYTHONHASHSEED": "7", "OTHER": "a"})
    done, document = reproduced(run["run_id"], env={"OMP_NUM_THREADS": "3", "OTHER": "a"})
    assert done.code == 0, done.out
    again = shown(document["runs"][0]["run_id"])
    assert again["environment"]["machine"]["variables"].get("PYTHONHASHSEED") == "7"
    assert json.loads(kept(again, "plan.json"))["plan"]["options"]["inject_run_id"] is True


def test_children_are_compared_and_last_is_the_run_that_they_belong_to(tmp_path: Path) -> None:
    text = (
        "entry_points:\n  main: {command: 'mlproj run . -e part -P n=1; mlproj run . -e part -P n=2'}\n"
        "  part: {parameters: {n: int}, command: 'echo m=$(cat value{n}) >> $MLPROJ_METRICS'}\n"
    )
    folder = project(tmp_path / "p", text, value1="1", value2="2")
    commit(folder, {})
    run = recorded(folder)
    done, document = reproduced("last")
    assert (done.code, document["of"]["run_id"]) == (0, run["run_id"])
    assert states(document) == {"child 1: m": "same", "child 2: m": "same"}
    commit(folder, {"value2": "3"})
    _, document = reproduced(run["run_id"], "--latest-code")
    assert states(document) == {"child 1: m": "same", "child 2: m": "differs"}


def test_rerun_changes_what_is_given_and_keeps_the_rest(tmp_path: Path) -> None:
    run = recorded(project(tmp_path / "p", VALUES), "-P", "text=a", "-P", "maybe=7")
    done = mlproj("rerun", run["run_id"], "-P", "text=b", "-P", "api_key=key-by-default", "--json")
    again = done.document["run"]
    assert (done.code, again["params"]) == (0, {**run["params"], "text": "b"})
    assert again["tags"]["mlproj.reruns"] == run["run_id"] and "mlproj.verdict" not in again["tags"]
    assert mlproj("rerun", run["run_id"], "-P", "maybe=x").code == 2
    failing = recorded(metrics(tmp_path / "f", "exit 3"))
    assert mlproj("rerun", failing["run_id"]).code == 3


def test_a_run_done_again_answers_for_servers_as_it_did_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    def modes(run: dict[str, Any], *options: str) -> list[str]:
        document = mlproj("rerun", run["run_id"], *options, "--json").document
        _, verdict = reproduced(run["run_id"], *options)
        new = (document["run"]["run_id"], verdict["runs"][0]["run_id"])
        return [json.loads((paths.run_dir(one) / paths.PLAN).read_text())["plan"]["options"]["stand_in"] for one in new]

    plain, without = (
        recorded(metrics(tmp_path / "p", "true")),
        recorded(metrics(tmp_path / "q", "true"), "--no-stand-in"),
    )

    assert (modes(plain), modes(without)) == (["auto"] * 2, ["off"] * 2)
    assert (modes(plain, "--no-stand-in"), modes(without, "--stand-in=always")) == (["off"] * 2, ["always"] * 2)


def test_reports_have_a_case_for_each_thing_that_was_compared(tmp_path: Path) -> None:
    run = recorded(metrics(tmp_path / "p", "echo a=1 >> $MLPROJ_METRICS; date +%N > out"))
    done = mlproj(
        "reproduce",
        run["run_id"],
        "--times",
        "2",
        "--no-causes",
        "--junit-xml",
        "r.xml",
        "--summary",
        "s.md",
        cwd=tmp_path,
    )
    assert done.code == 1
    cases = {
        case.get("name"): [child.tag for child in case]
        for case in ElementTree.parse(tmp_path / "r.xml").iter("testcase")
    }
    assert cases["run 1: ending"] == [] and cases["run 2: metric a"] == [] and cases["run 2: file out"] == ["failure"]
    assert cases["the runs are alike"] == ["failure"] and "not reproduced" in (tmp_path / "s.md").read_text()
    assert mlproj("reproduce", "nothing", "--junit-xml", "r.xml", cwd=tmp_path).code == 2
    assert [child.tag for case in ElementTree.parse(tmp_path / "r.xml").iter("testcase") for child in case] == ["error"]
