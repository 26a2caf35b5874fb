"""Real packages of a local channel, solved, installed and run by py-rattler."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.cache import inventory
from mlproj.foundation import paths
from tests.conda_channel import PYTHON, Channel
from tests.conftest import lack
from tests.environments.conda.conftest import conda_file
from tests.program import mlproj, start

pytestmark = pytest.mark.needs("rattler")

MAIN = "import sys, mlib; print(mlib.__version__, sys.version.split()[0], sys.prefix)\n"
PLAIN = "channels: [main]\ndependencies: [python, mlib]\n"


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[str, dict[str, Any], str]:
    done = mlproj("run", folder, *arguments, "--json", env=env)
    assert done.code == 0, done.err
    record = done.document["run"]
    return (paths.run_dir(record["run_id"]) / "output.log").read_text(), record, done.err


def project(folder: Path, text: str, main: str = MAIN) -> Path:
    conda_file(folder, text)
    (folder / "main.py").write_text(main)
    return folder


def test_a_conda_project_runs_with_its_own_python_and_libraries(tmp_path: Path, channel: Channel) -> None:
    folder = project(tmp_path / "p", PLAIN)
    out, record, _ = run(folder)
    version, python, prefix = out.split()
    assert (version, python) == ("2.0", PYTHON) and Path(prefix).is_relative_to(paths.environments())
    environment = record["environment"]
    assert (environment["kind"], environment["manager"], environment["python"]) == ("conda", "rattler", PYTHON)
    assert environment["reused"] is False and environment["lock"] == "conda.lock.txt"
    lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
    assert "@EXPLICIT" in lock and re.search(
        rf"{channel.folder.as_uri()}/noarch/mlib-2.0-0.tar.bz2#sha256:[0-9a-f]{{64}}\n", lock
    )
    assert run(folder)[1]["environment"]["reused"] is True
    (stored,) = inventory.installed()
    assert stored.kind == "conda" and stored.packages["mlib"] == "2.0"
    shown = mlproj("env", "show", stored.key[:8]).out
    assert "rattler" in shown and "mlib" in shown


def test_a_warm_run_loads_no_solver(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    run(folder)
    code = (
        "import sys; from mlproj.__main__ import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert 'rattler' not in sys.modules, 'it was loaded'"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, "run", folder, "-q"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "2.0" in done.stdout, done.stderr


def test_packages_are_as_of_a_date(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    assert run(folder, "--as-of", "2021-01-01")[0].startswith("1.0 ")
    out, record, _ = run(folder)
    assert out.startswith("2.0 ") and record["environment"]["as_of"] is None
    assert len(inventory.installed()) == 2
    failed = mlproj("run", folder, "--as-of", "2019-01-01", "--env-manager", "conda")
    assert failed.code == 73 and "cannot be solved" in failed.err


def test_the_first_channel_that_has_a_package_is_its_only_one(tmp_path: Path, channel: Channel) -> None:
    own = Channel(channel.folder.parent / "own")
    own.library("mlib", "0.5")
    own.index()
    out, *_ = run(project(tmp_path / "p", "channels: [own, main, nodefaults]\ndependencies: [python, mlib]\n"))
    assert out.startswith("0.5 ")
    out, *_ = run(project(tmp_path / "q", "channels: [main, own]\ndependencies: [python, 'own::mlib']\n"))
    assert out.startswith("0.5 ")
    wanted = project(tmp_path / "r", "channels: [own, main]\ndependencies: [python, mlib>=1]\n")
    refused = mlproj("run", wanted, "--env-manager", "conda")
    assert refused.code == 73 and "mlib" in refused.err


def test_what_pip_is_to_add_comes_beside(tmp_path: Path) -> None:
    text = "channels: [main]\ndependencies:\n- python\n- mlib=1\n- pip:\n  - ./local\n  - tiny @ file://{}\n"
    for name in ("local", "tiny"):
        (tmp_path / "p" / name).mkdir(parents=True)
        build = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        (tmp_path / "p" / name / "pyproject.toml").write_text(f"{build}[project]\nname = '{name}'\nversion = '3'\n")
        (tmp_path / "p" / name / "backend.py").write_text(BACKEND.replace("NAME", name))
    folder = project(
        tmp_path / "p",
        text.format(tmp_path / "p" / "tiny"),
        "import mlib, local, tiny; print(mlib.__version__, local.x, tiny.x)\n",
    )
    out, record, _ = run(folder, "--env-manager", "conda")
    assert out == "1.0 local tiny\n"
    lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
    assert "\n# pip ./local\n" in lock and "s3cr3t" not in lock
    conda_file(folder, lock, "lock.txt")
    out, again, _ = run(folder)
    assert out == "1.0 local tiny\n"
    assert (paths.run_dir(again["run_id"]) / "conda.lock.txt").read_text() == lock


BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "NAME-3-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("NAME.py", "x = 'NAME'\\n")
        wheel.writestr("NAME-3.dist-info/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 3\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("NAME-3.dist-info/WHEEL", tags)
        wheel.writestr("NAME-3.dist-info/RECORD", "")
    return name
"""


