"""The launcher of packaged images: run as it is in an image, it makes the commands that ``mlproj run`` makes."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mlproj import projects
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import MlprojError
from mlproj.package import entry_points, image_content, image_layer, launcher, launcher_file
from mlproj.projects.base import REQUIRED, EntryPoint, Parameter, Project

PROJECT = """\
name: größe
description: what it is for
entry_points:
  main:
    description: trains
    parameters:
      alpha: {type: float, default: 0.5, min: 0, description: strength}
      kind: {choices: [adam, sgd], default: adam}
      data: {type: path, default: data.csv}
      seeds: {type: "list[int]", optional: true}
      msg: string
    command: "echo é {alpha} --kind {kind} --seeds {seeds} {data} '{msg}'"
  code: {command: "exit 7"}
  home: {command: "pwd; echo $HOME"}
"""


def pythons() -> list[str]:
    """This Python, and the oldest that it has to run with, where that is here."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    return [sys.executable, *map(str, sorted(pyenv.glob("3.6.*/bin/python"))[:1])]


@pytest.fixture(params=pythons(), ids=lambda python: Path(python).parts[-3])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def placed(folder: Path, project: Project, **more: Any) -> Path:
    """The launcher as it is in an image, *folder* being where it is there."""
    told = {"entry_point": None, "parameters": {}, "begin": "", **more}
    data = {
        "project": project.name,
        "description": project.description,
        "file": "MLproject",
        "entry_points": [entry_points.document(point) for point in project.entry_points.values()],
        **told,
    }
    (folder / launcher_file.NAME).write_bytes(launcher_file.content())
    (folder / launcher.DATA).write_text(json.dumps(data))
    return folder / launcher_file.NAME


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The launcher of :data:`PROJECT`."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "MLproject").write_text(PROJECT)
    (tmp_path / "code" / "data.csv").write_text("1\n")
    (tmp_path / "code" / "train.py").write_text("print('script')\n")
    return placed(tmp_path, projects.load(tmp_path / "code"))


def launched(python: str, program: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-X", "utf8", "-IS", str(program), *arguments]
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(program.parent / "no-home"), **environ}
    return subprocess.run(
        command, env=variables, cwd=program.parent / "code", capture_output=True, encoding="utf-8", check=False
    )


