"""``mlproj export --ro-crate``: what others take for a crate, whole, the same each time, and without secrets."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status
from tests.cli.conftest import Cli
from tests.export.ro_crate import validation
from tests.program import mlproj, project
from tests.sources import repository

pytestmark = pytest.mark.needs("rocrate")

WINE = """name: wine
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5, description: strength}
      data: {type: path, default: data.csv}
      api_key: {type: string, default: hunter2-hunter2}
    command: "python3 train.py {alpha} {data}"
"""
TRAIN = """import os, sys
os.makedirs("out dir", exist_ok=True)
open("model.txt", "w").write("model of " + sys.argv[1])
open("out dir/ä #1?.txt", "w").write("x")
open(os.environ["MLPROJ_METRICS"], "a").write("rmse=0.25\\nloss=nan\\n")
open(os.path.join(os.environ["MLPROJ_ARTIFACTS"], "plot.png"), "w").write("png")
print("see https://ann:s3cret@example.org/data")
"""
# What the profiles recommend and a run does not know.
UNKNOWN = {
    "The Application SHOULD have a url",  # of mlproj, and of a project in a folder
    "The Main Workflow SHOULD comply with Bioschemas ComputationalWorkflow profile version 1.0 or later",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
    # Asked of crates that have none, and of the class instead of its instances.
    "The README.md SHOULD be about the crate",
    "The README.md SHOULD have text/markdown as its encodingFormat",
    "The SoftwareApplication id SHOULD be an absolute URI",
}


@dataclass(frozen=True)
class Exported:
    """A run of a project with uncommitted changes, exported as a folder."""

    env: dict[str, str]
    crate: Path

    def entity(self, id: str) -> dict[str, Any]:
        return entities(self.crate)[id]


def entities(crate: Path) -> dict[str, dict[str, Any]]:
    return {one["@id"]: one for one in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}


def of_type(crate: Path, kind: str) -> dict[str, Any]:
    (found,) = [one for one in entities(crate).values() if one["@type"] == kind]
    return found


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    base = tmp_path_factory.mktemp("crate")
    env = {"MLPROJ_HOME": str(base / "home"), "MLPROJ_CACHE": str(base / "cache"), "HOME": str(base)}
    folder = project(base / "wine", WINE, train__py=TRAIN, data__csv="1,2\n", LICENSE="Do what you want.\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
            patch.setenv(name, "ann@example.org")
        repository.commit(folder, {})
    (folder / "train.py").write_text(TRAIN + "# changed\n")
    assert mlproj("run", folder, "--env-manager", "local", "-P", "extra=1", "--run-name", "wine-1", env=env).code == 0
    assert mlproj("export", "wine-1", "--ro-crate", base / "crate", env=env).code == 0
    yield Exported(env, base / "crate")


def recorded(**options: Any) -> Run:
    """A run that no project was behind, with one artifact."""
    with closing(tracking.open()) as store:
        run = store.create_run(NewRun(**{"run_name": "one", "start_time": 1_700_000_000_000, "user": "ann", **options}))
        file = artifacts_of(run) / "model.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"model")
        store.log(run.run_id, metrics=[Metric("rmse", 0.5, 1_700_000_000_000)])
        store.update_run(run.run_id, RunChanges(status=Status.FINISHED, end_time=1_700_000_001_000))
        return store.get_run(run.run_id)


def artifacts_of(run: Run) -> Path:
    return Path(unquote(urlsplit(run.artifact_uri).path))


def test_the_validator_of_the_profiles_finds_nothing_that_is_required_and_missing(
    exported: Exported, tmp_path: Path
) -> None:
    found = validation.issues(exported.crate, tmp_path, "workflow-run-crate")

    assert {message for severity, message in found if severity == "REQUIRED"} == set()
    assert {message for _severity, message in found if "uses scheme 'ni'" not in message} <= UNKNOWN


def test_another_library_reads_it(exported: Exported) -> None:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(exported.crate)

    (action,) = [entity for entity in crate.root_dataset["mentions"] if entity.type == "CreateAction"]
    assert action["instrument"] is crate.mainEntity
    assert crate.mainEntity["programmingLanguage"]["name"] == "MLproject"
    assert {made["name"]: made.get("value") for made in action["result"] if made.type == "PropertyValue"}.items() >= {
        ("rmse", 0.25),
        ("loss", "NaN"),
    }


def test_every_file_is_there_with_the_hash_that_is_told_and_no_other(exported: Exported) -> None:
    there = {file.relative_to(exported.crate).as_posix(): file for file in exported.crate.rglob("*") if file.is_file()}
    told = {
        unquote(id): one
        for id, one in entities(exported.crate).items()
        if "File" in one["@type"] and not id.startswith("ni:")
    }

    assert there.keys() - {"ro-crate-metadata.json"} == told.keys()
    assert told.keys() >= {
        "MLproject",
        "LICENSE",
        "run/plan.json",
        "run/diff.patch",
        "run/output.log",
        "artifacts/plot.png",
    }
    assert told.keys() >= {"artifacts/outputs/model.txt", "artifacts/outputs/out dir/ä #1?.txt"}
    for path, one in told.items():
        content = there[path].read_bytes()
        assert (one["sha256"], one["contentSize"]) == (hashlib.sha256(content).hexdigest(), str(len(content)))


def test_parameters_inputs_and_the_action_are_told(exported: Exported) -> None:
    action = of_type(exported.crate, "CreateAction")
    given = [entities(exported.crate)[one["@id"]] for one in action["object"]]
    values = {one["name"]: one for one in given}

    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus" and "error" not in action
    assert action["startTime"].endswith("+00:00") and action["endTime"] >= action["startTime"]
    assert exported.entity(action["agent"]["@id"])["@type"] == "Person"
    assert (values["alpha"]["value"], values["alpha"]["exampleOfWork"]) == ("0.5", {"@id": "#parameter/alpha"})
    assert exported.entity("#parameter/alpha")["additionalType"] == "Float"
    assert "exampleOfWork" not in values["extra"]
    assert values["data.csv"]["sha256"] == hashlib.sha256(b"1,2\n").hexdigest()
    assert (values["data.csv"]["contentSize"], exported.entity("#parameter/data")["additionalType"]) == ("4", "File")
    assert (
        len(exported.entity("MLproject")["version"]) == 40
        and "uncommitted" in exported.entity("MLproject")["description"]
    )
    assert exported.entity("#mlproj")["softwareVersion"]


def test_no_secret_goes_along(exported: Exported) -> None:
    everything = b"".join(file.read_bytes() for file in exported.crate.rglob("*") if file.is_file())

    assert b"hunter2" not in everything and b"s3cret" not in everything
    assert b"https://****@example.org" in (exported.crate / "run" / "output.log").read_bytes()


def test_the_same_run_makes_the_same_archive(exported: Exported, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        assert mlproj("export", "wine-1", "--ro-crate", tmp_path / name, env=exported.env).code == 0

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        for name in archive.namelist():
            assert archive.read(name) == (exported.crate / name).read_bytes()


def test_what_is_there_is_not_replaced_without_being_told(cli: Cli, tmp_path: Path) -> None:
    recorded()
    for place in (tmp_path / "crate", tmp_path / "crate.zip"):
        assert cli("export", "one", "--ro-crate", place).code == 0
        refused = cli("export", "one", "--ro-crate", place)
        assert (refused.code, "--force" in refused.err) == (2, True)
        assert cli("export", "one", "--ro-crate", place, "--force").code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["crate", "crate.zip"]


def test_what_is_no_crate_is_never_replaced(cli: Cli, tmp_path: Path) -> None:
    recorded()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("1")
    (tmp_path / "data.zip").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "thesis")

    for name in ("thesis", "data.zip", "link"):
        assert cli("export", "one", "--ro-crate", tmp_path / name, "--force").code == 2
    assert (tmp_path / "thesis" / "chapter").read_text() == "1" and (tmp_path / "data.zip").read_text() == "precious"


def test_a_run_without_a_project_is_a_process_run_crate(cli: Cli, tmp_path: Path) -> None:
    recorded()
    cli("export", "one", "--ro-crate", tmp_path / "crate", "--license", "CC-BY-4.0")

    found = validation.issues(tmp_path / "crate", tmp_path, "process-run-crate")
    assert {message for severity, message in found if severity == "REQUIRED"} == set()
    root = entities(tmp_path / "crate")["./"]
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}


def test_packages_and_the_image_are_told_and_a_broken_lock_is_only_kept(cli: Cli, tmp_path: Path) -> None:
    image = {
        "name": "registry.example.org/team/base:1",
        "id": "sha256:1",
        "digest": f"registry.example.org/team/base@sha256:{'ab' * 32}",
    }
    sound = recorded(run_name="sound", environment={"lock": "pylock.toml", "python": "3.11.7", "image": image})
    broken = recorded(run_name="broken", environment={"lock": "pylock.toml"})
    for run, lock in ((sound, '[[packages]]\nname = "six"\nversion = "1.16.0"\n'), (broken, "[[packages")):
        paths.write_atomic(paths.run_dir(run.run_id) / "pylock.toml", lock)
        assert cli("export", run.run_id, "--ro-crate", tmp_path / run.run_name).code == 0

    program = entities(tmp_path / "sound")["#program"]
    assert program["softwareRequirements"] == [{"@id": "#python"}, {"@id": "pkg:pypi/six@1.16.0"}]
    described = of_type(tmp_path / "sound", "ContainerImage")
    assert (described["registry"], described["name"], described["tag"]) == ("registry.example.org", "team/base", "1")
    assert described["sha256"] == "ab" * 32
    assert (tmp_path / "broken" / "run" / "pylock.toml").read_text() == "[[packages"


def test_a_failed_run_says_why(cli: Cli, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", 'entry_points: {main: {command: "echo no >&2; exit 3"}}\n')
    assert mlproj("run", folder).code == 3
    cli("export", "last", "--ro-crate", tmp_path / "crate")

    action = of_type(tmp_path / "crate", "CreateAction")
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert "exit code 3" in action["error"] and "(exit code 3)" in action["description"]
    assert entities(tmp_path / "crate")["./"]["license"] == {"@id": "#no-licence"}


def test_what_is_left_out_is_said_and_described(cli: Cli, tmp_path: Path) -> None:
    run = recorded()
    (artifacts_of(run) / "big.bin").write_bytes(b"0" * 2000)
    (artifacts_of(run) / "back\\slash\nname").write_text("x")
    (artifacts_of(run) / "link").symlink_to("/etc/hostname")
    (artifacts_of(run) / "outputs").mkdir(exist_ok=True)
    (artifacts_of(run) / "outputs" / "caf\udce9").write_text("x")  # of no UTF-8
    outputs = [Output("huge.bin", "ab" * 32, 10**12, kept=False), Output("caf\udce9", "cd" * 32, 1)]
    with closing(tracking.open()) as store:
        store.update_run(run.run_id, RunChanges(outputs=outputs))

    done = cli("export", "one", "--ro-crate", tmp_path / "crate", "--max-file-size", "1kB", "--json")

    assert done.code == 0 and "big.bin, larger than 1.0 kB" in done.err
    left = sorted(one["path"] for one in done.document["left"])
    assert left == ["back\\slash\nname", "big.bin", "outputs/caf\\udce9", "outputs/huge.bin"]
    absent = {one["name"]: one for one in entities(tmp_path / "crate").values() if one["@id"].startswith("ni:")}
    assert absent["big.bin"]["sha256"] == hashlib.sha256(b"0" * 2000).hexdigest()
    assert absent["outputs/huge.bin"]["contentSize"] == "1000000000000"
    assert [file.name for file in (tmp_path / "crate" / "artifacts").rglob("*")] == ["model.bin"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing", "--ro-crate", "crate"], "nothing"),
        (["one", "--ro-crate", "missing/crate"], "there is no folder"),
        (["one", "--ro-crate", "crate", "--license", "my own"], "no licence"),
        (["one", "--ro-crate", "crate", "--max-file-size", "big"], "no size"),
        (["one"], "--ro-crate"),
        (["busy", "--ro-crate", "crate"], "goes on"),
        (["elsewhere", "--ro-crate", "crate"], "cannot be reached"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left_behind(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded()
    with closing(tracking.open()) as store:
        store.create_run(NewRun(run_name="busy", status=Status.RUNNING))
        store.create_run(NewRun(run_name="elsewhere", status=Status.FINISHED, artifact_uri="odd://place"))

    refused = cli("export", *arguments)

    assert refused.code == 2 and told in refused.err
    assert list(tmp_path.iterdir()) == []


def test_the_definition_is_kept_with_the_run_as_it_was(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", 'entry_points: {main: {command: "true"}}\n')
    mlproj("run", folder)
    (folder / "MLproject").write_text("entry_points: {main: {command: 'false'}}\n")
    run_id = mlproj("runs", "show", "last", "--json").document["run"]["run_id"]

    assert (paths.run_dir(run_id) / "MLproject").read_text() == 'entry_points: {main: {command: "true"}}\n'
