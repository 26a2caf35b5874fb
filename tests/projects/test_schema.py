"""The JSON Schema accepts what the reader accepts without a word, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from mlproj import projects
from mlproj.foundation.errors import InvalidProject
from mlproj.projects.schema import schema

SILENT = [
    "{}",
    "name: 3.10\ndescription: x\n",
    "entry_points: {}",
    "entry_points: {main: {command: ls}}",
    "entry_points: {main: {command: ls, parameters: }}",
    (
        "entry_points: {main: {command: ls, description: x, parameters: {a: float, b: {}, c: {type: 'list[int]',"
        " default: [1]}}}}"
    ),
    (
        "entry_points: {m: {command: ls, parameters: {a: {type: int, min: 1, max: 1e-3, choices: [1, null], optional:"
        " true, description: x}}}}"
    ),
    "entry_points: {main: {command: ls, parameters: {a: {type: null, default: null, min: null, choices: null}}}}",
    "python_env: x.yaml",
    "conda_env: x.yaml",
    "docker_env: {image: x}",
    "docker_env: {image: x, volumes: [a], environment: [A, B=c, [D, 1]]}",
    "docker_env: {dockerfile: Dockerfile, gpus: all, shm_size: 2g, user: caller, platform: linux/amd64, pull: always}",
    "docker_env: {build: .}",
    "docker_env: {build: {context: ., dockerfile: D, target: t, args: {A: 1}}}",
    "docker_env: {build: {args: [A=1, B]}, dockerfile: D}",
    "env_manager: local\nhooks: {}\nuser_options: 1\n",
]
TOLD = [
    "[]",
    "words",
    "name: []",
    "entry_points:",
    "entry_points: []",
    "entry_points: {main: }",
    "entry_points: {main: {}}",
    "entry_points: {main: {command: }}",
    "entry_points: {main: {command: [ls]}}",
    "entry_points: {main: {command: ls, comand: x}}",
    "entry_points: {main: {command: ls, parameters: []}}",
    "entry_points: {main: {command: ls, parameters: {a: 1}}}",
    "entry_points: {main: {command: ls, parameters: {a: }}}",
    "entry_points: {main: {command: ls, parameters: {a: flaot}}}",
    "entry_points: {main: {command: ls, parameters: {a: 'list[x]'}}}",
    "entry_points: {main: {command: ls, parameters: {a: {type: 1}}}}",
    "entry_points: {main: {command: ls, parameters: {a: {min: x}}}}",
    "entry_points: {main: {command: ls, parameters: {a: {choices: []}}}}",
    "entry_points: {main: {command: ls, parameters: {a: {choices: [[1]]}}}}",
    "entry_points: {main: {command: ls, parameters: {a: {optional: x}}}}",
    "entry_points: {main: {command: ls, parameters: {a: {typ: int}}}}",
    "conda_env: 1",
    "conda_env:",
    "conda_env: x.yaml\npython_env: x.yaml\n",
    "docker_env: {}",
    "docker_env: {image: 1}",
    "docker_env: {image: x, build: .}",
    "docker_env: {image: x, pull: sometimes}",
    "docker_env: {build: {context: 1}}",
    "docker_env: {image: x, gpus: [0]}",
    "docker_env: {image: x, volumes: x}",
    "docker_env: {image: x, volumes: [1]}",
    "docker_env: {image: x, environment: [[A]]}",
    "docker_env: {image: x, environment: [=x]}",
    "docker_env: {image: x, ports: []}",
    "entrypoints: {}",
]


def objected(directory: Path, text: str) -> bool:
    """Whether the reader says anything about *text*."""
    (directory / "x.yaml").write_text("x: 1\n")
    try:
        found = projects.parse(text, directory)
        return bool(found.warnings) or any(point.trouble for point in found.entry_points.values())
    except InvalidProject:
        return True


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("text", SILENT)
def test_both_accept(tmp_path: Path, text: str) -> None:
    assert [error.message for error in Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))] == []
    assert not objected(tmp_path, text)


@pytest.mark.parametrize("text", TOLD)
def test_both_object(tmp_path: Path, text: str) -> None:
    assert not Draft202012Validator(schema()).is_valid(yaml.safe_load(text))
    assert objected(tmp_path, text)
