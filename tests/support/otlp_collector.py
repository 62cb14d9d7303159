"""A collector of OpenTelemetry on loopback: it keeps what it gets by OTLP/HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.product.local_servers import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from starlette.types import Receive, Scope, Send

TRACES = "/v1/traces"
METRICS = "/v1/metrics"


@dataclass(frozen=True)
class Span:
    """A span as it arrived. Ids are in hex; `parent` is empty for the first of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, str | int]
    has_failed: bool


@dataclass
class Collector:
    """What was posted, as paths with bodies. If it `hangs`, it answers nobody until it ends."""

    hangs: bool = False
    address: str = ""
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a post."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.posts.append((scope["path"], body))
        if self.hangs:
            await self.ended.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def settings(self, *signals: str) -> dict[str, str]:
        """The standard variables with which a process sends these signals here."""
        exporters = {f"OTEL_{it.upper()}_EXPORTER": "otlp" for it in signals}
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.address, **exporters}

    def histogram_count(self, name: str) -> int:
        """How many values a metric of this name had when it was sent last."""
        *_, body = [body for path, body in self.posts if path == METRICS]
        return sum(
            point.count
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.histogram.data_points
        )

    def spans(self) -> Iterator[Span]:
        """All spans."""
        for path, body in self.posts:
            if path == TRACES:
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            yield Span(
                                span.name,
                                span.trace_id.hex(),
                                span.span_id.hex(),
                                span.parent_span_id.hex(),
                                {
                                    it.key: it.value.string_value or it.value.int_value
                                    for it in span.attributes
                                },
                                span.status.code == span.status.STATUS_CODE_ERROR,
                            )


@asynccontextmanager
async def collector(*, hangs: bool = False) -> AsyncIterator[Collector]:
    """A collector on a free port."""
    opened = Collector(hangs=hangs)
    async with listening(opened) as opened.address:
        try:
            yield opened
        finally:
            opened.ended.set()
