"""What consent costs: the requests and the time that a guarded call adds to a bare send of it.

Four ways to make the same call take turns: the bare send; the preview; the call with the preview's
confirmation; the call where a flag is enough. A form costs what preview and confirmation do: it
walks the same two walks.
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

from bench.processes import PATIENCE_SECONDS, BenchError, Process
from bench.wire import Answer, Era, HttpExchange, StdioWire

PAUSE_MS = 20
"""What the upstream takes for each answer: the way there and back."""

JsonObject = dict[str, Any]

_KEY = "sk_live_of_the_bench"
_STUDIO = "/v1/studios/studio_42"


@dataclass(frozen=True, slots=True)
class Act:
    """A guarded call: its tool and ids, and the request that it stands for."""

    tool: str
    ids: JsonObject
    method: str
    path: str
    body: JsonObject | None = None
    on_air: bool = False
    needs_yes: bool = True

    @property
    def arguments(self) -> JsonObject:
        """What the tool is called with."""
        return {**self.ids, **(self.body or {})}


_IN_STUDIO = {"studioId": "studio_42"}
_DESTINATION = (_IN_STUDIO | {"destId": "dest_1"}, "PATCH", f"{_STUDIO}/destinations/dest_1")
_SOURCE = (_IN_STUDIO | {"sourceId": "source_1"}, "PATCH", f"{_STUDIO}/sources/source_1")
_PLACE = {"name": "Second channel", "platform": "youtube"}
_CAMERA = {"name": "Second camera", "type": "webcam"}
_OFF = {"active": False}

ACTS = (
    Act("go_live", _IN_STUDIO, "POST", f"{_STUDIO}/go-live"),
    Act("go_offline", _IN_STUDIO, "POST", f"{_STUDIO}/go-offline", on_air=True),
    Act("delete_destination", _DESTINATION[0], "DELETE", _DESTINATION[2]),
    Act("delete_source", _SOURCE[0], "DELETE", _SOURCE[2]),
    Act("unlink_connection", {"connectionId": "conn_1"}, "DELETE", "/v1/connections/conn_1"),
    Act("update_studio", _IN_STUDIO, "PATCH", _STUDIO, {"autoGoLive": True}),
    Act("update_destination", *_DESTINATION, {"streamKey": "made-up"}),
    Act("create_destination", _IN_STUDIO, "POST", f"{_STUDIO}/destinations", _PLACE, on_air=True),
    Act("create_source", _IN_STUDIO, "POST", f"{_STUDIO}/sources", _CAMERA, on_air=True),
    Act("update_source", *_SOURCE, _OFF, on_air=True),
    Act("update_source", *_SOURCE, _OFF, needs_yes=False),
)
"""Every guarded tool. What is guarded only on air is there on air; the last one also off air."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its milliseconds, its requests, and how many of those came one after another."""

    ms: float
    requests: int
    in_turn: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What consent adds to one act, by the way that the call goes; None if there is no such way."""

    act: Act
    preview: Call | None
    confirmed: Call
    flag: Call


def costs(rounds: int) -> Iterator[Cost]:
    """What consent adds, act by act, as medians of so many rounds."""
    with ExitStack() as stack:
        upstream = stack.enter_context(Process("bench.peers.studio", str(PAUSE_MS))).address()
        audit_log = Path(stack.enter_context(TemporaryDirectory()), "audit.jsonl")

        def start(module: str, **settings: str) -> HttpExchange:
            given = {"TRAX_API_KEY": _KEY, "TRAX_BASE_URL": upstream, **settings}
            return StdioWire(stack.enter_context(Process(module, environment=given)), Era.MODERN)

        control = stack.enter_context(closing(Control(upstream)))
        bare = start("bench.peers.sending")
        ours = start("trax_mcp", TRAX_AUDIT_LOG=str(audit_log))
        flag = start("trax_mcp", TRAX_AUDIT_LOG=str(audit_log), TRAX_CONFIRM="flag")
        for act in ACTS:
            yield Stand(act, control, bare=bare, ours=ours, flag=flag).cost(rounds)


class Control:
    """The upstream's own controls, on one kept connection that ends with `close`."""

    def __init__(self, address: str) -> None:
        netloc = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(netloc, timeout=PATIENCE_SECONDS)

    def begin(self, *, on_air: bool) -> None:
        """Put the studio on air or off, and count from nothing."""
        self._ask("on_air" if on_air else "off_air")

    def counted(self) -> tuple[int, int]:
        """How many requests came, and how many of them one after another."""
        seen = self._ask("seen")
        return seen["requests"], seen["turns"]

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, what: str) -> JsonObject:
        self._connection.request("GET", f"/bench/{what}")
        answer: JsonObject = json.loads(self._connection.getresponse().read())
        return answer


class Stand:
    """One act, and the servers that can do it."""

    def __init__(
        self,
        act: Act,
        control: Control,
        *,
        bare: HttpExchange,
        ours: HttpExchange,
        flag: HttpExchange,
    ) -> None:
        self._act = act
        self._control = control
        self._bare = bare
        self._ours = ours
        self._flag = flag
        self._calls: defaultdict[str, list[Call]] = defaultdict(list)

    def cost(self, rounds: int) -> Cost:
        """Let the ways take turns, and see what each adds. The first round only warms up."""
        for _ in range(rounds + 1):
            self._take_turns()
        bare = _typical(self._calls["bare"])
        preview = _typical(self._calls["preview"]) if self._act.needs_yes else None
        confirmed, flag = _typical(self._calls["confirmed"]), _typical(self._calls["flag"])
        return Cost(self._act, preview, _beyond(confirmed, bare), _beyond(flag, bare))

    def _take_turns(self) -> None:
        act, flagged = self._act, {**self._act.arguments, "confirm": True}
        yes = flagged
        self._call("bare", self._bare, "send", _request(act)).result()
        if act.needs_yes:
            preview = self._call("preview", self._ours, act.tool, act.arguments).refusal()
            yes = {**flagged, "confirmation": preview["confirmation"]}
        self._call("confirmed", self._ours, act.tool, yes).result()
        self._call("flag", self._flag, act.tool, flagged).result()

    def _call(self, way: str, wire: HttpExchange, tool: str, arguments: JsonObject) -> Answer:
        self._control.begin(on_air=self._act.on_air)
        answer = wire.ask("tools/call", name=tool, arguments=arguments)
        self._calls[way].append(Call(answer.seconds * 1000, *self._control.counted()))
        return answer


def _request(act: Act) -> JsonObject:
    sent: JsonObject = {"method": act.method, "path": act.path}
    return sent | ({"body": act.body} if act.body else {})


def _typical(calls: Sequence[Call]) -> Call:
    """The median of all but the first.

    Raises:
        BenchError: they did not all ask for the same.
    """
    warm = calls[1:]
    counted = {(it.requests, it.in_turn) for it in warm}
    if len(counted) != 1:
        raise BenchError(f"the same call asked for different things: {counted}")
    return Call(median(it.ms for it in warm), *counted.pop())


def _beyond(call: Call, bare: Call) -> Call:
    return Call(call.ms - bare.ms, call.requests - bare.requests, call.in_turn - bare.in_turn)
