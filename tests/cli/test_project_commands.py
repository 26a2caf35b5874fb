"""``show``, ``check`` and ``schema``: what can be said about a project without building anything."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlproj import projects
from mlproj.cli import project_check
from mlproj.foundation import paths
from mlproj.foundation.errors import InvalidProject, Notice, Place
from tests.cli.conftest import Cli
from tests.program import project

WINE = """name: wine
description: A model of wine.
python_env: python_env.yaml
entry_points:
  main:
    description: Train it.
    parameters:
      alpha: {type: float, default: 0.5, min: 0, max: 1, description: strength}
      data: path
      kind: {type: string, default: ridge, choices: [ridge, lasso]}
      seed: {type: int, default: null}
    command: python train.py --alpha {alpha} --data {data} --kind {kind} --seed {seed}
  validate:
    command: |
      python -u checks/validate.py
      echo done
"""


@pytest.fixture
def wine(tmp_path: Path) -> Path:
    folder = project(tmp_path / "wine", WINE, python_env__yaml="dependencies:\n- six\n", train__py="import six\n")
    (folder / "checks").mkdir()
    (folder / "checks" / "validate.py").write_text("import json\n")
    return folder


def test_show_prints_entry_points_parameters_and_environment(cli: Cli, wine: Path) -> None:
    result = cli("show", wine, "--offline")

    assert result.code == 0
    words = result.out.split()
    for word in (
        "wine",
        "main",
        "validate",
        "alpha",
        "0.5",
        "required",
        "optional",
        "ridge,",
        "lasso",
        "strength",
        "MLproject:8",
    ):
        assert word in words
    assert "≥ 0, ≤ 1" in result.out
    assert "environment: " in result.out
    assert not paths.environments().exists() or not [one for one in paths.environments().iterdir() if one.is_dir()]


def test_show_in_json_holds_all_of_it(cli: Cli, wine: Path) -> None:
    shown = cli("show", wine, "--offline", "--json").document["project"]

    main, validate = shown["entry_points"]
    assert (shown["name"], shown["description"], shown["file"]) == ("wine", "A model of wine.", "MLproject")
    assert (main["name"], validate["name"]) == ("main", "validate")
    assert main["place"] == {"file": "MLproject", "line": 5, "column": 3}
    alpha, data, kind, seed = main["parameters"]
    assert alpha == {
        "name": "alpha", "type": "float", "required": False, "default": 0.5, "optional": False, "choices": None,
        "min": 0, "max": 1, "description": "strength", "place": {"file": "MLproject", "line": 8, "column": 7},
    }  # fmt: skip
    assert data["required"] is True
    assert kind["choices"] == ["ridge", "lasso"]
    assert (seed["required"], seed["default"]) == (False, None)
    assert shown["environment"]["file"] == "python_env.yaml"
    assert shown["environment_error"] is None


def test_show_tells_of_an_environment_that_cannot_be_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "p", "docker_env: {image: debian}\nentry_points: {main: {command: 'true'}}\n")

    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", str(tmp_path / "none"))
    assert "environment: none can be made: " in cli("show", folder).out
    assert cli("show", folder, "--json").document["project"]["environment_error"]["kind"] == "usage"


def test_show_of_a_folder_without_mlproject_says_how_to_run_a_script(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print()\n")

    assert "-e names a script" in cli("show", tmp_path).out


def test_show_prints_warnings_apart_from_what_was_asked(cli: Cli, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true', comand: x}}\n")

    result = cli("show", folder)

    assert "warning: " in result.err
    assert "did you mean 'command'?" in result.err
    assert "warning: " not in result.out


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_folder_that_is_not_there_is_told(cli: Cli, tmp_path: Path, command: str) -> None:
    result = cli(command, tmp_path / "nothing", "--json")

    assert result.code == 66
    assert result.document["error"]["kind"] == "source"


def test_a_git_revision_can_be_shown(cli: Cli, wine: Path) -> None:
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run(["git", *arguments], cwd=wine, check=True)
    (wine / "MLproject").write_text("entry_points: {later: {command: 'true'}}\n")
    subprocess.run(["git", "commit", "-qam", "two"], cwd=wine, check=True)
    uri = f"git+file://{wine}"

    assert [point["name"] for point in cli("show", uri, "--json").document["project"]["entry_points"]] == ["later"]
    assert cli("show", uri, "-v", "v1", "--json").document["project"]["name"] == "wine"


def test_a_sound_project_passes(cli: Cli, wine: Path) -> None:
    result = cli("check", wine, "--offline", "--strict", "-q")

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == "the project is valid"
    assert result.out.splitlines()[1].startswith(
        "looked at: project, entry point main, entry point validate, environment, "
    )
    assert result.out.endswith("; nothing was built or run\n")
    assert cli("check", wine, "--offline", "--json").document == {
        "schema": 1,
        "valid": True,
        "errors": [],
        "warnings": [],
        "checked": [
            "project",
            "entry point main",
            "entry point validate",
            "environment",
            "what the code needs",
            "imports",
        ],
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("entry_points:\n\tmain: x\n", "tab"),
        ("entry_points: {main: {command: 'echo {nmae}', parameters: {name: string}}}\n", "did you mean 'name'?"),
        ("conda_env: conda.yaml\nentry_points: {main: {command: 'true'}}\n", "conda.yaml"),
        ("", "empty"),
    ],
)
def test_an_invalid_project_fails_with_the_place(cli: Cli, tmp_path: Path, text: str, what: str) -> None:
    folder = project(tmp_path / "p", text)

    result = cli("check", folder)
    (error,) = cli("check", folder, "--json").document["errors"]

    assert result.code == 65
    assert what in result.err
    assert "MLproject" in result.err
    assert result.out.startswith("1 error")
    assert error["kind"] == "invalid_project"
    assert error["file"].endswith("MLproject")


DOUBTFUL = """python_env: python_env.yaml
entry_points:
  main:
    parameters:
      alpha: {type: float, default: much}
      forgotten: {type: int, default: 1}
    command: python main.py {alpha}
