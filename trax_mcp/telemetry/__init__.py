"""What operators can measure. The other modules know `Telemetry`, which by itself does nothing.

The one that measures is in `open_telemetry`, which needs the extra `telemetry` and is imported only
where it is switched on. No key, name, id or text is given to it, but for hashes and TRaX's request
ids.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Literal, NamedTuple

Gauge = Literal["trax_mcp.engine.up", "trax_mcp.questions.open", "trax_mcp.watchers"]
"""What is read whenever somebody looks."""
Transport = Literal["pipe", "tcp"]
NoteAnswer = Callable[[int, str], None]
"""Is told the status and the request id of TRaX's answer."""


class McpRequest(NamedTuple):
    """A message of a client. `target` is the tool or prompt, one of ours or `_OTHER`."""

    method: str
    target: str | None
    protocol_version: str
    transport: Transport
    caller: str
    session: str | None


class Telemetry:
    """Measures nothing."""

    is_on: bool = False
    metrics_url: str | None = None
    """Where Prometheus finds the metrics, if anywhere."""

    def describe_span(self, request: McpRequest) -> None:
        """Add to the SDK's span of a message what it lacks."""

    def measure_operation(self, request: McpRequest, seconds: float, error: str | None) -> None:
        """Measure how long a message of a client took."""

    def measure_session(self, seconds: float, transport: Transport) -> None:
        """Measure how long a client's session lasted, as it ends."""

    def measure_http(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Measure a request to this server. Those with an error's status count as refused.

        There is no status where the client has left before its answer began.
        """

    def request_to_trax(self, _method: str, _path: str) -> AbstractContextManager[NoteAnswer]:
        """Measure a request to TRaX. `path` is that of the contract, without ids."""
        return _NOT_MEASURED

    def count_decision(
        self, tool: str, verdict: str, channel: str | None, *, reason: str | None, by_wish: bool
    ) -> None:
        """Count what was decided about a guarded call, why, and where a yes was given.

        `by_wish`: the model asks, by a preview, since its caller has asked for that.
        """

    def measure_stop(self, seconds: float) -> None:
        """Measure how long a stop took from its yes until it was sent."""

    def observe(self, gauge: Gauge, read: Callable[[], int]) -> None:
        """Let `read` answer, from any thread, whenever somebody looks."""

    async def flush(self) -> None:
        """Send what was measured and is not sent yet. Takes a moment at most."""


def _ignore(_status: int, _request_id: str) -> None:
    """Nobody measures it."""


_NOT_MEASURED: Final = nullcontext(_ignore)
OFF: Final = Telemetry()
