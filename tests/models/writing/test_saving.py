"""Models saved to a folder: what is in it, what is refused, and what it leaves behind when it fails."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import mlproj
from mlproj.foundation.errors import UsageError


def document(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / "MLmodel").read_text())
    return loaded


def test_an_object_is_saved_as_its_files_and_the_code_of_its_class(own: Any, tmp_path: Path) -> None:
    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", input_example=[1, 2])

    pyfunc = document(folder)["flavors"]["python_function"]
    assert pyfunc["code"] == "code"
    assert (folder / "data" / "factor.json").read_text() == "3"
    assert {file.name for file in (folder / "code").iterdir()} == {pyfunc["loader_module"] + ".py", "own_models.py"}
    assert not list(folder.rglob("*.pkl"))
    assert mlproj.load_model(str(folder)).predict([1, 2]) == [3, 6]


def test_a_saved_object_answers_where_its_program_is_not(own: Any, tmp_path: Path) -> None:
    mlproj.save_model(own.Scaled(3), tmp_path / "model")

    code = f"import mlproj; print(mlproj.load_model({str(tmp_path / 'model')!r}).predict([5]))"
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "[15]\n"


def test_two_saved_objects_do_not_take_each_others_loader(own: Any, tmp_path: Path) -> None:
    folders = [mlproj.save_model(own.Scaled(factor), tmp_path / str(factor)) for factor in (2, 5)]

    assert [mlproj.load_model(str(folder)).predict([1]) for folder in folders] == [[2], [5]]


def test_signature_and_files_of_an_example_are_in_the_forms_of_mlflow(own: Any, tmp_path: Path) -> None:
    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", input_example=([1, 2], {"plus": 0.5}))

    told = document(folder)
    assert {name: json.loads(part) for name, part in told["signature"].items()} == {
        "inputs": [{"type": "long"}],
        "outputs": [{"type": "double"}],
        "params": [{"name": "plus", "type": "double", "default": 0.5, "shape": None}],
    }
    assert told["saved_input_example_info"] == {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "json_object",
        "params": "true",
    }
    assert json.loads((folder / "input_example.json").read_text()) == {"inputs": [1, 2], "params": {"plus": 0.5}}
    assert json.loads((folder / "serving_input_example.json").read_text()) == {
        "inputs": [1, 2],
        "params": {"plus": 0.5},
    }


def test_the_environment_is_that_of_this_python_with_what_the_prediction_imported(own: Any, tmp_path: Path) -> None:
    (tmp_path / "program" / "own_models.py").write_text("import yaml\nimport rich\n" + BARE)
    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", input_example=[1])

    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"PyYAML=={yaml.__version__}" in requirements
    assert not [line for line in requirements if line.startswith(("mlproj", "pytest", "pip=="))]
    assert yaml.safe_load((folder / "python_env.yaml").read_text())["python"] == platform.python_version()
    conda = yaml.safe_load((folder / "conda.yaml").read_text())
    assert conda["dependencies"][-1] == {"pip": requirements}


BARE = """
class Scaled:
    def save(self, folder): pass
    @classmethod
    def load(cls, folder): return cls()
    def predict(self, data): return data
