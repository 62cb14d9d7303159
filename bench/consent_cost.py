"""Measures consent: the requests and the time that it adds to the same bare request.

Four variants of a call alternate: the bare request, the preview, the call with the preview's
confirmation, and the call with a flag. A form costs the same as preview and confirmation.
"""

import http.client
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from bench.call_cost import KEY
from bench.harness.mcp_clients import Answer, Era, McpClient, StdioClient
from bench.harness.process import TIMEOUT_SECONDS, HarnessError, python_module

RESPONSE_MS = 20
"""The response time of the upstream, in milliseconds."""

JsonObject = dict[str, Any]

_STUDIO = "/v1/studios/studio_42"


@dataclass(frozen=True, slots=True)
class CallCase:
    """A guarded call: its tool and ids, and the TRaX request that it makes."""

    tool: str
    ids: JsonObject
    method: str
    path: str
    body: JsonObject | None = None
    on_air: bool = False
    needs_confirmation: bool = True

    @property
    def arguments(self) -> JsonObject:
        """The arguments of the tool."""
        return {**self.ids, **(self.body or {})}


_IN_STUDIO = {"studioId": "studio_42"}
_DESTINATION = (_IN_STUDIO | {"destId": "dest_1"}, "PATCH", f"{_STUDIO}/destinations/dest_1")
_SOURCE = (_IN_STUDIO | {"sourceId": "source_1"}, "PATCH", f"{_STUDIO}/sources/source_1")
_NEW_DESTINATION = {"name": "Second channel", "platform": "youtube"}
_NEW_SOURCE = {"name": "Second camera", "type": "webcam"}
_OFF = {"active": False}

CALL_CASES = (
    CallCase("go_live", _IN_STUDIO, "POST", f"{_STUDIO}/go-live"),
    CallCase("go_offline", _IN_STUDIO, "POST", f"{_STUDIO}/go-offline", on_air=True),
    CallCase("delete_destination", _DESTINATION[0], "DELETE", _DESTINATION[2]),
    CallCase("delete_source", _SOURCE[0], "DELETE", _SOURCE[2]),
    CallCase("unlink_connection", {"connectionId": "conn_1"}, "DELETE", "/v1/connections/conn_1"),
    CallCase("update_destination", *_DESTINATION, {"streamKey": "made-up"}),
    CallCase(
        "create_destination",
        _IN_STUDIO,
        "POST",
        f"{_STUDIO}/destinations",
        _NEW_DESTINATION,
        on_air=True,
    ),
    CallCase("create_source", _IN_STUDIO, "POST", f"{_STUDIO}/sources", _NEW_SOURCE, on_air=True),
    CallCase("update_source", *_SOURCE, _OFF, on_air=True),
    CallCase("update_source", *_SOURCE, _OFF, needs_confirmation=False),
    # The last one: after it, a studio that is not live may be live at any moment.
    CallCase("update_studio", _IN_STUDIO, "PATCH", _STUDIO, {"autoGoLive": True}),
)
"""Every guarded tool, on air if it is guarded only then; one also off air."""


@dataclass(frozen=True, slots=True)
class CallCost:
    """One call: its milliseconds, its requests, and how many of these were sequential."""

    ms: float
    requests: int
    sequential: int


@dataclass(frozen=True, slots=True)
class ConsentCost:
    """What consent adds to one call, by variant; None if there is no such variant."""

    case: CallCase
    preview: CallCost | None
    confirmed: CallCost
    flag: CallCost


