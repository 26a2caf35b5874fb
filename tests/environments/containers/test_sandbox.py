"""What a project and its user may ask of a container under --sandbox; no engine is needed for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.base import Request
from mlproj.environments.containers import sandbox
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.settings import Settings
from mlproj.foundation.errors import Place, UsageError

PLACE = Place("MLproject", 2, 1)


def read(folder: Path, options: dict[str, Any], **fields: Any) -> Settings:
    return sandbox.read(
        {"image": "x", **options}, Request(project_dir=folder, root=folder.parent, sandbox=True, **fields), PLACE
    )


@pytest.mark.parametrize(
    "written",
    [
        "/etc:/etc",
        "~:/home",
        "$HOME/.ssh:/keys",
        "../other:/other",
        "/:/host",
        "linked:/data",
        "database:/data",
        "linked/x:/x:ro",
    ],
)
def test_what_is_outside_of_the_project_is_not_mounted(tmp_path: Path, written: str) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "linked").symlink_to("/var")
    with pytest.raises(UsageError) as refused:
        read(tmp_path / "p", {"volumes": [written]})
    assert refused.value.place == PLACE and "--sandbox shows nothing" in refused.value.message


def test_folders_of_the_project_are_mounted_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "p" / "data").mkdir(parents=True)
    (tmp_path / "p" / "link").symlink_to("data")
    wanted = read(tmp_path / "p", {"volumes": ["./data:/data:ro", "link:/link", "/only/there", "$(pwd)/new:/new"]})
    here = tmp_path / "p"
    assert wanted.volumes == (f"{here}/data:/data:ro", f"{here}/data:/link", "/only/there", f"{here}/new:/new")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "network",
            "net",
            "privileged",
            "volume",
            "v",
            "mount",
            "volumes-from",
            "pid",
            "ipc",
            "uts",
            "userns",
            "cgroupns",
            "cap-add",
        ),
        *(
            "device",
            "device-cgroup-rule",
            "security-opt",
            "runtime",
            "user",
            "u",
            "env-file",
            "env-host",
            "e",
            "publish",
            "add-host",
        ),
        *("group-add", "sysctl", "cgroup-parent", "init-path", "pod", "rootfs", "secret", "tmpfs", "no-such-option"),
    ],
)
def test_options_of_the_engine_that_may_open_it_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"-A {name}$") as refused:
        read(tmp_path, {}, docker_args={name: "x"})
    assert refused.value.hint and "memory" in refused.value.hint


def test_limits_are_passed_on(tmp_path: Path) -> None:
    assert read(tmp_path, {}, docker_args={"memory": "1g", "m": "1g"}).arguments == ("--memory=1g", "-m", "1g")


@pytest.mark.parametrize("options", [{"user": "image"}, {"user": "0:0"}, {"build": {"context": ".."}}])
def test_another_user_and_other_files_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "Dockerfile").touch()
    with pytest.raises(UsageError, match="--sandbox") as refused:
        read(tmp_path / "p", options)
    assert refused.value.place == PLACE


def test_secrets_of_here_are_withheld_whether_they_are_set_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("DATABASE", "postgres://ann:pass@host/x")
    monkeypatch.setenv("MODE", "fast")
    wanted = read(
        tmp_path,
        {
            "environment": [
                "AWS_SECRET_ACCESS_KEY",
                "DATABASE",
                "HF_TOKEN",
                "MODE",
                ["API_KEY", "given"],
                "A_TOKEN=given",
            ]
        },
    )
    assert wanted.variables == {"MODE": "fast", "API_KEY": "given", "A_TOKEN": "given"}
    assert wanted.withheld == ("AWS_SECRET_ACCESS_KEY", "DATABASE", "HF_TOKEN")


@pytest.mark.parametrize(
    ("options", "fields", "is_rootless", "told"),
    [
        ({}, {}, True, []),
        ({}, {}, False, ["runs as root"]),
        ({"gpus": "all"}, {}, True, ["graphics cards"]),
        ({}, {"docker_args": {"gpus": "all"}}, True, ["graphics cards"]),
        ({"dockerfile": "Dockerfile"}, {}, True, ["making the image"]),
    ],
)
def test_what_is_not_confined_is_told(
    tmp_path: Path, options: dict[str, Any], fields: dict[str, Any], is_rootless: bool, told: list[str]
) -> None:
    (tmp_path / "Dockerfile").touch()
    wanted = read(tmp_path, options, **fields)
    lines = sandbox.not_confined(wanted, Engine("docker", "docker", "1", is_rootless), is_made=wanted.build is not None)
    rest = [line for line in lines if "kernel is this machine's" not in line]
    assert len(lines) == len(rest) + 1
    assert [word in line for word, line in zip(told, rest, strict=True)] == [True] * len(told)
