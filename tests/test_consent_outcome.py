"""What is said after an act: what was seen, what became of a lost answer, and of a refused yes.

The sandbox takes three seconds of its clock to go live; the clock stands at 18:00.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.acts import ACTS, DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.consent import in_memory, said, told
from tests.jsonrpc import MODERN
from tests.meanwhile import afterwards
from tests.person import yes_to
from tests.witness import put_on_air
from trax_mcp.sandbox import Fault, Sandbox, SandboxTransport

if TYPE_CHECKING:
    import mcp_types as types

    from tests.acts import Act

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")
NOT_LIVE: Final = Fault.status(200, {"live": False})
LIVE: Final = Fault.status(200, {"live": True})
LATER: Final = "2026-06-05T18:00:15Z"


def observed(result: types.CallToolResult) -> dict[str, Any]:
    """What was seen; and that `_meta` and the text say the same."""
    data = result.structured_content or {}
    seen: dict[str, Any] = data["observed"]
    assert (result.meta or {})["live.traxstreaming/outcome"] == seen["state"]
    assert json.loads(said(result)) == data
    return seen


def error(result: types.CallToolResult) -> dict[str, Any]:
    """A failure, without its request id; and that the text says the same."""
    told: dict[str, Any] = dict((result.structured_content or {})["error"])
    assert said(result) == told["message"]
    told.pop("requestId", None)
    return told


async def test_going_live_says_since_when_it_is_on_air(era: str) -> None:
    """TRaX's own time of it, beside all that TRaX has answered."""
    async with in_memory(era) as desk:
        result = await desk.confirmed(GO_LIVE)
    on_air = {
        "state": "on_air",
        "since": "2026-06-05T18:00:03.000Z",
        "checkedAt": "2026-06-05T18:00:03Z",
    }
    assert observed(result) == on_air
    assert result.structured_content == {
        "encoderStreamId": "encoder_101",
        "destinationIds": ["dest_1", "dest_2"],
        "observed": on_air,
    }


async def test_going_live_says_that_it_is_still_starting_after_a_quarter_of_a_minute(
    era: str,
) -> None:
    """Accepted is not on air, and it is not said to be."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        result = await desk.confirmed(GO_LIVE)
        assert desk.sent == [GO_LIVE.sent]
    assert observed(result) == {"state": "starting", "checkedAt": LATER}


async def test_going_offline_says_that_it_is_off_air(era: str) -> None:
    """It lingers for a second of the sandbox's."""
    async with in_memory(era) as desk:
        put_on_air(desk.trax)
        result = await desk.confirmed(GO_OFFLINE)
    assert observed(result) == {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}


async def test_going_offline_says_that_it_is_still_stopping(era: str) -> None:
    """After a quarter of a minute."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(LIVE, times=None, path="*/stream-status")
        result = await desk.confirmed(GO_OFFLINE)
    assert observed(result) == {"state": "stopping", "checkedAt": LATER}


@pytest.mark.parametrize(
    ("fault", "checked_at"),
    [
        (Fault.error(403, "insufficient_scope"), "2026-06-05T18:00:00Z"),
        (Fault.status(500), LATER),
        (Fault.dropped(), LATER),
        (Fault.error(429, "rate_limited", Retry_After="60"), LATER),
    ],
    ids=lambda it: getattr(it, "name", None),
)
async def test_what_cannot_be_seen_is_unknown(*, era: str, fault: Fault, checked_at: str) -> None:
    """At once if that will not change, else after a quarter of a minute of looking."""
    async with in_memory(era) as desk:
        looking = partial(desk.trax.faults.add, fault, times=None, path="*/stream-status")
        desk.trax.faults.add(afterwards(looking), path="*/go-live")
        result = await desk.confirmed(GO_LIVE)
        assert desk.sent == [GO_LIVE.sent]
    assert observed(result) == {"state": "unknown", "checkedAt": checked_at}


LOST: Final = {
    "unreachable": (Fault.dropped(when="after"), "The connection to TRaX broke before it answered"),
    "timeout": (Fault.silence(when="after"), "TRaX did not answer within 0.2 s"),
    "exploded": (
        Fault.status(500, {"error": {"code": "exploded", "message": "Boom."}}, when="after"),
        'TRaX has trouble (HTTP 500, code exploded) (TRaX says: "Boom.")',
    ),
}


@pytest.mark.parametrize("code", LOST)
async def test_a_lost_answer_is_resolved_by_looking(era: str, code: str) -> None:
    """It is seen on air: the failure says that the call took effect, and since when."""
    fault, happened = LOST[code]
    async with in_memory(era, timeout_seconds=0.2) as desk:
        desk.trax.faults.add(fault, path="*/go-live")
        confirmation = await desk.confirmation(GO_LIVE)
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        failure = error(await call())
        again, anew = await call(), await desk.call(GO_LIVE)
        assert desk.sent == [GO_LIVE.sent]
    failure.pop("httpStatus", None)
    assert failure == {
        "code": code,
        "message": f"{happened}, but go_live took effect:"
        " it is on air since 2026-06-05T18:00:03.000Z. Do not call it again.",
        "retryable": False,
        "outcome": "applied",
    }
    assert told(again) == USED
    assert "the call ran, and the studio was then on air" in said(again)
    assert told(anew) == ("nothing_to_do", None)
    assert "since 2026-06-05T18:00:03.000Z" in said(anew)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_that_is_not_seen_stays_unknown(era: str, when: Any) -> None:  # noqa: ANN401  before or after
    """It says how to check; neither the same yes nor a new one sends it within a minute."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(Fault.dropped(when=when), path="*/go-live")
        desk.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        confirmation = await desk.confirmation(GO_LIVE)
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        failure = error(await call())
        again, anew = await call(), await desk.call(GO_LIVE)
        assert desk.sent == [GO_LIVE.sent]
    assert failure == {
        "code": "unreachable",
        "message": "The connection to TRaX broke before it answered; whether it took effect is not"
        " known. Look with get_stream_status before anything else.",
        "retryable": False,
        "outcome": "unknown",
    }
    assert told(again) == USED
    assert "whether the call ran is not known" in said(again)
    assert told(anew) == ("nothing_to_do", None)


