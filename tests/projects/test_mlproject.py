"""MLproject files as people write them: what is read, what is warned of, what is an error with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj import projects
from mlproj.foundation.errors import InvalidProject, UsageError
from mlproj.projects import command
from mlproj.projects.base import REQUIRED, Parameter
from tests.projects.building import project

WHOLE = """\
name: tutorial
description: What it is for.
python_env: python_env.yaml
entry_points:
  main:
    description: Train.
    parameters:
      alpha: float
      n: {type: int, default: 3, min: 1, max: 9, description: How many}
      opt: {type: str, choices: [adam, sgd], default: adam}
      extra: {default: null}
      maybe: {type: "list[integer]", optional: true}
    command: python train.py {alpha}
  other:
    command: ls
"""
MAIN = "entry_points: {main: {command: python train.py}}\n"


@pytest.fixture(autouse=True)
def _from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder on."""
    monkeypatch.chdir(tmp_path)


def refusal(directory: Path, text: str) -> InvalidProject:
    with pytest.raises(InvalidProject) as caught:
        project(directory, text)
    return caught.value


def test_a_whole_project_is_read(tmp_path: Path) -> None:
    (tmp_path / "python_env.yaml").write_text("python: 3.10\n")
    found = project(tmp_path, WHOLE)

    main = found.entry_points["main"]
    assert (found.name, found.description, found.file) == ("tutorial", "What it is for.", tmp_path / "MLproject")
    assert list(found.entry_points) == ["main", "other"]
    assert (main.command, main.description) == ("python train.py {alpha}", "Train.")
    assert main.parameters["alpha"] == Parameter("alpha", "float", place=main.parameters["alpha"].place)
    assert (main.parameters["n"].minimum, main.parameters["n"].maximum, main.parameters["n"].description) == (
        1.0,
        9.0,
        "How many",
    )
    assert (main.parameters["opt"].type, main.parameters["opt"].choices) == ("string", ("adam", "sgd"))
    assert main.parameters["extra"].default is None
    assert main.parameters["maybe"].default is REQUIRED
    assert (main.parameters["maybe"].type, main.parameters["maybe"].optional) == ("list[int]", True)
    assert str(main.parameters["n"].place).endswith("MLproject:9:7")
    assert found.environment is not None
    assert found.environment.file == tmp_path / "python_env.yaml"
    assert found.warnings == ()


