"""What a service counts, as Prometheus reads it."""

from collections.abc import Callable

import prometheus_client
from prometheus_client import process_collector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one service.

    Args:
        waiting: How many requests are being answered.
        ready: Whether the service is ready.
    """

    def __init__(self, waiting: Callable[[], int], ready: Callable[[], bool]) -> None:
        self.registry = registry = prometheus_client.CollectorRegistry()
        process_collector.ProcessCollector(registry=registry)
        self._requests = prometheus_client.Counter(
            "ssdgm_requests", "Requests answered.", ("route", "status"), registry=registry
        )
        self._seconds = prometheus_client.Histogram(
            "ssdgm_request_seconds",
            "How long they took.",
            ("route",),
            registry=registry,
            buckets=SECONDS,
        )
        self._rows = prometheus_client.Counter("ssdgm_rows", "Rows computed.", registry=registry)
        self._batches = prometheus_client.Histogram(
            "ssdgm_batch_rows", "Rows of each call of the model.", registry=registry, buckets=ROWS
        )
        gauges: dict[str, tuple[str, Callable[[], int | bool]]] = {
            "ssdgm_waiting": ("Requests that are being answered.", waiting),
            "ssdgm_ready": ("Whether the service is ready.", ready),
        }
        for name, (text, now) in gauges.items():
            prometheus_client.Gauge(name, text, registry=registry).set_function(now)
        self.answered = 0

    def answer(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.answered += 1
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def call(self, rows: int) -> None:
        """Count a call of the model."""
        self._rows.inc(rows)
        self._batches.observe(rows)

    def text(self) -> bytes:
        """All counters in Prometheus's text format."""
        return prometheus_client.generate_latest(self.registry)
