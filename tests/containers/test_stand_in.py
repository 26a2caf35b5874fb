"""An MLflow server that a project names on its own machine, when the project runs in a container."""

from __future__ import annotations

from pathlib import Path

from tests.containers.base_image import TAG
from tests.mlflow_server import free_port
from tests.program import mlproj, project

LOG = """# mlflow
import json, urllib.request
tracking_uri = "http://localhost:{port}"
def post(host, path, **body):
    address = "http://%s:{port}/api/2.0/mlflow/" % host + path
    request = urllib.request.Request(address, json.dumps(body).encode(), {{"Content-Type": "application/json"}})
    return json.load(urllib.request.urlopen(request, timeout=30))
run = post("localhost", "runs/create", experiment_id="0")["run"]["info"]["run_id"]
post("127.0.0.1", "runs/log-parameter", run_id=run, key="a", value="1")
"""


def text(image: str = TAG, command: str = "python3 train.py", more: str = "") -> str:
    return f"docker_env: {{image: '{image}'{more}}}\nentry_points: {{main: {{command: '{command}'}}}}\n"


def test_it_is_answered_on_the_containers_own_loopback(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", text(), train__py=LOG.format(port=5000))
    for options in ((), ("--sandbox",)):
        run = mlproj("run", folder, "--json", *options).document["run"]

        assert (run["status"], run["params"]) == ("FINISHED", {"a": "1"})
        assert (
            run["tags"]["mlproj.stand_in"]
            == "http://localhost:5000 (train.py:3): answered by the run's own tracking server"
        )


def test_it_is_answered_in_a_container_that_has_this_machines_network(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", text(), train__py=LOG.format(port=free_port()))
    run = mlproj("run", folder, "--json", "-A", "network=host").document["run"]

    assert (run["status"], run["params"]) == ("FINISHED", {"a": "1"})


def test_an_image_without_python_is_told_what_is_not_answered(engine: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", text(command="true", more=", environment: [[PATH, /bin]]"), train__py=LOG.format(port=5000)
    )
    done = mlproj("run", folder, "--json")

    assert done.code == 0
    assert "not answered in the container: its image has no Python 3" in done.err
