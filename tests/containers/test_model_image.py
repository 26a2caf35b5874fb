"""mlproj models package: images that serve a model, with mlproj's server in them and beside the model's packages."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.python import uv
from tests.containers.base_image import TAG
from tests.containers.conftest import MODEL_IMAGE, asked
from tests.containers.model_folder import answer, greeter
from tests.environments.conftest import index as index
from tests.mlflow_server import free_port
from tests.package_index import Index
from tests.program import Result, mlproj

pytestmark = pytest.mark.usefixtures("left_nothing")
NAME = MODEL_IMAGE


def package(*arguments: str | Path, code: int = 0) -> Result:
    done = mlproj("models", "package", *arguments, "--base", TAG, "--json")
    assert done.code == code, done.out + done.err
    return done


@pytest.fixture
def image(model_images: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What was said of the image that says hello."""
    return model_images["hello"]


@pytest.fixture
def again() -> Iterator[str]:
    """The name of an image that a test makes."""
    yield f"{NAME}:again"
    subprocess.run(["docker", "image", "rm", "--force", f"{NAME}:again"], capture_output=True, check=False)


@contextmanager
def served(*options: str, tag: str = "hello", arguments: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """A container that is ready: its name, and the URL of its server."""
    port = free_port()
    inside = next((one.partition("=")[2] for one in options if one.startswith("SAGEMAKER_BIND")), "8080")
    container = asked(
        "docker", "run", "--detach", "-p", f"127.0.0.1:{port}:{inside}", *options, f"{NAME}:{tag}", *arguments
    )
    try:
        yield container, ready(container, f"http://127.0.0.1:{port}")
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


def ready(container: str, url: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5):
                return url
        except (urllib.error.URLError, OSError):
            logs = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=False)
            assert time.monotonic() < deadline, logs.stdout + logs.stderr
            time.sleep(0.1)


def test_the_image_serves_the_model_to_nobodys_harm(image: dict[str, Any]) -> None:
    """Not as root, healthy by its own check, and the model sees neither the server's packages nor an installer."""
    assert [layer["of"] for layer in image["layers"]] == ["environment", "server", "model"]
    with served("--read-only", "--cap-drop", "ALL") as (container, url):
        assert answer(url) == {"said": "hello you", "user": 65532, "sees": []}
        assert asked("docker", "exec", container, "sh", "-c", "ls /opt/mlproj; find / -xdev -name uv 2>/dev/null") == (
            "build\nenv\nmodel\nmodel.json\nserver"
        )
        check = json.loads(asked("docker", "inspect", container))[0]["Config"]["Healthcheck"]["Test"]
        assert check[-1] == "health"
        assert subprocess.run(["docker", "exec", container, *check[1:]], check=False).returncode == 0
        asked("docker", "stop", "--time", "20", container)
        assert asked("docker", "inspect", "--format", "{{.State.ExitCode}}", container) == "0"


def test_it_is_a_container_as_sagemaker_starts_it(image: dict[str, Any], tmp_path: Path) -> None:
    mounted = greeter(tmp_path / "mounted", "welcome")
    variables = ("-e", "SAGEMAKER_BIND_TO_PORT=9123", "-e", "SAGEMAKER_MODEL_SERVER_WORKERS=2")
    with served(*variables, "-v", f"{mounted}:/opt/ml/model:ro", arguments=("serve",)) as (container, url):
        assert answer(url)["said"] == "welcome you"
        assert asked("docker", "top", container).count("launch.py") == 2
    labels = json.loads(asked("docker", "inspect", image["id"]))[0]["Config"]["Labels"]
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"


def test_it_serves_what_kserve_mounts_under_the_name_that_kserve_gives(image: dict[str, Any], tmp_path: Path) -> None:
    greeter(tmp_path / "models" / "one", "greetings")
    mount = ("-v", f"{tmp_path / 'models'}:/mnt/models:ro")
    with served(*mount, arguments=("--model_name=greeter", "--workers", "1")) as (_container, url):
        assert answer(url)["said"] == "greetings you"
        with urllib.request.urlopen(f"{url}/v2/models/greeter/ready", timeout=5) as response:
            assert response.status == 200


def test_the_same_model_gives_the_same_layers_and_another_version_shares_all_but_its_files(
    model_images: dict[str, dict[str, Any]], again: str, tmp_path: Path
) -> None:
    """The environment is the one that is there; the server and the model are the same bytes when they are made anew."""
    model = greeter(tmp_path / "m", "hello")
    anew = package(model, "--image", again).document["image"]
    made = [model_images["hello"], model_images["bye"], anew]
    assert anew["digest"] == made[0]["digest"] != made[1]["digest"] and made[1]["layers"][0]["reused"]
    layers = [json.loads(asked("docker", "inspect", one["id"]))[0]["RootFS"]["Layers"] for one in made]
    assert layers[1][:-1] == layers[0][:-1] and layers[1][-1] != layers[0][-1]
    assert layers[2][2:] == layers[0][2:]
    refused = package(model, "--image", again, code=2)
    assert "--force replaces it" in refused.out


def test_a_model_that_does_not_load_in_its_image_leaves_none(image: dict[str, Any], tmp_path: Path) -> None:
    broken = greeter(tmp_path / "m", "x", code="import numpy_of_nobody\n")
    done = package(broken, "--image", f"{NAME}:hello", "--force", code=73)
    assert "the model does not load in its image" in done.out and "numpy-of-nobody" in done.out, done.out
    assert json.loads(asked("docker", "inspect", f"{NAME}:hello"))[0]["Id"] == image["id"]
    assert "mlproj-model-draft" not in asked("docker", "image", "ls")


@pytest.mark.usefixtures("model_images")
def test_a_written_dockerfile_builds_the_same_server(again: str, tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "written"
    model = greeter(tmp_path / "m", "hi")
    assert package(model, "--dockerfile", folder).document["dockerfile"] == {"folder": str(folder), "base": TAG}
    shutil.copy2(uv.binary(), folder / "environment")  # the small base image has no pip to fetch it with
    network = ("--network", "host", "--build-arg", f"UV_DEFAULT_INDEX={index.url}")
    stage = f"{again}-environment"  # with a name it can be removed
    try:
        asked("docker", "build", "--force-rm", *network, "--target", "environment", "--tag", stage, str(folder))
        asked("docker", "build", "--force-rm", *network, "--tag", again, str(folder))
    finally:
        subprocess.run(["docker", "image", "rm", "--force", stage], capture_output=True, check=False)
    with served(tag="again") as (_container, url):
        assert answer(url) == {"said": "hi you", "user": 65532, "sees": []}
    refused = package(model, "--dockerfile", folder, code=2)
    assert "is there already" in refused.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name an image or a folder"),
        (["--image", "a", "--dockerfile", "b"], "name an image or a folder"),
        (["--image", "De mo"], "cannot be the name of an image"),
    ],
)
def test_what_contradicts_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in package(greeter(tmp_path / "m", "x"), *arguments, code=2).out


def test_a_container_says_what_it_does_not_take(image: dict[str, Any]) -> None:
    for arguments, said in ((["train"], "knows serve"), (["--port", "1"], "SAGEMAKER_BIND_TO_PORT")):
        done = subprocess.run(
            ["docker", "run", "--rm", image["name"], *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and said in done.stderr
