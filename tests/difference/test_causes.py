from __future__ import annotations

import math
from typing import Any

import pytest

from mlproj import difference
from mlproj.difference import Difference, causes
from mlproj.foundation import paths
from mlproj.tracking.base import Output, Run, Status

MACHINE = {"kernel": "6.1", "variables": {"TZ": "UTC"}}
COMMIT, LATER = "a" * 40, "b" * 40
LOCK = '[[packages]]\nname = "numpy"\nversion = "{}"\n'


def run(name: str, **given: Any) -> Run:
    """A run of which everything is recorded."""
    settings: dict[str, Any] = {
        "status": Status.FINISHED,
        "source": {"kind": "git", "uri": "https://example.org/p.git", "commit": COMMIT, "dirty": False},
        "environment": {"kind": "python", "manager": "uv", "python": "3.10.13", "key": "k", "machine": MACHINE},
        "host": "here",
        "metrics": {"rmse": 0.5},
    }
    return Run(run_id=name * 32, run_name=name, experiment_id="0", experiment_name="Default", **{**settings, **given})


def explained(one: Run, other: Run, before: str | None = "1.26.4", after: str | None = "1.26.4") -> Difference:
    locks = {one.run_id: before, other.run_id: after}
    versions = {run_id: None if version is None else LOCK.format(version).encode() for run_id, version in locks.items()}
    return difference.explain(one, other, lambda asked: versions[asked.run_id])


def verdicts(found: Difference) -> dict[str, str]:
    return {cause.name: cause.verdict for cause in found.likely}


def test_runs_that_are_alike_in_everything_have_no_cause_to_differ() -> None:
    found = explained(run("a"), run("b"))

    assert (found.likely, found.unknown, found.effects) == ((), (), ())
    assert found.conclusion == "the runs came out the same"
    assert [cause.name for cause in found.causes] == [
        "code", "parameters", "inputs", "packages", "python", "environment", "platform", "variables", "leftovers",
    ]  # fmt: skip


def test_each_kind_of_cause_has_its_verdict_in_order_of_likelihood() -> None:
    one = run("a", params={"alpha": "0.5", "same": "x"}, inputs=[{"parameter": "data", "sha256": "11" * 32}])
    other = run(
        "b",
        params={"alpha": "0.1", "same": "x", "note": "new"},
        inputs=[{"parameter": "data", "sha256": "22" * 32}],
        source={"kind": "git", "uri": "https://example.org/p.git", "commit": LATER, "dirty": False},
        environment={
            "kind": "conda", "manager": "rattler", "python": "3.11.4", "key": "l",
            "machine": {"kernel": "6.2", "variables": {}},
        },
        host="there",
        metrics={"rmse": 0.25},
    )  # fmt: skip

    found = explained(one, other, after="2.0.0")

    assert verdicts(found) == {
        "code": f"the code differs: commits {COMMIT[:12]}..{LATER[:12]}",
        "parameters": "2 parameters differ: alpha 0.5 -> 0.1, note added: new",
        "inputs": f"1 input differs: data {'11' * 6} -> {'22' * 6}",
        "packages": "1 package differs: numpy 1.26.4 -> 2.0.0",
        "python": "the Python differs: 3.10.13 -> 3.11.4",
        "environment": "the environment is made differently: kind python -> conda, manager uv -> rattler",
        "platform": "the machine differs: host here -> there, kernel 6.1 -> 6.2",
        "variables": "1 environment variable differs: TZ removed: UTC",
    }
    assert found.conclusion == f"likeliest cause: {', then '.join(verdicts(found))}"


def test_where_nothing_recorded_differs_the_usual_suspects_are_named() -> None:
    found = explained(run("a"), run("b", metrics={"rmse": 0.6}))

    assert (
        found.conclusion
        == "nothing recorded differs that could explain it: look for unset seeds, thread counts, clocks, hash seeds"
    )


def test_what_is_not_recorded_is_not_taken_for_the_same() -> None:
    bare = {"source": {"kind": "folder", "uri": "/p"}, "environment": {"kind": "system"}}

    found = explained(run("a", **bare), run("b", **bare, metrics={"rmse": 0.6}), None, None)

    assert {cause.name for cause in found.unknown} == {"code", "packages", "python", "platform", "variables"}
    assert found.conclusion.endswith("; not recorded, and so not excluded: code, packages, python, platform, variables")


def test_without_locks_an_equal_key_or_image_says_that_packages_are_the_same() -> None:
    (packages,) = (cause for cause in explained(run("a"), run("b"), None, None).causes if cause.name == "packages")

    assert (packages.state, packages.verdict) == (causes.SAME, "the packages are the same: key k")


