from __future__ import annotations

import math
from typing import Any

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import DatasetInput, Output, Run, Status
from mlproj.tracking.comparison import Fact, compare, locked_packages

LOCK = """
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "{version}"
[[packages]]
name = "local"
directory = {{ path = "." }}
"""


def run(name: str, **given: Any) -> Run:
    return Run(
        run_id=name * 32, run_name=name, experiment_id="0", experiment_name="Default", status=Status.FINISHED, **given
    )


def facts(*runs: Run) -> dict[tuple[str, str], Fact]:
    return {(fact.section, fact.name): fact for fact in compare(runs, lambda _run: None)}


def test_each_kind_of_difference_is_named() -> None:
    one = run(
        "a",
        params={"alpha": "1", "same": "x"},
        metrics={"rmse": 0.5},
        tags={"team": "wine", "mlflow.user": "me"},
        source={"commit": "abc", "uri": "u", "dirty": False},
        environment={"python": "3.10", "key": "k1"},
        inputs=[{"parameter": "data", "sha256": "11"}],
        outputs=[Output("model", "aa", 3)],
        datasets=[DatasetInput("d", "digest1", "local", "{}")],
    )
    other = run(
        "b",
        params={"alpha": "2", "same": "x"},
        metrics={"rmse": 0.25},
        source={"commit": "def", "uri": "u", "dirty": False},
        environment={"python": "3.10", "key": "k2"},
        inputs=[{"parameter": "data", "sha256": "22"}],
        outputs=[Output("model", None, 3, kept=False)],
        datasets=[DatasetInput("d", "digest2", "local", "{}")],
    )

    differing = {name: fact.values for name, fact in facts(one, other).items() if fact.differs}

    assert differing == {
        ("code", "commit"): ("abc", "def"),
        ("parameters", "alpha"): ("1", "2"),
        ("inputs", "data"): ("11", "22"),
        ("inputs", "dataset d"): ("digest1", "digest2"),
        ("environment", "key"): ("k1", "k2"),
        ("metrics", "rmse"): (0.5, 0.25),
        ("outputs", "model"): ("aa", "3 bytes"),
        ("tags", "team"): ("wine", None),
    }


def test_not_a_number_twice_is_no_difference_and_json_can_hold_it() -> None:
    fact = facts(run("a", metrics={"loss": math.nan}), run("b", metrics={"loss": math.nan}))["metrics", "loss"]
    assert fact.values == ("NaN", "NaN") and not fact.differs


def test_packages_come_from_the_recorded_locks() -> None:
    locks = {name: LOCK.format(version=version).encode() for name, version in (("a", "1.0"), ("b", "2.0"))}
    found = {
        fact.name: fact
        for fact in compare([run("a"), run("b")], lambda one: locks[one.run_name])
        if fact.section == "packages"
    }
    assert found["numpy"].values == ("1.0", "2.0") and found["numpy"].differs
    assert not found["local"].differs


def test_packages_of_r_are_those_of_its_lock() -> None:
    assert locked_packages(run("a"), b'{"Packages": {"mime": {"Version": "0.7"}, "stats": {"Source": "R"}}}') == {
        "mime": "0.7"
    }


def test_a_lock_that_is_gone_is_no_error_and_a_broken_one_is_told() -> None:
    assert locked_packages(run("a"), None) == {}
    for broken in (b"packages = 3", b"\xff", b"[[packages]]", b"{", b'{"Packages": []}'):
        with pytest.raises(UsageError, match="recorded lock of the run .* cannot be read"):
            locked_packages(run("a"), broken)


def test_more_than_two_runs_are_compared_at_once() -> None:
    three = [run(name, params={"alpha": value}) for name, value in (("a", "1"), ("b", "1"), ("c", "2"))]
    assert facts(*three)["parameters", "alpha"] == Fact("parameters", "alpha", ("1", "1", "2"))


def test_machines_variables_and_images_are_compared_and_checkouts_that_each_run_has_for_itself_are_not() -> None:
    def one(name: str, kernel: str, image: str, checkout: str) -> Run:
        machine = {"kernel": kernel, "gpus": ["A", "B"], "variables": {"TZ": kernel}}
        place = f"/cache/checkouts/{checkout}/data.csv"
        environment = {"machine": machine, "image": {"id": image}}
        return run(name, host=name, command=f"cat {place}", params={"data": place}, environment=environment)

    found = facts(one("a", "5", "i1", "12-0123abcd"), one("b", "6", "i2", "345-abcdef01"))

    assert {name for name, fact in found.items() if fact.differs} == {
        ("environment", "image"), ("machine", "host"), ("machine", "kernel"), ("variables", "TZ"),
    }  # fmt: skip
    assert found["machine", "gpus"].values == ("A, B", "A, B")