def test_variables_and_activation_reach_the_program(tmp_path: Path) -> None:
    text = "channels: [main]\ndependencies: [python, greeter, tool]\nvariables: {MINE: 'a b'}\n"
    main = (
        "import os; print(*map(os.environ.get, ('MINE', 'GREETING', 'CONDA_PREFIX')), flush=True); os.system('tool')\n"
    )
    out, _, _ = run(project(tmp_path / "p", text, main))
    first, second = out.splitlines()
    prefix = first.split()[-1]
    assert first == f"a b hello from {prefix} {prefix}" and second == f"tool of {prefix}"


def test_what_a_machine_lacks_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "channels: [main]\ndependencies: [python, for-gpu]\n", "print('ran')\n")
    failed = mlproj("run", folder, "--env-manager", "conda", env={"CONDA_OVERRIDE_CUDA": ""})
    assert failed.code == 73 and "__cuda" in failed.err
    assert run(folder, "--env-manager", "conda", env={"CONDA_OVERRIDE_CUDA": "12.4"})[0] == "ran\n"


def test_a_lock_is_installed_without_solving(tmp_path: Path, channel: Channel) -> None:
    _, record, _ = run(project(tmp_path / "p", "channels: [main]\ndependencies: [python, mlib=1]\n"))
    lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
    folder = tmp_path / "locked"
    conda_file(folder, lock, "lock.txt")
    (folder / "main.py").write_text(MAIN)
    out, again, _ = run(folder, env={"MLPROJ_CONDA_CHANNEL_ALIAS": "file:///nowhere"})
    assert out.startswith("1.0 ") and again["environment"]["kind"] == "conda"
    assert (paths.run_dir(again["run_id"]) / "conda.lock.txt").read_text() == lock

    conda_file(folder, re.sub(r"(#sha256:)....", r"\g<1>0000", lock), "lock.txt")
    assert "has another sha256" in mlproj("run", folder, "--env-manager", "conda").err
    conda_file(folder, "@EXPLICIT\nrm -rf /\n", "lock.txt")
    refused = mlproj("run", folder, "--env-manager", "conda")
    assert refused.code == 65 and "lock.txt:2:1" in refused.err
    conda_file(
        folder, "@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/osx-arm64/python-3.11.0-0.conda\n", "lock.txt"
    )
    refused = mlproj("run", folder)
    assert refused.code == 73 and "lists packages for osx-arm64, and this machine is" in refused.err


@pytest.mark.parametrize(
    ("option", "told"), [("--as-of=2020-13-01", "2020-13-01"), ("--env-manager=conda", "CONDA_OVERRIDE_CUDA")]
)
def test_a_mistake_of_the_users_is_no_reason_to_translate(tmp_path: Path, option: str, told: str) -> None:
    refused = mlproj("run", project(tmp_path / "p", PLAIN), option, env={"CONDA_OVERRIDE_CUDA": "a b"})
    assert refused.code == 2 and told in refused.err, refused.err
    assert inventory.installed() == []


def test_packages_of_the_user_stay_out(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PLAIN, "import site, sys; print(site.ENABLE_USER_SITE, sys.path)\n")
    (tmp_path / "home" / "lib" / f"python{'.'.join(PYTHON.split('.')[:2])}" / "site-packages").mkdir(parents=True)
    out, *_ = run(folder, env={"PYTHONUSERBASE": str(tmp_path / "home")})
    assert out.startswith("False ") and str(tmp_path / "home") not in out


