"""Parts answered by a cluster, as a pipeline of Ray Data. The parts are written by the process that asks, and no other.

A process of the cluster that dies takes nothing with it: Ray gives its parts to another. A part that comes twice is
the same file, written twice.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.data.workers import in_order
from striate.errors import StriateError, WorkerError
from striate.extras import require_extra
from striate.predictions.answers import Answerer, Manner, encoded
from striate.predictions.job import Job
from striate.predictions.listing import items_of
from striate.predictions.work import AnswerParts
from striate.train.run import open_run

LOCAL = "local"
"""The address that stands for a cluster of this machine alone, which begins and ends with the job."""
PATIENT = ("RAY_raylet_start_wait_time_s", "RAY_worker_register_timeout_seconds")
"""Environment variables of Ray's: the seconds that a node and a process may take to start."""
MOST_BLOCKS = 1000
"""The most blocks that Ray gets the parts in; a block that a dead process had is answered anew as a whole."""
_ADDRESS = re.compile(r"local|auto|[A-Za-z0-9_.\-]+:[0-9]{1,5}|\[[0-9a-fA-F:.]+\]:[0-9]{1,5}")


def by_cluster(address: str) -> AnswerParts:
    """A function that answers parts on a Ray cluster: at HOST:PORT, "auto" for the one running here, or "local".

    All nodes have Striate, and find the run and the images under the same paths. Raises WorkerError for what is no
    address, and RequirementError where Ray is not installed.
    """
    if not _ADDRESS.fullmatch(address):
        raise WorkerError(
            f"{address!r:.80} is no address of a cluster.",
            "Expected HOST:PORT, as `ray start --head` prints it, auto for the cluster of this machine, or local.",
            "To begin a cluster here for this job, give --ray as the last word, or --ray local.",
        )
    require_extra("ray", "predictions by a cluster need")
    return partial(_answered, address=address)


def _answered(job: Job, parts: list[int], *, address: str) -> Generator[tuple[int, bytes]]:
    run = job.request.run
    manner = replace(job.manner, threads=1)
    rows = ({"part": part, "items": zlib.compress(job.listed.text(part).encode())} for part in parts)
    with _connected(address) as cluster:
        blocks = min(len(parts), MOST_BLOCKS)
        most = max(1, int(cluster.cluster_resources().get("GPU" if manner.device != "cpu" else "CPU", 1)))
        answered = cluster.data.from_items([*rows], override_num_blocks=blocks).map_batches(
            Worker,
            fn_constructor_args=(os.path.abspath(run.folder), manner),
            batch_size=1,
            compute=cluster.data.ActorPoolStrategy(min_size=1, max_size=min(most, len(parts))),
            num_cpus=1,
            num_gpus=1 if manner.device != "cpu" else None,
            # Ray Data's actors restart, and repeat what they were at, without end: that is its default.
        )
        done: set[int] = set()
        for row in answered.iter_rows():
            if int(row["part"]) not in done:
                done.add(int(row["part"]))
                yield int(row["part"]), bytes(row["answers"])
    if lost := len(set(parts) - done):
        raise WorkerError(f"the cluster lost {lost:,} of {len(parts):,} parts.", "", "Give the same command again.")


class Worker:
    """A process of the cluster: it has the run's weights, and answers parts on one thread."""

    def __init__(self, folder: str, manner: Manner) -> None:
        torch.set_num_threads(1)
        self.answerer = Answerer(open_run(folder), manner)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The answers to the images of some parts: their lists are in `items`, compressed."""
        found: list[bytes] = []
        for each in batch["items"]:
            items = items_of(zlib.decompress(each).decode(), Path("images.jsonl"))
            found.append(encoded(self.answerer.answers(in_order(self.answerer.pixels, items, workers=1))))
        return {"part": batch["part"], "answers": np.array(found, dtype=object)}


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Context with Ray, connected to a cluster. Raises WorkerError for what goes wrong in it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send usage statistics
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # errors are also raised as exceptions
    for name in PATIENT:  # Ray's limit of half a minute is too short on a busy machine
        os.environ.setdefault(name, "300")
    ray: Any = importlib.import_module("ray")  # it may be missing; types of what it gives are not looked at
    importlib.import_module("ray.data")
    own = not ray.is_initialized()
    try:
        if own:
            options = {"address": "local", "include_dashboard": False} if address == LOCAL else {"address": address}
            try:
                ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
            except Exception as error:  # a node that does not start is a plain Exception of Ray's
                raise _failed(address, error) from None
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # it prints tracebacks of what it raises
        yield ray
    except StriateError:
        raise
    except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError) as error:
        raise _failed(address, error) from None
    finally:
        if own:
            ray.shutdown()


def _failed(address: str, error: Exception) -> StriateError:
    """The error for one that Ray raised: a process's own is in it as a cause, or as the last lines of its text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StriateError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return WorkerError(
        f"the cluster at {address} could not answer: {_reason(str(error)) or type(error).__name__:.300}",
        "Parts that are done are kept.",
        "Mend the cluster, then give the same command again; without --ray it is done in this process.",
    )


def _reason(text: str) -> str:
    """The line of an error of Ray's that says why: that of an error of ours, or the last one.

    >>> _reason("died:\\n  File x\\nstriate.errors.RunError: runs/a does not exist.\\nA run is a folder.\\n")
    'runs/a does not exist.'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ours = [line.partition(": ")[2] for line in lines if line.startswith("striate.errors.")]
    return (ours or lines or [""])[-1]