def test_it_runs_entry_points_with_defaults_and_values(python: str, program: Path) -> None:
    here = program.parent / "code"
    assert launched(python, program, "-P", "msg=a").stdout == f"é 0.5 --kind adam {here}/data.csv a\n"
    hostile = 'it\'s; $(id)\n"é" --x'
    done = launched(
        python, program, "-P", f"msg={hostile}", "-P", "seeds=[1, 2]", "--param=data=s3://b/k", "-P", "more=- -"
    )
    assert (done.stdout, done.stderr) == (f"é 0.5 --kind adam --seeds [1, 2] s3://b/k {hostile} --more - -\n", "")
    assert launched(python, program, "-e", "code").returncode == 7
    assert launched(python, program, "-e", "home").stdout == f"{here}\n/tmp\n"
    assert launched(python, program, "-e", "train.py", "--dry-run", "-P", "x=1").stdout == "python train.py --x 1\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a value for the parameter msg (string)"),
        (["-P", "msg=a", "-P", "alpha=x"], "the value 'x' of parameter 'alpha' is wrong, expected a number"),
        (["-P", "msg=a", "-P", "alpha=-1"], "expected at least 0"),
        (["-P", "msg=a", "-P", "kind=adm"], "expected one of adam, sgd"),
        (["-P", "msg=a", "-P", "data=no/such/file"], "is no file, expected an existing file"),
        (["-P", "msg"], "-P 'msg' is no assignment, expected name=value"),
        (["-P", "msg=a", "-P", "msg=b"], "-P msg=… is given twice"),
        (["-e", "mian"], "there is no entry point called 'mian'; did you mean 'main'?"),
        (["-e", "tran.py"], "no script called 'tran.py'; did you mean 'train.py'?"),
        (["-e", "../x.py"], "outside of the project"),
        (["--nope"], "option --nope not recognized"),
        (["main"], "'main' is no option"),
    ],
)
def test_a_mistake_is_told_as_mlproj_run_tells_it(program: Path, arguments: list[str], said: str) -> None:
    done = launched(sys.executable, program, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and said in done.stderr and "Traceback" not in done.stderr


def test_a_name_that_is_nearly_declared_is_warned_of(program: Path) -> None:
    done = launched(sys.executable, program, "-P", "msg=a", "-P", "alpa=1")
    assert done.returncode == 0 and "warning: the parameter 'alpa' is not declared" in done.stderr


def test_help_lists_entry_points_and_parameters(python: str, program: Path) -> None:
    done = launched(python, program, "--help", LC_ALL="C")
    assert done.returncode == 0 and done.stdout.startswith("größe: what it is for\n\nusage: docker run IMAGE")
    for line in (
        "entry point main: trains",
        "  alpha  float, default 0.5, at least 0: strength",
        "  kind   string, default adam, one of adam, sgd",
        "  seeds  list[int], optional",
        "  msg    string, required",
        "entry point code",
    ):
        assert f"{line}\n" in done.stdout


def test_values_of_a_run_are_the_defaults_of_its_entry_point(program: Path) -> None:
    project = projects.load(program.parent / "code")
    placed(program.parent, project, entry_point="main", parameters={"msg": "kept", "more": "1"}, begin="true\n")
    assert launched(sys.executable, program, "--dry-run", "-P", "alpha=2").stdout.splitlines() == [
        "true",
        f"echo é 2 --kind adam {program.parent}/code/data.csv 'kept' --more 1",
    ]
    assert launched(sys.executable, program, "--dry-run", "-e", "code").stdout == "true\nexit 7\n"
    assert "msg    string, default kept" in launched(sys.executable, program, "--help").stdout


def test_all_that_is_in_it_can_be_read_by_python_3_6() -> None:
    with zipfile.ZipFile(io.BytesIO(launcher_file.content())) as archive:
        for name in archive.namelist():
            source = archive.read(name).decode()
            tree = ast.parse(source, name, feature_version=(3, 6))
            assert "__future__" not in source
            found = list(launcher_file.annotations_of(tree))
            assert all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in found), name


def test_the_same_mlproj_makes_the_same_file() -> None:
    assert launcher_file.content() == launcher_file.content()


ALL_NAMES = ["a", "b-c", "_d", "Ä", "alpha"]
NAMES = st.sampled_from(ALL_NAMES)
TEXTS = st.text(
    st.sampled_from("'\"\\$`{}()#;&|<> \n\t*~-=+x1é")
    | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=8,
)
VALUES = TEXTS | st.sampled_from(["1", "0.5", "true", "[1, 2]", "a,b", "-x", "--rm=-rf", "None", "", "1e400", "inf"])
DEFAULTS = (
    st.just(REQUIRED)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | VALUES
    | st.lists(st.integers() | TEXTS, max_size=2)
)
TYPES = st.sampled_from(
    ["string", "string", "string", "int", "float", "bool", "uri", "path", "list", "list[int]", "list[float]"]
)
PARAMETERS = st.builds(
    Parameter,
    st.just(""),
    TYPES,
    default=DEFAULTS,
    choices=st.none() | st.none() | st.lists(st.integers() | VALUES, min_size=1, max_size=3).map(tuple),
    minimum=st.none() | st.sampled_from([-1.5, 0.0, 7.0]),
    maximum=st.none() | st.sampled_from([-1.5, 0.0, 7.0]),
    optional=st.booleans(),
)
FIELDS = [
    "{a}",
    "{b-c}",
    "{_d}",
    "{Ä}",
    "'{a}'",
    '"{a} {Ä}"',
    "--flag {a}",
    " --opt='{_d}' ",
    "$'{a}'",
    "{a:>5}",
    "`{a}`",
    "$(echo {a})",
    "{alpha}",
]
AROUND = ["python t.py ", "${{HOME}}", "# ", "\n", "\\\n", " ", "<<E\n{a}\nE\n", "$", "'", '"']
PIECES = st.sampled_from([*FIELDS, *AROUND])


