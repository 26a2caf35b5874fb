"""A service over real workers: processes of this Python that load a model of the tests' own code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mlproj.environments.base import Prepared
from mlproj.foundation.errors import InvalidProject
from mlproj.foundation.progress import Silent
from mlproj.models.opened import open_model
from mlproj.models.scoring.lane import Batching
from mlproj.models.scoring.launching import Launcher
from mlproj.models.scoring.queue import QueueFull, TimedOut
from mlproj.models.scoring.service import Launch, Service, ServiceOptions
from mlproj.models.scoring.worker_process import Answer, WorkerGone

Value = TypeVar("Value")

CODE = """
import os, time


class Model:
    def predict(self, data, params=None):
        values = data["inputs"] if isinstance(data, dict) else data
        first = values[0] if len(values) else ""
        if first == "sleep":
            time.sleep(float(values[1]))
        if first == "die":
            os.kill(os.getpid(), 9)
        if first == "print":
            print("from the model")
        return ["%s" % WORD, os.getpid()]


def _load_pyfunc(path):
    return Model()
"""


def code_model(folder: Path, word: str = "one", code: str = CODE) -> Path:
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "served_model.py").write_text(f"WORD = {word!r}\n{code}")
    flavors = {"python_function": {"loader_module": "served_model", "code": "code"}}
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavors}))
    (folder / "requirements.txt").write_text("")
    return folder


def launch(folder: Path) -> Launch:
    with open_model(str(folder), Silent()) as opened:
        return Launcher(opened, Prepared()).launch


def body(*values: Any) -> bytes:
    return json.dumps({"inputs": list(values)}).encode()


def predictions(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    found: list[Any] = json.loads(answer.body)["predictions"]
    return found


async def ask(service: Service, *values: Any) -> list[Any]:
    return predictions(await service.ask("application/json", body(*values)))


def served(
    folder: Path, scenario: Callable[[Service], Coroutine[Any, Any, Value]], options: ServiceOptions | None = None
) -> Value:
    async def run() -> Value:
        service = Service(options or ServiceOptions())
        await service.start(launch(folder))
        try:
            return await scenario(service)
        finally:
            await service.stop(5)
            assert not service.is_ready

    return asyncio.run(asyncio.wait_for(run(), 120))


def test_a_model_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        word, pid = await ask(service, "hello")
        assert word == "one"
        assert pid == service.lanes[0].pid != os.getpid()

    served(code_model(tmp_path / "m"), scenario)


def test_a_killed_worker_is_replaced_and_those_it_had_learn_of_it(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        _, before = await ask(service, "hello")
        with pytest.raises(WorkerGone, match="SIGKILL"):
            await ask(service, "die")
        _, after = await ask(service, "hello")
        assert after != before
        os.kill(after, signal.SIGKILL)  # between two requests
        outcomes = await asyncio.gather(*(ask(service, "hello") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(one, list | WorkerGone) for one in outcomes)
        assert (await ask(service, "hello"))[1] not in (before, after)

    served(code_model(tmp_path / "m"), scenario)


def test_a_request_that_takes_too_long_is_over_and_the_next_is_answered(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        slow = asyncio.ensure_future(ask(service, "sleep", 60))
        await asyncio.sleep(0.1)
        begin = asyncio.get_running_loop().time()
        with pytest.raises(TimedOut):
            await slow
        assert asyncio.get_running_loop().time() - begin < 30
        assert (await ask(service, "hello"))[0] == "one"

    served(code_model(tmp_path / "m"), scenario, ServiceOptions(timeout=3))


def test_one_more_than_may_wait_is_refused(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        asked = [asyncio.ensure_future(ask(service, "sleep", 0.5))]
        await asyncio.sleep(0.2)
        asked += [asyncio.ensure_future(ask(service, "hello")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await ask(service, "hello")
        assert [one[0] for one in await asyncio.gather(*asked)] == ["one"] * 3

    served(code_model(tmp_path / "m"), scenario, ServiceOptions(waiting=2, batching=Batching(1)))


def test_two_workers_answer_at_the_same_time(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        answers = await asyncio.gather(*(ask(service, "sleep", 0.3) for _ in range(2)))
        assert len({pid for _, pid in answers}) == 2

    served(code_model(tmp_path / "m"), scenario, ServiceOptions(workers=2, batching=Batching(1)))


def test_another_version_takes_over_without_a_request_lost(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        words: list[str] = []
        stop = asyncio.Event()

        async def keep_asking() -> None:
            while not stop.is_set():
                words.append((await ask(service, "hello"))[0])

        askers = [asyncio.ensure_future(keep_asking()) for _ in range(8)]
        await asyncio.sleep(0.2)
        await service.replace(launch(code_model(tmp_path / "two", "two")))
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.gather(*askers)
        assert {"one", "two"} == set(words)
        assert (await ask(service, "hello"))[0] == "two"

    served(code_model(tmp_path / "m"), scenario)


def test_a_version_that_cannot_be_loaded_changes_nothing(tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        broken = code_model(tmp_path / "broken", code="raise ValueError('no')\n")
        with pytest.raises(InvalidProject, match="cannot be loaded: .*no"):
            await service.replace(launch(broken))
        assert (await ask(service, "hello"))[0] == "one"

    served(code_model(tmp_path / "m"), scenario)


def test_stopping_answers_what_was_asked(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        service = Service(ServiceOptions(batching=Batching(1)))
        await service.start(launch(code_model(tmp_path / "m")))
        asked = [asyncio.ensure_future(ask(service, "sleep", 0.1)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await service.stop(30)
        return [one[0] for one in await asyncio.gather(*asked)]

    assert asyncio.run(scenario()) == ["one"] * 3
