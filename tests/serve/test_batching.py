"""A queue: what waits together is computed together, in order; more than may wait are refused, and time ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from striate.errors import BusyError, HungUpError
from striate.serve.batching import HANG_UP, Batcher, HangUp, Limits, one_by_one
from tests.support.asking import PATIENCE
from tests.support.networks import TINY
from tests.support.serving import fresh


def running(work: Callable[[], object]) -> object:
    """What a coroutine gives, in a thread of its own: an event loop of a browser's tests may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work()).result()  # type: ignore[arg-type]


class Gate:
    """Work that doubles numbers, and waits before its first batch until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[list[int]] = []

    def double(self, jobs: Sequence[int]) -> list[int | Exception]:
        """The doubles."""
        self.batches.append(list(jobs))
        assert self.open.wait(PATIENCE)
        return [ValueError(job) if job < 0 else 2 * job for job in jobs]


def test_what_arrives_meanwhile_is_computed_together_and_in_order() -> None:
    gate = Gate()

    async def crowd() -> list[object]:
        batcher = Batcher(gate.double, most=4, limits=Limits())
        first = asyncio.create_task(batcher.ask(0))
        while not gate.batches:  # a lone job begins at once
            await asyncio.sleep(0)
        others = [asyncio.create_task(batcher.ask(number)) for number in (1, 2, -3, 4, 5, 6)]
        others[1].cancel()
        await asyncio.sleep(0)
        gate.open.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    found = running(crowd)
    assert gate.batches == [[0], [1, -3, 4, 5], [6]]
    assert isinstance(found, list)
    assert [each for each in found if not isinstance(each, BaseException)] == [0, 2, 8, 10, 12]
    assert isinstance(found[2], asyncio.CancelledError)
    assert isinstance(found[3], ValueError)


def test_work_that_breaks_is_an_error_of_its_jobs_and_not_of_the_next() -> None:
    def work(jobs: Sequence[int]) -> list[int | Exception]:
        if 1 in jobs:
            raise MemoryError
        return [*jobs]

    async def asked() -> list[object]:
        batcher = Batcher(work, limits=Limits())
        return [await asyncio.gather(batcher.ask(number), return_exceptions=True) for number in (1, 2)]

    found = running(asked)
    assert isinstance(found, list)
    assert isinstance(found[0][0], MemoryError)
    assert found[1] == [2]


def test_more_than_may_wait_are_refused() -> None:
    gate = threading.Event()

    async def crowd() -> list[object]:
        batcher = Batcher(one_by_one, limits=Limits(waiting=3))
        first = asyncio.create_task(batcher.ask(lambda: gate.wait(PATIENCE)))
        while batcher.task is None or batcher.jobs:
            await asyncio.sleep(0)
        runs = [asyncio.create_task(batcher.ask(lambda: gate.wait(PATIENCE))) for _ in range(5)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(first, *runs, return_exceptions=True)

    found = running(crowd)
    assert isinstance(found, list)
    assert [each for each in found if each is True] == [True] * 4
    refused = [each for each in found if isinstance(each, BusyError)]
    assert len(refused) == 2
    assert str(refused[0]) == "too many requests at once.\nAt most 3 may wait.\nSend it again in a second."


def test_no_answer_in_time_is_an_error_that_says_so() -> None:
    gate = threading.Event()

    async def late() -> str:
        batcher = Batcher(one_by_one, limits=Limits(seconds=0.01))
        try:
            await batcher.ask(lambda: gate.wait(PATIENCE))
        except BusyError as error:
            return str(error)
        finally:
            gate.set()
        return ""

    assert running(late) == (
        "no answer after 0.01 seconds.\nThe requests before it, or its own computation, took longer.\n"
        "Send it again when fewer are sent, or serve with a longer --timeout."
    )


def test_probabilities_of_many_are_those_of_each(tmp_path: Path) -> None:
    predictor = fresh(TINY, tmp_path / "tiny")
    shape = predictor.run.preprocessing.shape
    pixels = torch.randint(0, 256, (5, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    together = predictor.probabilities(pixels)
    alone = torch.cat([predictor.probabilities(each[None]) for each in pixels])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(together.sum(1), torch.ones(5))


def test_a_waiting_job_leaves_when_its_client_hangs_up_and_a_running_one_stays() -> None:
    gate, clients = Gate(), [HangUp() for _ in range(4)]

    async def asked(batcher: Batcher[int, int], number: int) -> int:
        HANG_UP.set(clients[number])
        return await batcher.ask(number)

    async def crowd() -> list[object]:
        batcher = Batcher(gate.double, most=4, limits=Limits(waiting=2))
        tasks = [asyncio.create_task(asked(batcher, 0))]
        while not gate.batches:
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(asked(batcher, number)) for number in (1, 2)]
        await asyncio.sleep(0)
        clients[0].happens()  # it is being computed
        clients[1].happens()
        assert [job for job, _ in batcher.jobs] == [2]
        tasks.append(asyncio.create_task(asked(batcher, 3)))  # takes the place that is free now
        await asyncio.sleep(0)
        gate.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        late = await asyncio.gather(asked(batcher, 1), return_exceptions=True)  # it hung up before
        assert not any(each.told for each in clients)
        return [*found, *late]

    found = running(crowd)
    assert gate.batches == [[0], [2, 3]]
    assert isinstance(found, list)
    assert [each for each in found if isinstance(each, int)] == [0, 4, 6]
    for each in (found[1], found[-1]):
        assert isinstance(each, HungUpError)
        assert str(each) == "the client hung up before its turn came."


def test_a_lone_light_job_is_computed_in_the_thread_of_the_loop_and_others_are_not() -> None:
    threads: list[tuple[list[int], bool]] = []

    def work(jobs: Sequence[int]) -> list[int | Exception]:
        threads.append(([*jobs], threading.current_thread() is loop_thread[0]))
        return [ValueError(job) if job < 0 else job for job in jobs]

    loop_thread: list[threading.Thread] = []

    async def crowd() -> list[object]:
        loop_thread.append(threading.current_thread())
        batcher = Batcher(work, most=4, limits=Limits(), light=lambda job: job < 10)
        alone = [await asyncio.gather(batcher.ask(job), return_exceptions=True) for job in (1, 20, -2)]
        together = await asyncio.gather(batcher.ask(3), batcher.ask(4))
        return [*(each[0] for each in alone), *together, await batcher.ask(6)]

    found = running(crowd)
    assert threads == [([1], True), ([20], False), ([-2], True), ([3, 4], False), ([6], True)]
    assert isinstance(found, list)
    assert isinstance(found.pop(2), ValueError)
    assert found == [1, 20, 3, 4, 6]


def test_a_light_job_waits_for_the_thread_while_that_computes() -> None:
    gate = Gate()

    async def crowd() -> list[int]:
        batcher = Batcher(gate.double, limits=Limits(), light=lambda job: job > 0)
        first = asyncio.create_task(batcher.ask(0))
        while not gate.batches:
            await asyncio.sleep(0)
        second = asyncio.create_task(batcher.ask(1))
        for _ in range(10):  # the loop goes on
            await asyncio.sleep(0)
        assert gate.batches == [[0]]
        gate.open.set()
        return [*await asyncio.gather(first, second)]

    assert running(crowd) == [0, 2]
    assert gate.batches == [[0], [1]]


def test_where_no_thread_can_be_started_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[int]] = []

    def doubled(jobs: Sequence[int]) -> list[int]:
        calls.append([*jobs])
        return [2 * each for each in jobs]

    def refused(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def asked() -> list[int]:
        batcher = Batcher(doubled, most=4, limits=Limits())
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refused)
            first = await batcher.ask(1)
        return [first, await batcher.ask(2)]

    assert running(asked) == [2, 4]
    assert calls == [[1], [2]]
