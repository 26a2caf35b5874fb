"""Every kind of environment keeps what all of them promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from mlproj.foundation import paths
from tests import conda_program, tiny_package
from tests import r_repository as r_repositories
from tests.conda_channel import Channel
from tests.containers.base_image import PYTHON, TAG
from tests.containers.conftest import asked, forgotten, usable
from tests.r_repository import Repository

pytest.register_assert_rewrite("mlproj.testing.environment_suite")
from mlproj.testing.environment_suite import Declared, EnvironmentSuite  # noqa: E402  # it has to be told first

SHOWS = "python -c 'import tiny; print(tiny.x)'"


class OfPython(EnvironmentSuite):
    kind = "python"
    python: ClassVar[str | None] = None

    def _with(self, files: dict[str, str], printed: str) -> Declared:
        version = f"python: '{self.python}'\n" if self.python else ""
        files = {**files, "python_env.yaml": f"{version}dependencies: [./tiny]\n"}
        return Declared("python_env: python_env.yaml", files, SHOWS, printed)

    def declared(self) -> Declared:
        return self._with(tiny_package.files(), "tiny")

    def another(self) -> Declared:
        return self._with(tiny_package.files("another"), "another")

    def broken(self) -> Declared:
        return self._with(tiny_package.files(backend=tiny_package.BROKEN), "")


class TestUv(OfPython):
    manager = "uv"


class TestVirtualenv(OfPython):
    manager = "virtualenv"
    options = ("--env-manager=virtualenv",)

    @pytest.fixture(autouse=True)
    def _a_place_that_others_quote(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLPROJ_CACHE", str(tmp_path / "o'neil and co"))


class OfConda(EnvironmentSuite):
    @pytest.fixture(autouse=True)
    def _channel(
        self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, conda_channels: Path
    ) -> None:
        pytest.importorskip("rattler")
        monkeypatch.delenv("MLPROJ_CONDA")
        monkeypatch.setenv("MLPROJ_CONDA_CHANNEL_ALIAS", conda_channels.as_uri())

    def _with(self, package: str, printed: str) -> Declared:
        text = f"channels: [main]\ndependencies: [python, {package}]\nvariables: {{MODE: 'a b'}}\n"
        return Declared("conda_env: conda.yaml", {"conda.yaml": text}, SHOWS, printed, variable="a b")

    def declared(self) -> Declared:
        return self._with("tiny=1", "one")

    def another(self) -> Declared:
        return self._with("tiny=2", "two")

    def broken(self) -> Declared:
        return self._with("spoilt", "")


class TestRattler(OfConda):
    kind, manager, options = "conda", "rattler", ("--env-manager=rattler",)


class OfProgram(OfConda):
    kind, options = "conda", ("--env-manager=conda",)
    program: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _program(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLPROJ_CONDA", self.program)


# Genuine ones cannot be had everywhere; what ours stands in for is tested in conda/test_executable.py.
for _path in conda_program.genuine():
    _name = Path(_path).name
    globals()[f"Test{_name.capitalize()}"] = type(
        f"Test{_name.capitalize()}", (OfProgram,), {"program": _path, "manager": _name}
    )


@pytest.mark.needs("Rscript")
class TestRenv(EnvironmentSuite):
    kind, manager = "renv", "R"

    @pytest.fixture(autouse=True)
    def _repository(self, r_repository: Repository) -> None:
        self.repository = r_repository

    def _with(self, version: str) -> Declared:
        lock = r_repositories.lock(self.repository.url, r_repositories.record("tiny", version))
        return Declared("", {"renv.lock": lock}, "Rscript -e 'cat(tiny::x(), fill=TRUE)'", f"tiny {version}")

    def declared(self) -> Declared:
        return self._with("1.0")

    def another(self) -> Declared:
        return self._with("2.0")

    def broken(self) -> Declared:
        return self._with("3.0")


@pytest.fixture(scope="session")
def r_repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("cran"))
    made.add("tiny", "1.0")
    made.add("tiny", "2.0")
    made.add("tiny", "3.0", "stop('it cannot be loaded')\n")
    return made


@pytest.fixture(scope="session")
def conda_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a library, and a package whose file is not what the channel says of it."""
    channel = Channel(tmp_path_factory.mktemp("suite") / "main")
    channel.python()
    channel.library("tiny", "1", "x = 'one'\n")
    channel.library("tiny", "2", "x = 'two'\n")
    channel.library("pip", "23.2.1")  # programs add it to every Python
    spoilt = channel.library("spoilt", "1")
    channel.index()
    spoilt.write_bytes(b"something else")
    return channel.folder.parent


class InEngine(EnvironmentSuite):
    kind = "container"
    options = (f"--in-container={TAG}",)

    @pytest.fixture(autouse=True)
    def _engine(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        usable(self.manager)
        monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", self.manager)
        cache = paths.cache()
        yield
        forgotten(self.manager, cache)

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _engine_after_all(cls) -> Iterator[None]:
        yield
        if cls._made:
            forgotten(cls.manager, cls._made.cache)

    def options_for(self, name: str, value: str) -> tuple[str, ...]:
        return "-A", f"env={name}={value}"

    def leftovers(self) -> list[str]:
        made = asked(
            self.manager, "ps", "--all", "--format", "{{.Names}}", "--filter", f"label=mlproj.image={paths.cache()}"
        ).split()
        runs = asked(
            self.manager, "ps", "--all", "--format", "{{.Names}}", "--filter", f"label=mlproj.home={paths.home()}"
        ).split()
        return [*super().leftovers(), *made, *runs]


class TestDocker(InEngine, OfPython):
    kind, manager, python = "container", "docker", PYTHON


class TestPodman(InEngine, OfPython):
    kind, manager, python = "container", "podman", PYTHON


class TestCondaInAnEngine(InEngine, OfConda):
    kind, manager = "container", "podman"