def measure_consent(rounds: int) -> Iterator[ConsentCost]:
    """Measure what consent adds to each call, as medians of `rounds`."""
    with ExitStack() as stack:
        upstream = stack.enter_context(
            python_module("bench.baselines.studio_upstream", str(RESPONSE_MS))
        ).address()
        audit_log = Path(stack.enter_context(TemporaryDirectory()), "audit.jsonl")

        def start(module: str, **settings: str) -> McpClient:
            settings |= {"TRAX_API_KEY": KEY, "TRAX_BASE_URL": upstream}
            process = stack.enter_context(python_module(module, settings=settings))
            return StdioClient(process, Era.MODERN)

        upstream_control = stack.enter_context(closing(UpstreamControl(upstream)))
        servers = Servers(
            bare=start("bench.baselines.forwarding_server"),
            ours=start("trax_mcp", TRAX_AUDIT_LOG=str(audit_log)),
            flag=start("trax_mcp", TRAX_AUDIT_LOG=str(audit_log), TRAX_CONFIRM="flag"),
        )
        for case in CALL_CASES:
            yield _measure(case, servers, upstream_control, rounds)


@dataclass(frozen=True, slots=True)
class Servers:
    """The clients of the bare server, and of trax-mcp with confirmations and with a flag."""

    bare: McpClient
    ours: McpClient
    flag: McpClient


class UpstreamControl:
    """The control requests of the upstream, on one connection."""

    def __init__(self, address: str) -> None:
        netloc = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(netloc, timeout=TIMEOUT_SECONDS)

    def reset(self, *, on_air: bool) -> None:
        """Put the studio on air or off, and reset the counts."""
        self._get("on_air" if on_air else "off_air")

    def read_counts(self) -> tuple[int, int]:
        """The number of requests, and of sequential ones."""
        counts = self._get("seen")
        return counts["requests"], counts["turns"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _get(self, name: str) -> JsonObject:
        self._connection.request("GET", f"/bench/{name}")
        answer: JsonObject = json.loads(self._connection.getresponse().read())
        return answer


def _measure(
    case: CallCase, servers: Servers, upstream_control: UpstreamControl, rounds: int
) -> ConsentCost:
    """Call each variant in each round; the first round is a warm-up."""
    calls: defaultdict[str, list[CallCost]] = defaultdict(list)

    def call(variant: str, client: McpClient, tool: str, arguments: JsonObject) -> Answer:
        upstream_control.reset(on_air=case.on_air)
        answer = client.ask("tools/call", name=tool, arguments=arguments)
        counts = upstream_control.read_counts()
        calls[variant].append(CallCost(answer.seconds * 1000, *counts))
        return answer

    for _ in range(rounds + 1):
        confirmed = flagged = {**case.arguments, "confirm": True}
        call("bare", servers.bare, "send", _request_arguments(case)).success()
        if case.needs_confirmation:
            preview = call("preview", servers.ours, case.tool, case.arguments).refusal()
            confirmed = {**flagged, "confirmation": preview["confirmation"]}
        call("confirmed", servers.ours, case.tool, confirmed).success()
        call("flag", servers.flag, case.tool, flagged).success()
    costs = {variant: _median_call(it) for variant, it in calls.items()}
    return ConsentCost(
        case,
        costs.get("preview"),
        _difference(costs["confirmed"], costs["bare"]),
        _difference(costs["flag"], costs["bare"]),
    )


def _request_arguments(case: CallCase) -> JsonObject:
    arguments: JsonObject = {"method": case.method, "path": case.path}
    return arguments | ({"body": case.body} if case.body else {})


def _median_call(calls: Sequence[CallCost]) -> CallCost:
    """The median of all calls except the first.

    On a busy machine requests at the same time arrive one after another: the least are counted.

    Raises:
        HarnessError: they made different numbers of requests.
    """
    warm = calls[1:]
    requests = {it.requests for it in warm}
    if len(requests) != 1:
        raise HarnessError(f"the same call made different numbers of requests: {requests}")
    return CallCost(median(it.ms for it in warm), requests.pop(), min(it.sequential for it in warm))


def _difference(call: CallCost, bare: CallCost) -> CallCost:
    return CallCost(
        call.ms - bare.ms, call.requests - bare.requests, call.sequential - bare.sequential
    )
