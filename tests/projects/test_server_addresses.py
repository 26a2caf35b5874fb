"""Which loopback addresses of a project's files are those of an MLflow server, and which are somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlproj.projects import server_addresses
from mlproj.projects.server_address import ServerAddress


def found(folder: Path, *, command: str = "", variables: dict[str, str] | None = None, **files: str) -> list[str]:
    """What is found in a project of these files (``__`` for the dot, ``___`` for a slash), as ``url file:line``."""
    for name, content in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return [f"{each.url} {each.place}" for each in server_addresses.find(folder, command=command, variables=variables)]


@pytest.mark.parametrize(
    "code",
    [
        'mlflow.set_tracking_uri("http://localhost:5000")',
        'mlflow.set_tracking_uri(uri="http://localhost:5000/")',
        'mlflow.set_registry_uri("http://localhost:5000")',
        'client = MlflowClient("http://localhost:5000")',
        'client = mlflow.MlflowClient(tracking_uri="http://localhost:5000")',
        'logger = MLFlowLogger(experiment_name="a", tracking_uri="http://localhost:5000")',
        'os.environ["MLFLOW_TRACKING_URI"] = "http://localhost:5000"',
        'os.environ.setdefault("MLFLOW_TRACKING_URI", "http://localhost:5000")',
        'uri = os.getenv("MLFLOW_TRACKING_URI", "http://localhost:5000")',
        'mlflow.set_tracking_uri(os.environ.get("SERVER", "http://localhost:5000"))',
        'remote_server_uri = "http://localhost:5000"',
        'uri = "http://localhost:5000"; mlflow.set_tracking_uri(uri)',
        'uri: str = "http://localhost:5000"; mlflow.set_tracking_uri(uri.rstrip("/"))',
        'a = "http://localhost:5000"; b = a or None; mlflow.set_tracking_uri(b)',
        'h, p = "localhost", 5000; mlflow.set_tracking_uri(f"http://{h}:{p}")',
        'p = 5000; mlflow.set_tracking_uri("http://localhost:" + str(p))',
        'mlflow.set_tracking_uri("http://%s:%d" % ("localhost", 5000))',
        'mlflow.set_tracking_uri("http://{}:{}".format("localhost", 5000))',
        'mlflow.set_tracking_uri("http://{host}:{1}/".format(3, 5000, host="localhost"))',
        'mlflow.set_tracking_uri("http://%(host)s:%(port)d" % {"host": "localhost", "port": 5000})',
        'base = 4990; mlflow.set_tracking_uri("http://localhost:%d" % (base + 2 * 5))',
        'def address(): return "http://localhost:5000"\nmlflow.set_tracking_uri(address())',
        'def number():\n    return 5000\nmlflow.set_tracking_uri(f"http://localhost:{number()}")',
        'class Settings:\n    host: str = "localhost"\n    port: int = 5000\n    @property\n    def uri(self):\n'
        '        return f"http://{self.host}:{self.port}"\nmlflow.set_tracking_uri(Settings().uri)',
        'def go(uri): mlflow.set_tracking_uri(uri)\ngo("http://localhost:5000")',
        'def go(uri="http://localhost:5000"): mlflow.set_tracking_uri(uri)',
        'parser.add_argument("--uri", default="http://localhost:5000"); mlflow.set_tracking_uri(args.uri)',
        'parser.add_argument("--tracking-uri", default="http://localhost:5000")',
        'config = {"mlflow": {"uri": "http://localhost:5000"}}',
        'class Mlflow:\n    def __init__(self, where): mlflow.set_tracking_uri(where)\nMlflow("http://localhost:5000")',
        'if True:\n    mlflow.set_tracking_uri("http://localhost:5000" if here else "databricks")',
        'print "python 2"\nmlflow.set_tracking_uri("http://localhost:5000")',
    ],
)
def test_what_reaches_mlflow_in_a_program_is_an_address(tmp_path: Path, code: str) -> None:
    assert {each.partition(" ")[0] for each in found(tmp_path, train__py=f"import mlflow\n{code}\n")} == {
        "http://localhost:5000"
    }


@pytest.mark.parametrize(
    "code",
    [
        'requests.post("http://localhost:5000/predict")',
        'API = "http://127.0.0.1:5000/invocations"',
        'url = "http://localhost:5000"; requests.get(url)',
        'engine = create_engine("postgresql://localhost:5432/db")',
        'client = Redis(url="http://localhost:6379")',
        'print("see mlflow ui at http://localhost:5000")',
        '# mlflow.set_tracking_uri("http://localhost:5000")',
        'os.environ["MLFLOW_S3_ENDPOINT_URL"] = "http://localhost:9000"',
        'schema_registry_url = "http://localhost:8081"',
        'mlflow.set_tracking_uri("https://example.org"); minio = "http://localhost:9000"',
        'mlflow.set_tracking_uri("http://localhost.example.org:5000")',
        'mlflow.set_tracking_uri("http://10.0.0.7:5000")',
        'app.run(host="0.0.0.0", port=5000); mlflow.set_tracking_uri("file:./mlruns")',
    ],
)
def test_other_services_are_none(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, train__py=f"import mlflow\n{code}\n") == []


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("config__yaml", "mlflow:\n  tracking_uri: http://localhost:5000\n", 2),
        ("config__yaml",
         "mlflow_config:\n  artifacts_dir: a\n  remote_server_uri: 'http://localhost:5000' # here\n", 3),
        ("params__yaml", "data: a\nmlflow:\n  uri: http://localhost:5000\n", 3),
        ("settings__toml", '[tool.mlflow]\nuri = "http://localhost:5000"\n', 2),
        ("app__ini", "[mlflow]\nserver = http://localhost:5000\n", 2),
        ("config__json", '{\n  "tracking": {\n    "uri": "http://localhost:5000"\n  }\n}\n', 3),
        ("__env", "A=1\nMLFLOW_TRACKING_URI=http://localhost:5000\n", 2),
        ("run__sh", "export MLFLOW_TRACKING_URI='http://localhost:5000'\n", 1),
        ("run__sh", "#!/bin/sh\npython train.py --tracking-uri http://localhost:5000 --epochs 3\n", 2),
        ("Makefile", "train:\n\tMLFLOW_TRACKING_URI=http://localhost:5000 python train.py\n", 2),
        ("Dockerfile", "FROM python\nENV MLFLOW_TRACKING_URI http://localhost:5000\n", 2),
        ("compose__yaml", "services:\n  t:\n    environment:\n      - MLFLOW_TRACKING_URI=http://localhost:5000\n", 4),
        ("MLproject", "name: mlflow\nentry_points:\n  main:\n    parameters:\n      tracking_uri: {type: string, "
         'default: "http://localhost:5000"}\n', 5),
        ("MLproject", "name: mlflow\nparameters:\n  tracking_uri:\n    default: http://localhost:5000\n", 4),
        ("train__R", 'library(mlflow)\nmlflow_set_tracking_uri("http://localhost:5000")\n', 2),
    ],
)  # fmt: skip
def test_settings_of_mlflow_are_found_with_file_and_line(tmp_path: Path, name: str, content: str, line: int) -> None:
    here = found(tmp_path, train__py="import mlflow\n", **{name: content})

    assert here == [f"http://localhost:5000 {name.replace('__', '.')}:{line}"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config__yaml", "database:\n  url: http://localhost:5000\n"),
        ("compose__yaml", "services:\n  minio:\n    environment:\n      - S3_ENDPOINT=http://localhost:9000\n"),
        (
            "config__yaml",
            "# mlflow: http://localhost:5000\nmlflow:\n  experiment: a\napi:\n  uri: http://localhost:5000\n",
        ),
        ("package__json", '{"proxy": "http://localhost:5000"}\n'),
        ("train__py", "import mlflow\nmlflow.set_tracking_uri('sqlite:///a.db')\n"),
    ],
)
def test_settings_of_others_are_none(tmp_path: Path, name: str, content: str) -> None:
    assert found(tmp_path, a__py="import mlflow\n", **{name: content}) == []


def test_a_configuration_is_followed_from_the_call_that_reads_it(tmp_path: Path) -> None:
    here = found(
        tmp_path,
        src___train__py="import mlflow\nmlflow.set_tracking_uri(config['experiment']['where_to_log'])\n",
        conf___base__yaml="api:\n  uri: http://localhost:8000\nexperiment:\n  where_to_log: http://127.0.0.1:8080\n",
    )

    assert here == ["http://127.0.0.1:8080 conf/base.yaml:4"]


def test_host_and_port_that_are_given_apart_are_put_together(tmp_path: Path) -> None:
    here = found(
        tmp_path,
        train__py='import mlflow\nfrom settings import *\nmlflow.set_tracking_uri(f"http://{cfg.mlflow.host}:{cfg.mlflow.port}")\n',
        config__yaml="mlflow:\n  host: 127.0.0.1\n  port: 5001\n",
    )

    assert here == ["http://127.0.0.1:5001 train.py:3"]


def test_a_constant_of_another_module_is_found_where_it_is_written(tmp_path: Path) -> None:
    here = found(
        tmp_path,
        train__py="import mlflow, settings\nmlflow.set_tracking_uri(settings.LOG_TO)\n",
        settings__py='DATABASE = "http://localhost:5432"\nLOG_TO = "http://0.0.0.0:5000"\n',
    )

    assert here == ["http://0.0.0.0:5000 settings.py:2"]


def test_a_cell_of_a_notebook_is_found_by_its_line_in_the_file(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import mlflow\n"]},
        {"cell_type": "code", "source": ["this is not Python\n"]},
        {"cell_type": "code", "source": ["a = 1\n", 'mlflow.set_tracking_uri("http://localhost:5000")\n']},
    ]
    text = json.dumps({"cells": cells}, indent=1)
    (line,) = [number for number, each in enumerate(text.splitlines(), 1) if "set_tracking_uri" in each]

    assert found(tmp_path, a__ipynb=text) == [f"http://localhost:5000 a.ipynb:{line}"]


def test_the_command_and_the_environment_count_too(tmp_path: Path) -> None:
    here = found(
        tmp_path,
        train__py="import mlflow, os\nmlflow.set_tracking_uri(os.environ['LOG_TO'])\n",
        command="python train.py --mlflow-uri http://localhost:5001",
        variables={"LOG_TO": "http://localhost:5002", "API": "http://localhost:5003"},
    )

    assert here == ["http://localhost:5002 $LOG_TO", "http://localhost:5001 the command"]


def test_an_address_has_its_parts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "mlflow.set_tracking_uri('http://[::1]:5000/')\nmlflow.set_registry_uri('http://localhost')\n"
    )

    assert server_addresses.find(tmp_path) == (
        ServerAddress("[::1]", 5000, "a.py", 1),
        ServerAddress("localhost", 80, "a.py", 2),
    )


def test_an_https_address_is_found_as_one_that_cannot_be_answered(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "mlflow.set_tracking_uri('https://localhost:8443/')\nmlflow.set_registry_uri('HTTPS://127.0.0.1')\n"
    )

    assert server_addresses.find(tmp_path) == (
        ServerAddress("localhost", 8443, "a.py", 1, "https"),
        ServerAddress("127.0.0.1", 443, "a.py", 2, "https"),
    )
    assert not any(each.is_answerable for each in server_addresses.find(tmp_path))


def test_environments_and_hidden_folders_are_not_read(tmp_path: Path) -> None:
    code = 'import mlflow\nmlflow.set_tracking_uri("http://localhost:5000")\n'

    assert found(tmp_path, e___pyvenv__cfg="", e___a__py=code, node_modules___a__py=code, __git___a__py=code) == []


def test_what_is_too_large_or_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text('mlflow.set_tracking_uri("http://localhost:5000")\n' + "#" * (1 << 20))
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "binary.py").write_bytes(b"\0\xff mlflow localhost " * 9)
    (tmp_path / "deep.py").write_text("mlflow = " + "(" * 5000 + "'localhost'")
    (tmp_path / "long.py").write_text("mlflow.set_tracking_uri(" + "+".join(["'http://localhost:1'"] * 900) + ")")
    doubled = "".join(f"def f{each + 1}(): return f{each}() + f{each}()\n" for each in range(60))
    (tmp_path / "many.py").write_text(f"def f0(): return 'localhost'\n{doubled}mlflow.set_tracking_uri(f60())\n")
    (tmp_path / "odd.ipynb").write_text('{"cells": {"mlflow": "localhost"}}')

    assert server_addresses.find(tmp_path) == ()