@pytest.mark.parametrize("remote", [False, True])
def test_a_package_that_is_not_what_its_channel_says_is_refused(tmp_path: Path, channel: Channel, remote: bool) -> None:
    own = Channel(channel.folder.parent / "broken")
    own.python()
    file = own.library("mlib", "9")
    own.index()
    file.write_bytes(file.read_bytes() + b"x")
    with served(channel.folder.parent) as host:
        where = f"http://{host}/t/s3cr3t/broken" if remote else "broken"
        folder = project(tmp_path / "p", f"channels: ['{where}']\ndependencies: [python, mlib]\n")
        failed = mlproj("run", folder, "--env-manager", "conda")
    assert failed.code == 73 and "cannot be installed" in failed.err, failed.err
    assert inventory.installed() == [] and not list(paths.environments().glob(".*building"))
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "FAILED"


def test_without_conda_packages_it_is_translated_and_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "channels: [conda-forge]\ndependencies: [python]\n", "print('ran')\n")
    away = {"MLPROJ_CONDA_CHANNEL_ALIAS": "http://127.0.0.1:9"}
    out, record, _ = run(folder, env=away)
    assert out == "ran\n" and record["environment"]["kind"] == "python"
    assert (
        "no conda packages, translated to Python packages: conda's channels cannot be read"
        in record["environment"]["notes"][0]
    )
    refused = mlproj("run", folder, "--env-manager", "conda", env=away)
    assert refused.code == 69 and "MLPROJ_CONDA_CHANNEL_ALIAS" in refused.err
    off = run(project(tmp_path / "q", PLAIN, "print('ran')\n").parent / "p", env={"MLPROJ_CONDA": "off"})[1]
    assert off["environment"]["kind"] == "python" and not any(
        "translated" in note for note in off["environment"]["notes"]
    )
    without = conda_file(tmp_path / "r", "dependencies: [python]\n")
    (without / "MLproject").write_text("entry_points: {main: {command: 'true'}}\n")
    (without / "conda.yaml").unlink()
    assert "is for projects with a conda.yaml" in mlproj("run", without, "--env-manager", "conda").err


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("channels: [3]\ndependencies: [python]\n", "conda.yaml:1:12", "a channel must be a name"),
        ("channels: ['a b']\ndependencies: [python]\n", "conda.yaml:1:12", "is no channel"),
        ("channels: [main]\ndependencies: ['num py=1=']\n", "conda.yaml:2:16", "is no conda package"),
        ("channels: [main]\ndependencies: [[a]]\n", "conda.yaml:2:16", "a dependency must be a text"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, place: str, told: str) -> None:
    failed = mlproj("run", project(tmp_path / "p", text), "--env-manager", "conda")
    assert failed.code == 65 and place in failed.err and told in failed.err, failed.err


class _Served(SimpleHTTPRequestHandler):
    """Wants a token in the address, as private channels do, or a password."""

    def do_GET(self) -> None:
        with_token = self.path.startswith("/t/s3cr3t/")
        if not with_token and self.headers.get("Authorization") != f"Basic {b64encode(b'me:s3cr3t').decode()}":
            self.send_error(404)
            return
        self.path = self.path.removeprefix("/t/s3cr3t") if with_token else self.path
        super().do_GET()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The host and port of channels in *folder*."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Served, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


WITH_TOKEN, WITH_PASSWORD = "http://{}/t/s3cr3t/main", "http://me:s3cr3t@{}/main"


