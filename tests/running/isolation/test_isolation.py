"""Where a command is put: chosen once, one protocol for every kind, and the line asks for none of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlproj.backends.base import Job
from mlproj.environments.base import START_SIGN, ContainerLaunch, Declaration, Description, Folders, Network, Prepared
from mlproj.foundation.progress import Silent
from mlproj.projects.base import Command, Input
from mlproj.running import isolation, runner
from mlproj.running.isolation.base import HERE, Isolation, Reach
from mlproj.running.isolation.contained import Contained, contained_job, folders_of
from mlproj.running.isolation.direct import Direct
from mlproj.running.isolation.sandbox import describe
from mlproj.running.isolation.sandboxed import Sandboxed
from mlproj.sources.base import Checkout

COMMAND = Command("main", "python train.py", {})
BRIDGE = Network("172.17.0.1", "host.docker.internal")


class Box:
    """A container runtime that notes what it is asked for."""

    network = BRIDGE
    entry_point = '["/bin/echo"]'

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def create(self, command: str, variables: Mapping[str, str], folders: Folders, run_id: str) -> ContainerLaunch:
        self.given = {"command": command, "variables": dict(variables), "folders": folders, "run_id": run_id}
        return ContainerLaunch(("box", "start"), {"OF": "box"}, ("box", "rm"))

    def pid(self, run_id: str) -> int | None:
        return 7

    def send_signal(self, run_id: str, signal_number: int) -> bool:
        return signal_number == 15

    def remove(self, run_id: str) -> str | None:
        return "out of memory"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, tmp_path, True, lambda _file: None, lambda: None)


def description(kind: str, not_confined: tuple[str, ...] | None = None) -> Description:
    return Description(kind, "docker", Declaration("none"), not_confined=not_confined)


@pytest.mark.parametrize(
    ("kind", "is_sandbox", "expected"),
    [
        ("system", False, Direct),
        ("python", True, Sandboxed),
        ("container", False, Contained),
        ("container", True, Contained),
    ],
)
def test_a_kind_is_chosen_by_the_environment_and_the_wish_for_a_sandbox(
    checkout: Checkout, kind: str, is_sandbox: bool, expected: type
) -> None:
    assert type(isolation.choose(description(kind), checkout, COMMAND, is_sandbox=is_sandbox)) is expected


def test_the_protocol_is_small_enough_to_remember() -> None:
    members = {name for name in (*vars(Isolation), *inspect.get_annotations(Isolation)) if not name.startswith("_")}
    assert members == {"writes_here", "network", "inherited", "isolated"}


def test_the_line_names_no_kind() -> None:
    source = inspect.getsource(runner)
    assert not any(
        name in source for name in ("Direct", "Sandboxed", "Contained", "container_runtime", "bubblewrap", "container")
    )


def test_a_direct_command_inherits_all_but_what_belongs_to_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.setenv("MLFLOW_RUN_ID", "a" * 32)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2")

    environ = Direct().inherited(Prepared(variables={"OF": "environment"}))

    assert (environ["MINE"], environ["OF"]) == ("1", "environment")
    assert not environ.keys() & {"MLFLOW_RUN_ID", "MLFLOW_TRACKING_PASSWORD"}


def test_a_sandboxed_command_inherits_no_secrets_and_no_hidden_places(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MINE": "1", "API_TOKEN": "hunter2", "TMPDIR": "/somewhere"}.items():
        monkeypatch.setenv(name, value)

    environ = Sandboxed(checkout, COMMAND).inherited(Prepared())

    assert environ["MINE"] == "1" and not environ.keys() & {"API_TOKEN", "TMPDIR"}


def test_a_contained_command_inherits_what_its_environment_sets_and_nothing_else(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "1")

    environ = Contained(checkout, COMMAND, is_sandbox=False).inherited(Prepared(variables={"OF": "environment"}))

    assert environ == {"OF": "environment"}


def test_only_a_container_has_a_network_of_its_own(checkout: Checkout) -> None:
    prepared = Prepared(container_runtime=Box())

    assert Contained(checkout, COMMAND, is_sandbox=False).network(prepared) == BRIDGE
    assert Direct().network(prepared) == Sandboxed(checkout, COMMAND).network(prepared) == HERE


def test_a_job_in_a_container_is_ended_signalled_and_found_through_it(tmp_path: Path) -> None:
    box, seen = Box(), []
    given = {"A": "1", "MLPROJ_HOME": "/here"}
    job = Job("r" * 32, ("bash", "-c", "x"), tmp_path, given, tmp_path, on_lasting=seen.append)

    inside = contained_job(job, box, "x", Folders(tmp_path))
    assert inside.on_lasting and inside.on_end and inside.send_signal
    inside.on_lasting(1)

    assert (inside.argv, inside.environ, inside.cleanup_argv) == (("box", "start"), {"OF": "box"}, ("box", "rm"))
    assert box.given["variables"] == {"A": "1"}  # folders of this machine mean nothing there
    assert seen == [7] and inside.on_end() == "out of memory" and inside.send_signal(15)
    assert not inside.is_measured  # what runs here only starts it


def test_a_command_in_a_container_gives_its_sign_where_the_file_is_seen_there(tmp_path: Path) -> None:
    box, sign = Box(), tmp_path / "not-started"
    contained_job(Job("r" * 32, ("bash",), tmp_path, {}, tmp_path, start_sign=sign), box, "x y", Folders(tmp_path))

    assert box.given["folders"].start_sign == sign
    assert START_SIGN in box.given["command"] and box.given["command"].endswith("; x y")


def test_a_container_sees_inputs_where_they_are_and_each_folder_once(checkout: Checkout, tmp_path: Path) -> None:
    data = tmp_path.parent / "data.csv"
    command = Command(
        "main",
        "x",
        {},
        inputs=(Input("a", "data.csv", data, None, None), Input("b", "in", tmp_path / "in", None, None)),
    )
    reach = Reach(tmp_path.parent / "run", tmp_path.parent / "run" / "artifacts", 1, None)

    folders = folders_of(checkout, command, reach, None, is_sandbox=False)

    assert folders.writable == (reach.run_dir, tmp_path) and folders.readable == (data,)


def test_a_sandbox_says_who_makes_it_and_what_it_leaves_open() -> None:
    command = Command("main", "x", {}, inputs=(Input("a", "d", Path("/data/d"), None, None),))
    ours, engine = (
        describe(description("python"), command),
        describe(description("container", ("the engine is root",)), command),
    )

    assert (ours.by, engine.by) == ("bubblewrap", "docker")
    assert any(line.startswith("building the environment is not confined") for line in ours.not_confined)
    assert engine.not_confined == ("the engine is root", "/data/d is visible, because parameter a names it")


def test_a_direct_job_is_handed_over_as_it_is(tmp_path: Path) -> None:
    job = Job("r" * 32, ("true",), tmp_path, {}, tmp_path)
    with Direct().isolated(job, Prepared(), Reach(tmp_path, tmp_path, 1, None), Silent()) as place:
        assert place() is job