"""


def test_what_is_doubtful_is_a_warning_and_with_strict_a_failure(cli: Cli, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", DOUBTFUL, python_env__yaml="dependencies: [six]\n", modelling__py="import six, cv2\n"
    )

    result = cli("check", folder, "--offline")
    warnings = cli("check", folder, "--offline", "--json").document["warnings"]

    assert result.code == 0
    assert result.out.splitlines()[0] == "4 warnings"
    assert "error:" not in result.err
    assert [(one["file"].rpartition("/")[2], one["line"]) for one in warnings] == [
        ("MLproject", 5),
        ("MLproject", 6),
        ("MLproject", 7),
        ("modelling.py", 1),
    ]
    said = " ".join(one["message"] for one in warnings)
    for word in ("much", "forgotten", "main.py", "opencv-python"):
        assert word in said
    assert warnings[2]["hint"] == "did you mean modelling.py?"
    assert cli("check", folder, "--offline", "--strict").code == 65


def test_a_project_that_names_no_packages_is_told_so(cli: Cli, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: python a.py}}\n", a__py="import six\n")

    assert "no file says which packages" in cli("check", folder, "--offline").err


def test_what_this_machine_cannot_run_is_no_fault_of_the_project(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "p", "docker_env: {image: debian}\nentry_points: {main: {command: 'true'}}\n")
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
    monkeypatch.setenv("PATH", str(tmp_path))

    result = cli("check", folder)

    assert result.code == 0
    assert "install docker" in result.err


def _doubts(folder: Path) -> list[InvalidProject]:
    found = projects.load(folder)
    return [doubt for point in found.entry_points.values() for doubt in project_check.doubts(point, found)]


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("python train.py", []),
        ("python3.10 -u tran.py && Rscript plot.R", ["tran.py", "plot.R"]),
        ("set -e\nbash go.sh | tee log; sh other.sh", ["go.sh", "other.sh"]),
        ("python {script}.py", []),
        ("python -m train.py", []),
        ("python -c 'x.py'", []),
        ("cd elsewhere && python gone.py", []),
        ("echo python gone.py", []),
        ("python deep/inner.py", []),
        ("python inner.py", ["inner.py"]),
    ],
)
def test_scripts_that_a_command_names_are_looked_for(tmp_path: Path, command: str, missing: list[str]) -> None:
    folder = project(
        tmp_path / "p",
        f"entry_points: {{main: {{command: {json.dumps(command)}, parameters: {{script: string}}}}}}\n",
        train__py="",
    )
    (folder / "deep").mkdir()
    (folder / "deep" / "inner.py").write_text("")

    found = [one for one in _doubts(folder) if "runs" in one.message]

    assert [one.message.split(" runs ")[1].split(",")[0] for one in found] == missing


@pytest.mark.parametrize(
    ("script", "guess"),
    [("inner.py", "deep/inner.py"), ("trian.py", "train.py"), ("zzz.py", None), ("zzz.R", "only.R")],
)
def test_the_script_that_was_likely_meant_is_named(tmp_path: Path, script: str, guess: str | None) -> None:
    folder = project(
        tmp_path / "p", f"entry_points: {{main: {{command: python {script}}}}}\n", train__py="", only__R=""
    )
    (folder / "deep").mkdir()
    (folder / "deep" / "inner.py").write_text("")

    (found,) = _doubts(folder)

    assert found.hint == (f"did you mean {guess}?" if guess else None)


TWICE = """python_env: python_env.yaml
entry_points:
  validate:
    command: python validate.py
  main:
    command: python one.py
    command: python two.py
  broken:
    command: [a, list]
