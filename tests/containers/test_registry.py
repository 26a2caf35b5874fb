"""Images from a real registry on this machine: pulled when missing, pinned by what they are, told when they cannot be
had."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from mlproj.foundation import paths
from tests.containers.base_image import TAG
from tests.containers.conftest import asked, containers, insecure
from tests.containers.slow_line import SlowLine
from tests.containers.test_run import run_json
from tests.program import mlproj, project, start


def derived(engine: str, name: str, text: str, tmp_path: Path, *, size: int = 0) -> None:
    """Push an image with a file ``/which`` that holds *text*, and one of *size* bytes that do not get smaller, and
    forget it here."""
    (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nRUN echo {text} > /which; head -c {size} /dev/urandom > /big\n")
    asked(engine, "build", "--quiet", "--tag", name, "--file", str(tmp_path / "Dockerfile"), str(tmp_path))
    asked(engine, "push", "--quiet", name)
    asked(engine, "rmi", "--force", name)


@pytest.mark.needs("docker-registry")
def test_an_image_is_pulled_when_it_is_missing_and_pinned_by_its_digest(
    engine: str, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/team/image:1"
    derived(engine, name, "first", tmp_path)
    text = f"docker_env: {{image: '{name}'}}\nentry_points: {{main: {{command: 'cat /which'}}}}\n"
    folder = project(tmp_path / "p", text)
    assert mlproj("run", folder, "--offline").code == 73

    _, run = run_json(folder)
    image = run["environment"]["image"]
    assert output(run) == "first\n" and run["environment"]["reused"] is False
    assert image["digest"].startswith(f"{registry}/team/image@sha256:")

    derived(engine, name, "second", tmp_path)  # the tag moves
    pinned = project(tmp_path / "pinned", text.replace(name, image["digest"]))
    _, again = run_json(pinned)
    assert output(again) == "first\n" and again["environment"]["image"]["id"] == image["id"]
    _, newer = run_json(folder)
    assert output(newer) == "second\n" and newer["environment"]["image"]["digest"] != image["digest"]
    _, there = run_json(folder)
    assert there["environment"]["reused"] is True

    derived_again = f"{registry}/team/image:1"
    asked(engine, "pull", "--quiet", derived_again)
    always = project(tmp_path / "always", text.replace(f"'{name}'", f"'{name}', pull: always"))
    _, asked_anew = run_json(always)
    assert output(asked_anew) == "second\n" and asked_anew["environment"]["reused"] is False
    for one in (name, image["digest"]):
        subprocess.run([engine, "rmi", "--force", one], capture_output=True, check=False)


def output(run: dict[str, str]) -> str:
    return (paths.run_dir(run["run_id"]) / "output.log").read_text()


@pytest.mark.needs("docker-registry")
def test_an_image_that_the_registry_has_not_is_told(engine: str, registry: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{registry}/none:1'}}\nentry_points: {{main: {{command: 'true'}}}}\n"
    done = mlproj("run", project(tmp_path / "p", text))
    assert done.code == 73 and "cannot be pulled" in done.err and "the spelling of its name" in done.err
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "FAILED"


@pytest.mark.needs("docker-registry")
def test_a_kill_in_mid_pull_leaves_nothing_half(
    engine: str, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived(engine, f"{registry}/team/slow:1", uuid4().hex, tmp_path, size=4_000_000)
    with SlowLine(int(registry.rpartition(":")[2]), before=1_000_000) as line:
        insecure(line.port, tmp_path, monkeypatch)
        name = f"127.0.0.1:{line.port}/team/slow:1"
        text = f"docker_env: {{image: '{name}'}}\nentry_points: {{main: {{command: 'wc -c < /big'}}}}\n"
        folder = project(tmp_path / "p", text)
        with start("run", folder) as process:
            assert line.stopped.wait(30), process.poll()
            process.kill()
            process.communicate()
        assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "KILLED"
        assert name not in asked(engine, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        with start("run", folder, "-q") as process:  # while what the killed one began may still go on
            line.go_on()
            assert process.communicate(timeout=60)[0] == b"4000000\n"
    assert [run["status"] for run in mlproj("runs", "list", "--json").document["runs"]] == ["FINISHED", "KILLED"]
    asked(engine, "rmi", "--force", name)
    assert containers(engine) == []