def test_numbers_are_told_with_how_far_they_are_apart() -> None:
    one = run("a", metrics={"rmse": 0.5, "zero": 0.0, "loss": math.nan, "system/cpu": 1.0, "gone": 1.0})
    other = run("b", metrics={"rmse": 0.4, "zero": 1.0, "loss": 1.0, "system/cpu": 2.0})

    effects = {effect.fact.name: (effect.absolute, effect.relative) for effect in explained(one, other).effects}

    assert effects["rmse"] == (pytest.approx(-0.1), pytest.approx(-0.2))
    assert effects == {"rmse": effects["rmse"], "zero": (1.0, None), "loss": (None, None), "gone": (None, None)}


def test_how_runs_ended_and_what_they_left_are_effects() -> None:
    one = run("a", exit_code=0, outputs=[Output("model", "aa", 3)])
    other = run("b", status=Status.FAILED, status_reason="exit code 3", exit_code=3, outputs=[Output("model", "bb", 3)])

    assert [effect.fact.name for effect in explained(one, other).effects] == ["status", "exit code", "reason", "model"]


PATCH = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+{1}\n"


def dirty(name: str, patch: str | None, **given: Any) -> Run:
    found = run(name, source={"kind": "folder", "uri": "/p", "commit": COMMIT, "dirty": True}, **given)
    if patch is not None:
        paths.write_atomic(paths.run_dir(found.run_id) / "diff.patch", patch)
    return found


def test_uncommitted_changes_are_told_by_the_files_in_which_they_differ() -> None:
    same = PATCH.format("same.py", "x")

    found = explained(
        dirty("a", same + PATCH.format("train.py", "b")), dirty("b", same + PATCH.format("train.py", "c"))
    )

    assert verdicts(found) == {"code": "the code differs: uncommitted changes of train.py"}


def test_uncommitted_changes_that_are_not_here_leave_the_code_in_doubt() -> None:
    found = explained(dirty("a", PATCH.format("train.py", "b")), dirty("b", None))

    assert [(cause.name, cause.verdict) for cause in found.unknown] == [
        ("code", "the code may differ: uncommitted changes are not kept here")
    ]


def test_a_file_that_the_runs_make_is_no_code_but_may_be_read() -> None:
    output = [Output("out.txt", "aa", 3)]

    found = explained(dirty("a", "", outputs=output), dirty("b", PATCH.format("out.txt", "1"), outputs=output))

    assert verdicts(found) == {"leftovers": "files that the runs make were there before, and not the same: out.txt"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("python a.py {}", "python a.py --fast {}", "command python a.py {data} -> python a.py --fast {data}"),
        ("python a.py {}", "python a.py {}", None),
    ],
)
def test_a_command_is_compared_without_the_place_of_the_project(before: str, after: str, said: str | None) -> None:
    given = {"inputs": [{"parameter": "data", "uri": "data.csv", "sha256": "11"}], "params": {"data": "data.csv"}}
    one = run("a", command=before.format("/cache/checkouts/12-0123abcd/data.csv"), **given)
    other = run("b", command=after.format("/home/me/p/data.csv"), **given)

    assert verdicts(explained(one, other)) == ({"code": f"the code differs: {said}"} if said else {})


def test_a_command_that_follows_a_parameter_is_no_other_code() -> None:
    one, other = (run(name, command=f"echo {name}", params={"word": name}) for name in "ab")

    assert list(verdicts(explained(one, other))) == ["parameters"]


def test_entry_points_and_projects_of_one_repository_are_code() -> None:
    source = {
        "kind": "git",
        "uri": "https://example.org/p.git",
        "commit": COMMIT,
        "dirty": False,
        "subdirectory": "sub",
    }

    found = explained(
        run("a", entry_point="train", command="x"), run("b", entry_point="evaluate", command="y", source=source)
    )

    assert verdicts(found) == {"code": "the code differs: project at the top -> sub; entry point train -> evaluate"}


def test_many_facts_and_long_values_are_told_in_short() -> None:
    one = run("a", params={f"p{index}": "1" for index in range(8)} | {"p0": "x" * 100 + "end\none"})
    other = run("b", params={f"p{index}": "2" for index in range(8)} | {"p0": "x" * 100 + "end\ntwo"})

    verdict = verdicts(explained(one, other))["parameters"]

    assert verdict.startswith("8 parameters differ: p0 …xxxxxxxxxxxend one -> …xxxxxxxxxxxend two, p1 1 -> 2")
    assert verdict.endswith(" and 3 more")