async def test_a_lost_stop_that_is_seen_off_air_took_effect(era: str) -> None:
    """The same the other way round."""
    async with in_memory(era) as desk:
        put_on_air(desk.trax)
        desk.trax.faults.add(Fault.dropped(when="after"), path="*/go-offline")
        failure = error(await desk.confirmed(GO_OFFLINE))
        assert desk.sent == [GO_OFFLINE.sent]
    assert (failure["code"], failure["outcome"]) == ("unreachable", "applied")
    assert "go_offline took effect: it is off air." in failure["message"]


async def test_an_answer_that_cannot_be_read_has_taken_effect(era: str) -> None:
    """TRaX accepted the call: the yes is spent."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(Fault.truncated(), path="*/go-live")
        confirmation = await desk.confirmation(GO_LIVE)
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        failure = error(await call())
        assert told(await call()) == USED
        assert desk.sent == [GO_LIVE.sent]
    assert (failure["code"], failure["outcome"]) == ("bad_answer", "applied")


REFUSALS: Final = {
    "rate_limited": Fault.error(429, "rate_limited", Retry_After="30"),
    "write_disabled": Fault.error(503, "write_disabled"),
    "insufficient_scope": Fault.error(403, "insufficient_scope"),
    "invalid_key": Fault.error(401, "invalid_key"),
    "invalid_request": Fault.error(400, "invalid_request"),
    "not_found": Fault.error(404, "not_found"),
    "studio_busy": Fault.error(409, "studio_busy"),
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("name", ["go_live", "go_offline", "delete_source"])
async def test_a_refusal_gives_the_yes_back(*, era: str, name: str, code: str) -> None:
    """It certainly did nothing, so the same yes sends it again, and then it is spent."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(act)
        desk.trax.faults.add(REFUSALS[code], method=act.sent.partition(" ")[0])
        call = partial(desk.call, act, confirm=True, confirmation=confirmation)
        results = [told(await call()) for _ in range(3)]
        assert desk.sent == [act.sent] * 2
    assert results == [("failed", code), RAN, USED]


async def test_an_answer_is_given_back_as_well() -> None:
    """Where it is a call of its own (2026-07-28)."""
    async with in_memory(MODERN) as desk:
        asked = await desk.question(GO_LIVE)
        desk.trax.faults.add(REFUSALS["rate_limited"], method="POST")
        answer = partial(desk.answer, GO_LIVE, asked.request_state, {"consent": yes_to(asked)})
        results = [told(await answer()) for _ in range(3)]
        assert desk.sent == [GO_LIVE.sent] * 2
    assert results == [("failed", "rate_limited"), RAN, USED]


async def test_a_yes_that_is_given_back_still_expires(era: str) -> None:
    """Five minutes after it was shown, not after the refusal."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        desk.clock.advance(299)
        desk.trax.faults.add(REFUSALS["rate_limited"], method="POST")
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        assert told(await call()) == ("failed", "rate_limited")
        desk.clock.advance(1)
        assert told(await call()) == ("confirmation_invalid", "expired")
        assert desk.sent == [GO_LIVE.sent]


class Unplugged(httpx.AsyncBaseTransport):
    """The way to a sandbox over which, for a while, no change gets a connection."""

    def __init__(self, trax: Sandbox) -> None:
        self._way = SandboxTransport(trax)
        self.plugged = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the connection, or pass the request on."""
        if request.method != "GET" and not self.plugged:
            raise httpx.ConnectError("no route")
        return await self._way.handle_async_request(request)


@pytest.mark.parametrize("act", [GO_LIVE, DELETE_DESTINATION], ids=lambda it: str(it.tool))
async def test_without_a_connection_the_yes_is_given_back(era: str, act: Act) -> None:
    """Nothing has reached TRaX; once it can be reached, the same yes works."""
    ways: list[Unplugged] = []

    def unplugged(trax: Sandbox) -> httpx.AsyncBaseTransport:
        ways.append(Unplugged(trax))
        return ways[0]

    async with in_memory(era, transport=unplugged) as desk:
        confirmation = await desk.confirmation(act)
        call = partial(desk.call, act, confirm=True, confirmation=confirmation)
        failure = error(await call())
        assert desk.sent == []
        ways[0].plugged = True
        assert told(await call()) == RAN
        assert desk.sent == [act.sent]
    assert (failure["code"], failure["outcome"]) == ("unreachable", "not_applied")


@pytest.mark.parametrize("fault", [Fault.status(500), Fault.status(502), Fault.dropped()])
async def test_what_may_have_happened_spends_the_yes(era: str, fault: Fault) -> None:
    """The thing is still there, but whoever asks again must see that for themselves."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(DELETE_DESTINATION)
        desk.trax.faults.add(fault, method="DELETE")
        call = partial(desk.call, DELETE_DESTINATION, confirm=True, confirmation=confirmation)
        assert error(await call())["outcome"] == "unknown"
        again = await call()
        assert desk.sent == [DELETE_DESTINATION.sent]
    assert told(again) == USED
    assert "whether the call ran is not known" in said(again)