@pytest.mark.parametrize("parameters", ["", "    parameters:\n", "    parameters: {}\n", "    parameters: null\n"])
def test_empty_parameters_are_none(tmp_path: Path, parameters: str) -> None:
    assert (
        project(tmp_path, f"entry_points:\n  main:\n{parameters}    command: ls\n").entry_points["main"].parameters
        == {}
    )


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "1:1", "the file is empty"),
        ("just words\n", "1:1", "the file is the text 'just words', expected a mapping"),
        ("- a\n", "1:1", "the file is a list"),
        ("version https://git-lfs.github.com/spec/v1\noid x\n", "1:1", "the file is kept in Git LFS"),
        ("entry_points:\n", "1:1", "'entry_points' is left empty, expected a mapping"),
        ("entry_points: [main]\n", "1:15", "'entry_points' is a list"),
        ("entry_points:\n\tmain: {command: ls}\n", "2:1", "a tab"),
        ("name: {{ name }}\n" + MAIN, "1:7", "a template"),
    ],
)
def test_a_mistake_is_an_error_with_its_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    error = refusal(tmp_path, text)

    assert str(error).startswith(f"MLproject:{place}: ")
    assert said in error.message
    if "is the text 'version" in error.message:
        assert "git lfs pull" in str(error.hint)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("  main:\n", "3:3", "the entry point 'main' is left empty"),
        ("  main: python train.py\n", "3:9", "is the text 'python train.py', expected a mapping"),
        ("  main: {command: [ls, -l]}", "3:19", "the command of 'main' is a list, expected text"),
        ("  main: {command: true}", "3:19", "the truth value true, expected text"),
        ("  main: {command: ls, parameters: [a]}", "3:35", "'parameters' is a list"),
        ("  main: {command: ls, parameters: {a: 0.5}}", "3:39", "the parameter 'a' is the number 0.5"),
        ("  main: {command: ls, parameters: {a: }}", "3:36", "the parameter 'a' is left empty"),
    ],
)
def test_what_is_wrong_in_an_entry_point_refuses_that_one_and_no_other(
    tmp_path: Path, text: str, place: str, said: str
) -> None:
    found = project(tmp_path, f"entry_points:\n  other: {{command: ls}}\n{text}")

    assert projects.bind(found.entry_points["other"], {}, cwd=tmp_path, project_dir=tmp_path).text == "ls"
    with pytest.raises(InvalidProject) as caught:
        projects.bind(projects.resolve_entry_point(found, "main"), {}, cwd=tmp_path, project_dir=tmp_path)
    assert str(caught.value).startswith(f"MLproject:{place}: ")
    assert said in caught.value.message
    assert projects.problems(found.entry_points["main"])[0] == [caught.value]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("entry_points: {main: {command: ls, parameters: {a: {type: [int]}}}}", "1:59", "the type is a list"),
        ("entry_points: {main: {command: ls, parameters: {a: {choices: x}}}}", "1:62", "'choices' is the text 'x'"),
        ("entry_points: {main: {command: ls, parameters: {a: {choices: []}}}}", "1:62", "'choices' is a list"),
        (
            "entry_points: {main: {command: ls, parameters: {a: {min: low}}}}",
            "1:58",
            "'min' is the text 'low', expected a number",
        ),
        ("entry_points: {main: {command: ls, parameters: {a: {max: true}}}}", "1:58", "'max' is the truth value true"),
        (
            "entry_points: {main: {command: ls, parameters: {a: {optional: 2024-01-01}}}}",
            "1:63",
            "is the date 2024-01-01",
        ),
        ("name: [x]\n" + MAIN, "1:7", "'name' is a list, expected text"),
        ("entry_points: {main: {command: ls}}\nentry_points: {main: {command: pwd}}\n", "2:1", "given twice, first at"),
        ("entry_points: {main: {command: ls, command: pwd}}", "1:36", "MLproject:1:23, and the last one counts"),
        ("user_options: !!set {a}\n" + MAIN, "1:15", "the tag '!!set' is ignored"),
        ("docker_env: {image: a, build: .}\n" + MAIN, "1:31", "'image' and 'build' are both given"),
        ("docker_env: {image: a, pull: sometimes}\n" + MAIN, "1:30", "'pull' is the text 'sometimes'"),
        ("docker_env: {image: a, user: --privileged}\n" + MAIN, "1:30", "'user' is the text '--privileged'"),
        ("docker_env: {image: a, gpus: [0]}\n" + MAIN, "1:30", "'gpus' is a list"),
    ],
)
def test_what_mlflow_runs_is_run_and_is_an_error_for_check_only(
    tmp_path: Path, text: str, place: str, said: str
) -> None:
    found = project(tmp_path, text)

    (warning,) = found.warnings
    assert str(warning).startswith(f"MLproject:{place}: ")
    assert said in warning.text
    assert warning.is_error
    last = "pwd" if "pwd" in text else found.entry_points["main"].command
    values = dict.fromkeys(found.entry_points["main"].parameters, "x")
    assert projects.bind(found.entry_points["main"], values, cwd=tmp_path, project_dir=tmp_path).text == last


def test_a_default_that_a_missing_space_loses_is_lost_as_in_mlflow(tmp_path: Path) -> None:
    found = project(tmp_path, "entry_points: {main: {command: 'ls {a}', parameters: {a: {type: int, default:10}}}}")

    assert found.entry_points["main"].parameters["a"].default is REQUIRED
    assert (found.warnings[0].hint, found.warnings[0].is_error) == ("write 'default: 10'", True)


@pytest.mark.parametrize("written", ["default:10", 'default "10"', 'default="10"', "default=10"])
def test_a_default_that_is_lost_is_named_when_its_value_is_missing(tmp_path: Path, written: str) -> None:
    found = project(tmp_path, f"entry_points: {{main: {{command: 'ls {{a}}', parameters: {{a: {{{written}}}}}}}}}")

    with pytest.raises(UsageError) as caught:
        command.bind(found.entry_points["main"], {}, cwd=tmp_path, project_dir=tmp_path)
    value = written.removeprefix("default").lstrip(":= ")
    assert caught.value.hint == f"add -P a=…; MLproject:1: {written!r} is no default, write 'default: {value}'"