"""


def test_requirements_that_are_given_are_taken_as_they_are(own: Any, tmp_path: Path) -> None:
    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", pip_requirements=["tiny>=2"])

    assert (folder / "requirements.txt").read_text() == "tiny>=2\n"


def test_hashes_of_the_runs_lock_go_along_when_it_has_every_package(tmp_path: Path) -> None:
    from mlproj.models.writing import environment_files

    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\n[[packages]]\nname = "tiny-pkg"\nversion = "1.0"\n'
        'wheels = [{url = "https://example.org/t.whl", hashes = {sha256 = "ab"}}]\n'
    )
    environment_files.write(tmp_path, ["Tiny_Pkg==1.0"], tmp_path / "pylock.toml")
    assert (tmp_path / "requirements.lock.txt").read_text() == "Tiny_Pkg==1.0 \\\n    --hash=sha256:ab\n"

    (tmp_path / "requirements.lock.txt").unlink()
    environment_files.write(tmp_path, ["Tiny_Pkg==1.0", "other==2"], tmp_path / "pylock.toml")
    assert not (tmp_path / "requirements.lock.txt").exists()


def test_what_can_only_be_pickled_wants_to_be_asked_for(own: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Plain, which has no methods save and load, can only be pickled") as caught:
        mlproj.save_model(own.Plain(), tmp_path / "model")

    assert caught.value.hint == "pass pickle=True if that is meant"
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_a_pickle_that_is_asked_for_is_recorded_as_one(own: Any, tmp_path: Path) -> None:
    folder = mlproj.save_model(own.Plain(), tmp_path / "model", pickle=True, input_example=[1])

    assert document(folder)["metadata"]["mlproj"]["serialization"] in ("pickle", "cloudpickle")
    assert mlproj.load_model(str(folder)).predict([4]) == [8]


def test_what_cannot_predict_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an object of dict cannot be a model: it has no method predict"):
        mlproj.save_model({}, tmp_path / "model")


def test_a_class_of_the_program_itself_is_to_be_moved(own: Any, tmp_path: Path) -> None:
    class Local(own.Scaled):  # type: ignore[misc, name-defined]
        pass

    with pytest.raises(UsageError, match="Local is a class of the program itself"):
        mlproj.save_model(Local(1), tmp_path / "model")


def test_nothing_is_overwritten(own: Any, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "kept").write_text("")

    with pytest.raises(UsageError, match="there is something at"):
        mlproj.save_model(own.Scaled(3), tmp_path / "model")


def test_a_model_that_a_fresh_process_cannot_load_is_saved_with_a_warning(own: Any, tmp_path: Path) -> None:
    (tmp_path / "program" / "beside.py").write_text("")
    (tmp_path / "program" / "own_models.py").write_text("import beside\n" + BARE)

    with pytest.warns(UserWarning, match="cannot be asked in a fresh process: .*beside"):
        folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", input_example=[1])

    assert document(folder)["signature"]["inputs"] == '[{"type": "long"}]'


def test_code_that_is_named_goes_along(own: Any, tmp_path: Path) -> None:
    program = tmp_path / "program"
    (program / "beside.py").write_text("")
    (program / "own_models.py").write_text("import beside\n" + BARE)

    folder = mlproj.save_model(
        own.Scaled(3), tmp_path / "model", code_paths=[program / "own_models.py", program / "beside.py"]
    )

    assert {"own_models.py", "beside.py"} < {file.name for file in (folder / "code").iterdir()}


def test_code_that_is_not_there_is_named(own: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file or folder .*nothing.py, which code_paths names"):
        mlproj.save_model(own.Scaled(3), tmp_path / "model", code_paths=[tmp_path / "nothing.py"])


def test_a_signature_that_is_none_is_refused(own: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the signature cannot be read"):
        mlproj.save_model(own.Scaled(3), tmp_path / "model", signature={"inputs": "[{"})


def test_a_signature_of_mlflows_loses_what_old_releases_cannot_read(own: Any, tmp_path: Path) -> None:
    class Theirs:
        def to_dict(self) -> dict[str, Any]:
            columns = [{"type": "long", "name": "a", "required": True}, {"type": "any", "name": "b", "required": False}]
            return {"inputs": json.dumps(columns), "outputs": None, "params": None}

    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", signature=Theirs())

    inputs = json.loads(document(folder)["signature"]["inputs"])
    assert inputs == [{"type": "long", "name": "a"}, {"type": "any", "name": "b", "required": False}]


def test_metadata_is_kept_beside_ours(own: Any, tmp_path: Path) -> None:
    folder = mlproj.save_model(own.Scaled(3), tmp_path / "model", metadata={"team": "blue"})

    ours = {"version": mlproj.__version__, "serialization": "files"}
    assert document(folder)["metadata"] == {"team": "blue", "mlproj": ours}