def holding(secret: bytes, *folders: Path) -> list[Path]:
    return [file for folder in folders for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


@pytest.mark.parametrize("written", [WITH_TOKEN, WITH_PASSWORD])
@pytest.mark.parametrize("where", ["channel", "package", "alias"])
def test_credentials_of_a_channel_are_kept_nowhere(tmp_path: Path, channel: Channel, written: str, where: str) -> None:
    os.unlink(paths.cache() / "conda" / "packages")
    own = Channel(tmp_path / "channels" / "main")
    own.library("mlib", "7")
    own.python()
    own.index()
    with served(own.folder.parent) as host:
        address = written.format(host)
        text = {
            "channel": f"channels: ['{address}']\ndependencies: [python, mlib]\n",
            "package": (
                f"channels: [nodefaults, 'http://{host}/main']\ndependencies: ['{address}::python',"
                f" '{address}::mlib']\n"
            ),
            "alias": "channels: [main]\ndependencies: [python, mlib]\n",
        }[where]
        alias = {"MLPROJ_CONDA_CHANNEL_ALIAS": address.removesuffix("/main")}
        folder = project(tmp_path / "p", text)
        out, record, said = run(folder, "--env-manager", "conda", env=alias)
        assert out.startswith("7 ")
        assert "s3cr3t" not in json.dumps(record) + said + out
        assert holding(b"s3cr3t", paths.home(), paths.cache()) == []
        lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
        assert f"\nhttp://{host}/main/noarch/mlib-7-0.tar.bz2#sha256:" in lock

        # What is in the cache needs no channel any more: not for solving, and not for a lock that was looked at before.
        conda_file(tmp_path / "q", re.sub("http://.*?/main/", f"{address}/", lock), "lock.txt")
        (tmp_path / "q" / "main.py").write_text(MAIN)
        assert run(tmp_path / "q")[0].startswith("7 ")
        assert holding(b"s3cr3t", paths.home(), paths.cache()) == []
    mlproj("env", "prune")
    assert run(folder, "--env-manager", "conda", "--offline", env=alias)[0].startswith("7 ")
    mlproj("env", "prune")
    assert run(tmp_path / "q", "--offline")[0].startswith("7 ")


def test_offline_nothing_is_asked(tmp_path: Path, channel: Channel) -> None:
    os.unlink(paths.cache() / "conda" / "packages")
    with served(channel.folder.parent) as host:
        folder = project(tmp_path / "p", f"channels: ['{WITH_TOKEN.format(host)}']\ndependencies: [python, mlib]\n")
        refused = mlproj("run", folder, "--env-manager", "conda", "--offline")
        assert refused.code == 69 and "run it once without --offline" in refused.err
        record = run(folder)[1]
        lock = (paths.run_dir(record["run_id"]) / "conda.lock.txt").read_text()
        shutil.rmtree(paths.cache() / "conda" / "packages")
        mlproj("env", "prune")
        lacking = mlproj("run", folder, "--offline")
        assert lacking.code == 73 and "a conda package is not in the cache, and --offline was asked for" in lacking.err
        conda_file(tmp_path / "q", lock, "lock.txt")
        refused = mlproj("run", tmp_path / "q", "--offline")
        assert (
            refused.code == 73
            and "a package of the lock is not available" in refused.err
            and "without --offline" in refused.err
        )


def test_runs_at_once_build_one_environment(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    processes = [start("run", folder, "--isolated", "--json") for _ in range(3)]
    documents = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [document["run"]["status"] for document in documents] == ["FINISHED"] * 3
    assert len({document["run"]["environment"]["key"] for document in documents}) == 1
    assert [document["run"]["environment"]["reused"] for document in documents].count(False) == 1


@pytest.mark.parametrize("pause", [0.3, 0.8, 1.5])
def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_whole(tmp_path: Path, pause: float) -> None:
    folder = project(tmp_path / "p", PLAIN)
    process = start("run", folder, "--env-manager", "conda")
    time.sleep(pause)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    out, _, _ = run(folder, "--env-manager", "conda")
    assert out.startswith("2.0 ")
    assert not list(paths.environments().glob(".*building")) and len(inventory.installed()) == 1


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PLAIN)
    disk = paths.environments()
    disk.mkdir(parents=True)
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        lack("cannot mount a small disk here")
    try:
        failed = mlproj("run", folder, "--env-manager", "conda")
        left = [place.name for place in disk.iterdir() if not place.name.endswith(".lock")]
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    assert failed.code == 73 and "the disk is full" in failed.err and "Traceback" not in failed.err, failed.err
    assert left == []
    assert run(folder, "--env-manager", "conda")[0].startswith("2.0 ")


def test_a_run_is_reproduced_from_its_lock(tmp_path: Path) -> None:
    from tests import tiny_package

    text = "channels: [main]\ndependencies: [python, mlib, {pip: [./tiny]}]\nvariables: {MINE: 'a b'}\n"
    main = "import mlib, os, tiny; open('out', 'w').write(f'{mlib.__version__} {tiny.x} {os.environ[\"MINE\"]}')\n"
    folder = project(tmp_path / "p", text, main)
    for name, content in tiny_package.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    _, record, _ = run(folder, "--as-of", "2021-01-01")
    assert (folder / "out").read_text() == "1.0 tiny a b"
    shutil.rmtree(paths.environments())

    done = mlproj("reproduce", record["run_id"], "--json")

    assert done.code == 0, done.err + done.out
    again = mlproj("runs", "show", done.document["reproduction"]["runs"][0]["run_id"], "--json").document["run"]
    kept = [(paths.run_dir(one["run_id"]) / "conda.lock.txt").read_bytes() for one in (record, again)]
    assert kept[0] == kept[1]
    assert again["environment"]["manager"] == "rattler" and again["environment"]["reused"] is False
