from __future__ import annotations

import asyncio

import pytest

from mlproj.models.scoring.queue import Pending, QueueFull, RequestQueue


def pending(body: bytes = b"x") -> Pending:
    loop = asyncio.get_running_loop()
    return Pending("application/json", body, loop.time() + 60, loop.create_future())


def test_requests_are_taken_in_order_and_as_many_as_may_go_together() -> None:
    async def scenario() -> list[list[bytes]]:
        queue = RequestQueue(10)
        for number in range(5):
            queue.put(pending(b"%d" % number))
        return [[one.body for one in await queue.take(3, 0)] for _ in range(2)]

    assert asyncio.run(scenario()) == [[b"0", b"1", b"2"], [b"3", b"4"]]


def test_one_request_more_than_may_wait_is_refused() -> None:
    async def scenario() -> None:
        queue = RequestQueue(2)
        queue.put(pending())
        queue.put(pending())
        with pytest.raises(QueueFull, match="too many"):
            queue.put(pending())
        await queue.take(1, 0)
        queue.put(pending())

    asyncio.run(scenario())


def test_large_bodies_fill_the_queue_sooner_and_one_alone_is_always_taken() -> None:
    async def scenario() -> None:
        queue = RequestQueue(100)
        queue.put(pending(bytes(100 << 20)))
        with pytest.raises(QueueFull):
            queue.put(pending(bytes(1 << 20)))
        assert len(await queue.take(5, 0)) == 1
        queue.put(pending(bytes(1 << 20)))

    asyncio.run(scenario())


def test_a_request_whose_asker_is_gone_is_not_taken() -> None:
    async def scenario() -> list[bytes]:
        queue = RequestQueue(10)
        gone, waiting = pending(b"gone"), pending(b"waiting")
        queue.put(gone)
        queue.put(waiting)
        gone.answer.cancel()
        return [one.body for one in await queue.take(5, 0)]

    assert asyncio.run(scenario()) == [b"waiting"]


def test_a_delay_lets_others_come_along_and_a_full_batch_does_not_wait() -> None:
    async def scenario() -> tuple[int, int]:
        queue = RequestQueue(10)
        loop = asyncio.get_running_loop()
        queue.put(pending())
        loop.call_later(0.02, lambda: queue.put(pending()))
        late = len(await queue.take(8, 0.2))
        for _ in range(3):
            queue.put(pending())
        full = len(await asyncio.wait_for(queue.take(3, 60), 5))
        return late, full

    assert asyncio.run(scenario()) == (2, 3)


def test_who_waits_learns_of_what_comes_and_of_the_end() -> None:
    async def scenario() -> tuple[list[bytes], list[bytes], int]:
        queue = RequestQueue(10)
        takers = [asyncio.ensure_future(queue.take(1, 0)) for _ in range(3)]
        await asyncio.sleep(0)
        queue.put(pending(b"a"))
        queue.put(pending(b"b"))
        await asyncio.sleep(0.01)
        queue.close()
        first, second, third = await asyncio.wait_for(asyncio.gather(*takers), 5)
        with pytest.raises(QueueFull, match="stopping"):
            queue.put(pending())
        return [one.body for one in first], [one.body for one in second], len(third)

    assert asyncio.run(scenario()) == ([b"a"], [b"b"], 0)


def test_a_taker_that_gave_up_takes_nobodys_turn() -> None:
    async def scenario() -> list[bytes]:
        queue = RequestQueue(10)
        given_up = asyncio.ensure_future(queue.take(1, 0))
        await asyncio.sleep(0)
        given_up.cancel()
        other = asyncio.ensure_future(queue.take(1, 0))
        await asyncio.sleep(0)
        queue.put(pending(b"a"))
        return [one.body for one in await asyncio.wait_for(other, 5)]

    assert asyncio.run(scenario()) == [b"a"]