def test_a_misspelt_default_is_named_when_its_value_is_missing(tmp_path: Path) -> None:
    found = project(tmp_path, "entry_points: {main: {command: 'ls {a}', parameters: {a: {type: int, defulat: 1}}}}")

    with pytest.raises(UsageError) as caught:
        command.bind(found.entry_points["main"], {}, cwd=tmp_path, project_dir=tmp_path)
    assert caught.value.hint == "add -P a=…; MLproject:1: 'defulat' is no default, write 'default'"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (
            "entry_point: {}\n" + MAIN,
            "1:1",
            "the key 'entry_point' is unknown and ignored; did you mean 'entry_points'?",
        ),
        ("environments: [conda.yaml]\n" + MAIN, "1:1", "did you mean 'python_env' or 'conda_env'?"),
        ("zzz: 1\n" + MAIN, "1:1", "known here: name, entry_points"),
        ("entry_points: {main: {command: ls, paramters: {}}}", "1:36", "did you mean 'parameters'?"),
        ("entry_points: {main: {command: ls, parameters: {a: {defualt: 1}}}}", "1:53", "did you mean 'default'?"),
        (
            "entry_points: {main: {command: ls, parameters: {a: {type: strng}}}}",
            "1:59",
            "the type 'strng' is unknown, values are taken as text; did you mean",
        ),
        ("entry_points: {main: {command: ls, parameters: {a: tuple}}}", "1:52", "the type 'tuple' is unknown"),
        ("entry_points: {main: {parameters: {}}}", "1:16", "the entry point 'main' has no command"),
        (
            "entry_points: {no: {command: ls}}",
            "1:16",
            "YAML reads the entry point no as the truth value false; write 'no', in quotes",
        ),
        ("databricks_spark_job: {python_file: x.py}\n" + MAIN, "1:1", "means something on Databricks only"),
        ("conda_env:\n" + MAIN, "1:1", "'conda_env' is left empty and ignored"),
    ],
)
def test_what_mlflow_ignores_is_a_warning(tmp_path: Path, text: str, place: str, said: str) -> None:
    (warning,) = project(tmp_path, text).warnings

    assert str(warning.place) == f"MLproject:{place}"
    assert said in str(warning)


def test_harmless_keys_are_passed_over_in_silence(tmp_path: Path) -> None:
    text = "description: x\nenv_manager: local\nhooks: {}\nrequired_covariates: [a]\nuser_options: {}\n"
    assert (
        project(
            tmp_path,
            text + "entry_points: {main: {command: ls, description: x, hooks: 1, parameters: {a: {description: x}}}}",
        ).warnings
        == ()
    )


def test_a_name_that_yaml_reads_as_something_else_is_taken_as_written(tmp_path: Path) -> None:
    found = project(tmp_path, "name: 3.10\nentry_points: {1: {command: 'ls {no}', parameters: {no: {default: 5}}}}")

    assert found.name == "3.10"
    assert projects.bind(found.entry_points["1"], {}, cwd=tmp_path, project_dir=tmp_path).text == "ls 5"


def test_a_folder_without_a_file_is_a_project_without_entry_points(tmp_path: Path) -> None:
    found = projects.load(tmp_path)

    assert (found.file, found.entry_points, found.environment) == (None, {}, None)


def test_windows_line_ends_and_utf16_are_read(tmp_path: Path) -> None:
    (tmp_path / "MLproject").write_bytes(
        "entry_points:\r\n  main:\r\n    command: |\r\n      é\r\n      b\r\n".encode("utf-16")
    )

    assert projects.load(tmp_path).entry_points["main"].command == "é\nb\n"


def test_a_link_out_of_the_source_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password: x\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "MLproject").symlink_to(tmp_path / "secret")

    with pytest.raises(InvalidProject, match="link out of"):
        projects.load(tmp_path / "source", root=tmp_path / "source")


def test_files_are_named_from_where_people_stand_and_in_a_checkout_from_its_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache" / "checkout" / "sub").mkdir(parents=True)
    (tmp_path / "cache" / "checkout" / "sub" / "MLproject").write_text("[]")
    monkeypatch.setenv("MLPROJ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MLproject").write_text("[]")
    (tmp_path / "elsewhere").mkdir()

    def place(folder: Path, root: Path | None = None) -> str:
        with pytest.raises(InvalidProject) as caught:
            projects.load(folder, root=root)
        return str(caught.value.place)

    assert place(tmp_path / "cache" / "checkout" / "sub", tmp_path / "cache" / "checkout") == "sub/MLproject:1:1"
    assert place(tmp_path) == "MLproject:1:1"
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert place(tmp_path) == "../MLproject:1:1"


KEYS = [
    "name",
    "entry_points",
    "main",
    "parameters",
    "command",
    "type",
    "default",
    "docker_env",
    "image",
    "environment",
    "volumes",
]
WORDS = st.sampled_from(
    [*KEYS, "conda_env", "choices", "min", "optional", "int", "path", "", "\0", "../x", "x" * 300, "{a}", "description"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=15,
)
POINTS = st.dictionaries(
    WORDS,
    st.fixed_dictionaries({}, optional={"command": VALUES, "parameters": st.dictionaries(WORDS, VALUES) | VALUES}),
)


@given(st.text() | st.dictionaries(WORDS, VALUES) | st.fixed_dictionaries({"entry_points": POINTS}))
def test_anything_is_a_project_or_refused(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    import yaml

    text = content if isinstance(content, str) else yaml.safe_dump(content)
    folder = tmp_path_factory.getbasetemp()
    try:
        found = projects.parse(text, folder, root=folder)
        for point in found.entry_points.values():
            projects.problems(point)
    except InvalidProject as error:
        assert error.place is not None
