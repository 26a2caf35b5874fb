"""What a server counts, and how Prometheus is told: plain numbers, made into its format when it asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from mlproj.models.serving.current import Current

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Histogram:
    """How often a value was at most each of *bounds*."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> Sequence[tuple[str, float]]:
        """The counts as Prometheus has them, each including those before it."""
        found, count = [], 0
        for bound, more in zip((*self._bounds, float("inf")), self._counts, strict=True):
            count += more
            found.append(("+Inf" if bound == float("inf") else str(bound), float(count)))
        return found


class Measurements:
    """Counts the requests and the batches of one server."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.seconds: dict[str, Histogram] = {}
        self.batch_sizes = Histogram(_SIZES)
        self.batch_seconds = Histogram(_SECONDS)
        self.in_flight = 0
        self.replacements = 0

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered; *route* is its path's pattern, or empty."""
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        histogram = self.seconds.get(route)
        if histogram is None:
            histogram = self.seconds[route] = Histogram(_SECONDS)
        histogram.add(seconds)

    def batch(self, size: int, seconds: float) -> None:
        """A worker answered *size* requests together."""
        self.batch_sizes.add(size)
        self.batch_seconds.add(seconds)


def exposition(measurements: Measurements, current: Current, accept: str) -> tuple[bytes, str]:
    """The numbers in the format that a client *accept*s, and its content type."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collector(lambda: _metrics(measurements, current)))
    ProcessCollector(registry=registry)
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


class _Collector:
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self.collect = collect


def _metrics(measured: Measurements, current: Current) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    yield from _requests(measured)
    for name, text, histogram in (
        ("batch_size", "Requests that a worker was asked at once.", measured.batch_sizes),
        ("batch_seconds", "Time that a worker took for them.", measured.batch_seconds),
    ):
        yield HistogramMetricFamily(f"mlproj_model_{name}", text, histogram.buckets(), histogram.total)
    yield from _state(measured, current)
    yield from _recorded(current)


def _requests(measured: Measurements) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    counted = CounterMetricFamily("mlproj_model_requests", "Requests that were answered.", labels=("route", "status"))
    for (route, status), count in measured.requests.items():
        counted.add_metric((route, str(status)), count)
    yield counted
    took = HistogramMetricFamily("mlproj_model_request_seconds", "From the request to its answer.", labels=("route",))
    for route, histogram in measured.seconds.items():
        took.add_metric((route,), histogram.buckets(), histogram.total)
    yield took


def _state(measured: Measurements, current: Current) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

    service, about = current.service, current.about
    ready = sum(lane.is_ready for lane in service.lanes)
    yield GaugeMetricFamily("mlproj_model_waiting", "Requests that wait for a worker.", service.waiting)
    yield GaugeMetricFamily("mlproj_model_in_flight", "Requests that are being answered.", measured.in_flight)
    yield GaugeMetricFamily("mlproj_model_workers_ready", "Workers that can answer.", ready)
    yield CounterMetricFamily("mlproj_model_worker_restarts", "Workers that died and were replaced.", service.restarts)
    yield CounterMetricFamily("mlproj_model_replacements", "Versions that took over.", measured.replacements)
    labels = {
        "name": about.name,
        "version": about.version or "",
        "address": about.address,
        "loaded_by": current.loaded_by,
    }
    yield InfoMetricFamily("mlproj_model", "The model that answers.", labels)


def _recorded(current: Current) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    recorder = current.recorder
    if recorder is not None:
        yield CounterMetricFamily("mlproj_model_recorded", "Requests that were kept.", recorder.kept)
        yield CounterMetricFamily(
            "mlproj_model_record_drops", "Requests that were to be kept, and were not.", recorder.dropped
        )
