"""Counts and times of a server, in Prometheus's format."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable of the folder in which several workers keep their counts; set before this is imported."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The server's metrics: requests by path and status, their durations, batches, and requests in progress."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels, of = ["method", "path", "status"], self.registry
        self.requests = Counter("striate_requests", "Requests that were answered.", labels, registry=of)
        self.times = Histogram(
            "striate_request_seconds", "Time until an answer is ready.", ["path"], buckets=SECONDS, registry=of
        )
        self.batches = Histogram(
            "striate_batch_requests", "Requests that were computed together.", ["model"], buckets=SIZES, registry=of
        )
        self.queue = Gauge(
            "striate_queue_requests", "Requests that wait.", ["model"], multiprocess_mode="livesum", registry=of
        )
        self.open = Gauge(
            "striate_requests_open", "Requests that are being answered.", multiprocess_mode="livesum", registry=of
        )
        self._counted: Callable[[str, str, int], tuple[Counter, Histogram]] = lru_cache(maxsize=1024)(self._labelled)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered; `path` is an endpoint's, so that there are few."""
        counter, times = self._counted(method, path, status)
        counter.inc()
        times.observe(seconds)

    def watcher(self, model: str) -> QueueMetrics:
        """The metrics of a model's queue."""
        return QueueMetrics(self.queue.labels(model), self.batches.labels(model))

    def text(self) -> tuple[bytes, str]:
        """All of it as text, and the text's type; with several workers, of all of them together."""
        found = self.registry
        if SHARED in os.environ:
            MultiProcessCollector(found := CollectorRegistry())
        return generate_latest(found), CONTENT_TYPE_LATEST

    def _labelled(self, method: str, path: str, status: int) -> tuple[Counter, Histogram]:
        return self.requests.labels(method, path, str(status)), self.times.labels(path)


class QueueMetrics:
    """The metrics of one queue."""

    def __init__(self, queue: Gauge, batches: Histogram) -> None:
        self.queue, self.batches = queue, batches

    def waiting(self, change: int) -> None:
        """Count a change in the number of waiting jobs."""
        self.queue.inc(change)

    def computing(self, jobs: int) -> None:
        """Count a batch of `jobs` jobs."""
        self.batches.observe(jobs)