@st.composite
def cases(draw: st.DrawFn) -> tuple[EntryPoint, dict[str, str]]:
    # Most have all that the fields name, so that most commands come about.
    parameters = {
        name: replace(draw(PARAMETERS), name=name) for name in draw(st.lists(NAMES, unique=True) | st.just(ALL_NAMES))
    }
    command = "".join(draw(st.lists(PIECES, min_size=1, max_size=6)))
    return EntryPoint("main", command, parameters), draw(
        st.dictionaries(NAMES | st.just("extra one"), VALUES, max_size=3)
    )


def outcome(point: EntryPoint, values: dict[str, str], folder: Path) -> tuple[int, str]:
    """The command's text, or the mistake."""
    try:
        return 0, projects.bind(point, values, cwd=folder, project_dir=folder).text
    except MlprojError as error:
        return error.exit_code, error.message


@settings(max_examples=300)
@given(cases())
def test_an_entry_point_from_an_image_makes_the_same_commands(case: tuple[EntryPoint, dict[str, str]]) -> None:
    point, values = case
    again = entry_points.read(json.loads(json.dumps(entry_points.document(point))))
    assert outcome(again, values, Path("/nowhere")) == outcome(point, values, Path("/nowhere"))


@settings(max_examples=10, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # each starts programs
@given(case=cases())
def test_the_file_in_an_image_makes_the_same_commands(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[EntryPoint, dict[str, str]]
) -> None:
    point, values = case
    folder = tmp_path_factory.getbasetemp() / "launched"
    (folder / "code").mkdir(parents=True, exist_ok=True)
    program = placed(folder, Project(folder / "code", entry_points={"main": point}))
    code, text = outcome(point, values, folder / "code")
    assume("\r" not in text)
    for python in pythons():
        done = launched(
            python,
            program,
            "--dry-run",
            *(word for name, value in values.items() for word in ("-P", f"{name}={value}")),
        )
        assert done.returncode == code, done.stderr
        # An older Python's repr escapes what its Unicode does not have yet.
        assert done.stdout == f"{text}\n" if code == 0 else in_ascii(text.split("\n")[0]) in in_ascii(done.stderr)


def in_ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def test_a_layer_is_the_same_bytes_wherever_the_files_were(tmp_path: Path) -> None:
    made = []
    for name, order in (("one", ["b", "a", "ä b"]), ("two", ["ä b", "a", "b"])):
        folder = tmp_path / name
        (folder / ".git").mkdir(parents=True)
        (folder / ".git" / "config").write_text("url = https://user:secret@host/")
        (folder / "empty").mkdir(mode=0o700)
        for file in order:
            (folder / file).write_text(file)
            os.utime(folder / file, (len(made) * 1000.0, len(made) * 1000.0))
        (folder / "b").chmod(0o700)
        (folder / "link").symlink_to("a")
        made.append(image_layer.write(tmp_path / f"{name}.tar", folder, {"x": 1}, 1_600_000_000))
    assert made[0].archive.read_bytes() == made[1].archive.read_bytes() and made[0].sha256 == made[1].sha256
    listed = subprocess.run(
        ["tar", "-tvf", made[0].archive], capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"}
    ).stdout
    lines = {line.split(maxsplit=5)[5]: line.split()[:2] for line in listed.splitlines()}
    assert lines["mlflow/projects/code/b"] == ["-rwxr-xr-x", "0/0"] and lines["mlflow/projects/code/a"] == [
        "-rw-r--r--",
        "0/0",
    ]
    assert lines["mlflow/projects/code/empty/"] == ["drwxrwxrwx", "0/0"] and "mlflow/projects/code/link -> a" in lines
    assert made[0].files == 4 and ".git" not in listed


def test_what_docker_env_takes_from_the_machine_is_told(tmp_path: Path) -> None:
    text = (
        "docker_env: {image: x, environment: [[A, b], 'C=d', HERE], volumes: ['./d:/d'], gpus: all}\nentry_points:"
        " {main: {command: ls}}\n"
    )
    (tmp_path / "MLproject").write_text(text)
    declared = projects.load(tmp_path).environment
    assert declared is not None
    notes = list(image_content.not_in_it(declared))
    assert [note.rpartition(" ")[2] for note in notes] == ["HERE", "-v", "--gpus"]