"""


def test_what_mlflow_runs_is_run_with_a_warning_and_refused_by_check_only(cli: Cli, tmp_path: Path) -> None:
    files = {"validate__py": "", "two__py": "", "python_env__yaml": "dependencies: []\ndependencies: [six]\n"}
    folder = project(tmp_path / "p", TWICE, **files)

    planned = cli("run", folder, "-e", "validate", "--dry-run", "--offline")
    shown = cli("show", folder, "--offline")
    checked = cli("check", folder, "--offline", "--json")

    assert planned.code == 0, planned.err
    assert "'command' is given twice, first at" in planned.out
    assert "'dependencies' is given twice" in planned.err
    assert shown.code == 0
    assert "cannot be run: " in shown.out
    assert "given twice" in shown.err
    assert checked.code == 65
    places = [(one["file"].rpartition("/")[2], one["line"], one["column"]) for one in checked.document["errors"]]
    assert places == [("MLproject", 7, 5), ("MLproject", 9, 14), ("python_env.yaml", 2, 1)]
    assert cli("run", folder, "-e", "broken", "--dry-run", "--offline").code == 65


def test_a_folder_of_the_user_s_own_may_name_an_environment_file_elsewhere(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("dependencies: [six]\n")
    folder = project(tmp_path / "p", "python_env: ../shared.yaml\nentry_points: {main: {command: ls}}\n")

    assert cli("run", folder, "--dry-run", "--offline").code == 0


RENV_LOCK = json.dumps(
    {"R": {"Version": "4.2.1", "Repositories": [{"Name": "CRAN", "URL": "https://cran.example"}]}, "Packages": {}}
)


@pytest.mark.parametrize(
    ("text", "files", "missing"),
    [
        ("docker_env: {image: python:3.11}", {}, "no container engine is on PATH"),
        (
            "name: r",
            {"renv__lock": RENV_LOCK},
            "and Rscript is not on PATH",
        ),
        ("name: r", {}, "is a program in R, and Rscript is not on PATH"),
        ("conda_env: conda.yaml", {"conda__yaml": "dependencies: [python=3.11, r-base]"}, "conda, which is not there"),
    ],
)
def test_a_plan_is_shown_without_the_programs_that_it_needs(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, files: dict[str, str], missing: str
) -> None:
    command = "Rscript a.R" if text == "name: r" else "python a.py"
    folder = project(tmp_path / "p", f"{text}\nentry_points: {{main: {{command: {command}}}}}\n", **files)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MLPROJ_CONDA", "conda")

    planned = cli("run", folder, "--dry-run", "--offline")
    shown = cli("show", folder, "--offline")
    checked = cli("check", folder, "--offline", "--json")

    assert (planned.code, shown.code) == (0, 0), planned.err
    assert "missing on this machine: " in planned.out and missing in planned.out
    assert command in planned.out
    assert missing in shown.out
    doubts = checked.document["warnings"]
    assert checked.code == 0 and [doubt for doubt in doubts if missing in doubt["message"]], checked.out
    assert cli("run", folder, "--offline").code in (69, 73)


def test_a_warning_is_shown_with_its_place_and_what_to_do() -> None:
    found = project_check.as_error(Notice("f:3: is odd", Place("MLproject", 2, 5), "write it so"))

    assert (found.message, str(found.place), found.hint) == ("f:3: is odd", "MLproject:2:5", "write it so")
    assert project_check.as_error(Notice("something: odd")).place is None


def test_the_schema_accepts_a_sound_project_and_no_other(cli: Cli) -> None:
    import jsonschema
    import yaml

    schema = json.loads(cli("schema").out)

    jsonschema.validate(yaml.safe_load(WINE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"entry_points": {"main": {"comand": "x"}}}, schema)


def test_check_tells_what_somebody_else_lacks_and_where_from_where_one_stands(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q").mkdir()
    monkeypatch.chdir(tmp_path / "q")
    code = 'import mlflow\nmlflow.set_tracking_uri("http://localhost:5000")\nopen("data.csv")\n'
    code += 'mlflow.set_registry_uri("https://localhost")\n'
    folder = project(
        tmp_path / "p", "entry_points: {main: {command: python a.py}}\n", a__py=code, requirements__txt="mlflow\n"
    )

    result = cli("check", folder, "--offline", "--json")

    found = [(one["file"], one["line"], one["message"].partition(",")[0]) for one in result.document["warnings"]]
    assert result.code == 0
    assert found[-3:] == [
        ("../p/a.py", 2, "a tracking server at http://localhost:5000 is named"),
        ("../p/a.py", 4, "a tracking server at https://localhost:443 is named"),
        ("../p/a.py", 3, "the code reads data.csv"),
    ]
    assert result.document["warnings"][-2]["hint"].endswith("not at https:// ones")


def test_of_very_many_findings_the_first_are_shown_and_all_are_counted(cli: Cli, tmp_path: Path) -> None:
    parameters = "".join(f"      p{number}: float\n" for number in range(2000))
    text = f"entry_points:\n  main:\n    command: echo\n    parameters:\n{parameters}"

    result = cli("check", project(tmp_path / "p", text), "--offline")

    assert result.out.splitlines()[0] == "2000 warnings"
    assert result.err.count("does not use its parameter") == 100
    assert "and 1900 warnings more, all of which --json has" in result.err


def test_a_broken_file_that_only_configures_tools_stops_check_and_no_run(cli: Cli, tmp_path: Path) -> None:
    text = "entry_points: {main: {command: 'true'}}\n"
    folder = project(tmp_path / "p", text, requirements__txt="", pyproject__toml="[tool.black\n")

    checked, planned = cli("check", folder, "--offline"), cli("run", folder, "--dry-run", "--offline")

    assert checked.code == 65 and "pyproject.toml:1:12: this is no TOML" in checked.err
    assert planned.code == 0 and "pyproject.toml:1:12: this is no TOML" in planned.err


def test_an_unknown_entry_point_is_told_with_the_file_from_where_one_stands(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}\n")
    (tmp_path / "q").mkdir()
    monkeypatch.chdir(tmp_path / "q")

    assert "../p/MLproject: there is no entry point called 'mian'" in cli("run", folder, "-e", "mian", "--dry-run").err
