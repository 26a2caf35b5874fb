"""mlproj models deploy --to docker: real containers of real images."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("mlproj.testing.deployment_suite")

from mlproj.models.deployments.base import Wanted  # noqa: E402
from mlproj.models.deployments.docker import DockerTarget  # noqa: E402
from mlproj.testing.deployment_suite import DeploymentSuite  # noqa: E402
from tests.containers.base_image import TAG  # noqa: E402
from tests.containers.conftest import MODEL_IMAGE, usable  # noqa: E402
from tests.containers.conftest import asked as engine_says  # noqa: E402
from tests.containers.model_folder import answer, greeter  # noqa: E402
from tests.heard import Heard  # noqa: E402
from tests.program import mlproj  # noqa: E402

pytestmark = pytest.mark.usefixtures("left_nothing")
NAME = MODEL_IMAGE


class TestDocker(DeploymentSuite):
    @pytest.fixture
    def target(self) -> DockerTarget:
        return DockerTarget()

    @pytest.fixture
    def progress(self) -> Heard:
        return Heard()

    @pytest.fixture
    def first(self, model_images: dict[str, dict[str, Any]]) -> Wanted:
        return Wanted("suite", f"{NAME}:hello", model_images["hello"]["id"])

    @pytest.fixture
    def second(self, model_images: dict[str, dict[str, Any]]) -> Wanted:
        return Wanted("suite", f"{NAME}:bye", model_images["bye"]["id"], {"memory": "512m", "cpus": "1"})

    @pytest.fixture
    def broken(self) -> Wanted:
        usable("docker")
        return Wanted("suite", TAG, engine_says("docker", "inspect", "--format", "{{.Id}}", TAG))

    @pytest.fixture
    def asked(self) -> Callable[[str], str]:
        return lambda url: str(answer(url)["said"])


def test_a_model_is_deployed_listed_and_deleted_as_the_engine_has_it(tmp_path: Path) -> None:
    usable("docker")
    model = greeter(tmp_path / "m", "hello")
    planned = mlproj("models", "deploy", model, "--to", "docker", "--name", "greeter", "--dry-run", "-C", "port=9999")
    assert planned.code == 0 and "127.0.0.1:9999:8080" in planned.out and "--cap-drop=ALL" in planned.out
    assert mlproj("models", "deployments", "list").out == "nothing is deployed\n"
    options = ("-C", f"base={TAG}", "-C", f"image={NAME}:cli")
    done = mlproj("models", "deploy", model, "--to", "docker", "--name", "greeter", *options, "--json")
    assert done.code == 0, done.out
    made = done.document["deployment"]
    try:
        assert answer(made["url"])["said"] == "hello you"
        assert (made["model"], made["target"], made["image"]) == (str(model), "docker", f"{NAME}:cli")
        (listed,) = mlproj("models", "deployments", "list", "--json").document["deployments"]
        assert listed["state"]["status"] == "ready" and listed["state"]["drifted"] is False
        again = mlproj("models", "deploy", model, "--to", "docker", "--name", "greeter")
        assert again.code == 2 and "deployments update greeter MODEL" in again.err
        engine_says("docker", "rm", "--force", made["handle"]["container"])
        assert "gone" in mlproj("models", "deployments", "show", "greeter").out
    finally:
        assert mlproj("models", "deployments", "delete", "greeter").code == 0
        subprocess.run(["docker", "image", "rm", "--force", f"{NAME}:cli"], capture_output=True, check=False)
    assert json.loads(mlproj("models", "deployments", "list", "--json").out)["deployments"] == []
