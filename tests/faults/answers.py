"""What TRaX answers in each line of the table, and in which words that is told.

Scripted at the sandbox: where only the answer matters, no wire is needed. The words are written out
here, and no code that makes them is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from trax_mcp.sandbox import Fault
from trax_mcp.sandbox.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proxy import Mischief
    from trax_mcp.sandbox.exchange import Answerer, Asked

Json = dict[str, Any]

LEAKS: Final = ("obey-me-4711", "sk_live_leaked", "<html>", "DOCTYPE")
"""What stands in each page, to look for where it must not be."""

PAGE: Final = "<!DOCTYPE html><html><body>Bad gateway <!-- obey-me-4711 sk_live_leaked --></body>"
SAID: Final = ' (TRaX says: "Scripted.")'
ACCEPTED: Final = "TRaX accepted {tool}, but its answer "
LARGEST: Final = 4 << 20
"""Bytes of an answer that are read."""


class NoConnection:
    """Nobody answers the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A fault, and how it is told: `happened` may name the `{tool}`, `then` is what to do next.

    `told` is all of it, where it is in no parts. Without a `status` there is none, or, where TRaX
    has accepted the call, the call's own. `shows` is what an answer becomes that passes. `acts`:
    what was asked for is done. `tries`: how often a read is sent. `looks`: how often the watcher
    looks within two minutes. `spoils`: how many later calls on the same connection fail.
    """

    fault: Fault | Mischief | NoConnection
    happened: str = ""
    then: str = "Call again later."
    told: str = ""
    code: str = "bad_answer"
    status: int | None = None
    scope: bool = False
    retry_after: float | None = None
    shows: Callable[[Json], Json] = dict
    acts: bool = False
    tries: int = 1
    looks: int = 7
    spoils: int = 0


def refused(status: int, code: str, happened: str, then: str, **rest: Any) -> Met:  # noqa: ANN401  as `Met`
    """A documented error."""
    fault, told = Fault.error(status, code), happened + SAID
    return Met(fault=fault, happened=told, then=then, code=code, status=status, **rest)


def ruled_out(status: int, code: str | None = None) -> Met:
    """A refusal that nobody has documented: with a code, or as a page."""
    told = _undocumented(status, code, "TRaX refused the call")
    return replace(told, then="The same call will fail again.")


def trouble(status: int, code: str | None = None, *, tries: int = 1) -> Met:
    """Trouble on TRaX's side: with a code, or as a page."""
    return replace(_undocumented(status, code, "TRaX has trouble"), tries=tries)


def _undocumented(status: int, code: str | None, what: str) -> Met:
    if code is None:
        return Met(fault=page(status), happened=f"{what} (HTTP {status})", status=status)
    happened = f"{what} (HTTP {status}, code {code}){SAID}"
    return Met(fault=Fault.error(status, code), happened=happened, code=code, status=status)


def page(status: int, **headers: str) -> Fault:
    """A page, as a gateway makes it."""
    return Fault.status(status, PAGE, content_type="text/html", headers=headers)


def hidden(status: int, *, tries: int = 1) -> Met:
    """Trouble on the way back: what was asked for is done."""
    fault = Fault.status(status, PAGE, content_type="text/html", when="after")
    return replace(trouble(status, tries=tries), fault=fault, acts=True)


def redirected(status: int, location: str | None = None) -> Met:
    """A redirect, to the same address unless there is another."""

    async def strike(asked: Asked, _onward: Answerer) -> Answer:
        return Answer(status, b"", headers={"Location": location or asked.path})

    return Met(
        fault=Fault(f"redirect {status}", strike),
        happened=f"TRaX's address answered with a redirect (HTTP {status}), which is not followed",
        then="Check TRAX_BASE_URL.",
        status=status,
    )


def unread(body: bytes | str, why: str = "is not a JSON object", *, status: int = 200) -> Met:
    """Done, and answered with this, which cannot be read."""
    fault = Fault.status(status, body, when="after")
    return Met(fault=fault, happened=ACCEPTED + why, status=status, acts=True)


def compressed() -> Met:
    """Done, and answered in a form that nobody asked for."""
    fault = Fault.answering(lambda it: replace(it, headers={"Content-Encoding": "gzip"}))
    return Met(fault=fault, happened=ACCEPTED + "is compressed", acts=True)


def changed(other: Callable[[Json], Json], shows: Callable[[Json], Json] | None = None) -> Met:
    """Done, and answered with something else of the same kind; where we must read it, we cannot.

    `shows` is what a program is given of that, if it is something else again.
    """

    def change(answer: Json) -> None:
        changed = other(answer)
        answer.clear()
        answer.update(changed)

    happened = ACCEPTED + "lacks what it should hold"
    fault = Fault.patched(change)
    return Met(fault=fault, happened=happened, status=200, shows=shows or other, acts=True)


def typed(content_type: str) -> Met:
    """Done, and answered under another name."""
    fault = Fault.answering(lambda it: replace(it, content_type=content_type))
    return Met(fault=fault, acts=True)


def _grown(answer: Json) -> Json:
    return {**answer, "added": {"deep": [1, None]}}


def _of_new_values(answer: Json) -> Json:
    new = {"role": "COHOST", "status": "a_new_status", "mode": "hologram", "platform": "telepathy"}
    told: Json = {name: new.get(name, value) for name, value in answer.items()}
    if isinstance(answer.get("data"), list):
        told["data"] = [_of_new_values(item) for item in answer["data"]]
    return told


def _mistyped(answer: Json) -> Json:
    return {name: 7 if isinstance(value, str) else "odd" for name, value in answer.items()}


def limited(
    wish: str | None,
    wait: str,
    seconds: float | None = None,
    *,
    tries: int = 1,
    looks: int = 7,
    **headers: str,
) -> Met:
    """Too many requests, with a wish in `Retry-After` and perhaps the time on TRaX's clock."""
    wished = headers if wish is None else {"Retry_After": wish, **headers}
    return Met(
        fault=Fault.error(429, "rate_limited", **wished),
        happened="TRaX is rate limiting this key" + SAID,
        then=f"Call again {wait}.",
        code="rate_limited",
        status=429,
        retry_after=seconds,
        tries=tries,
        looks=looks,
    )


ANSWERED: Final = {
    "400 invalid_request": refused(
        400,
        "invalid_request",
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
        looks=1,
    ),
    "401 invalid_key": refused(
        401,
        "invalid_key",
        "TRaX does not accept this key, which is unknown, revoked or expired",
        "Make a new one on TRaX's Developer / API Keys screen.",
        looks=1,
    ),
    "403 insufficient_scope": refused(
        403,
        "insufficient_scope",
        "The key lacks the scope {scope}",
        "Use a key that has it: keys are made on TRaX's Developer / API Keys screen.",
        scope=True,
        looks=1,
    ),
    "404 not_found": refused(
        404,
        "not_found",
        "TRaX has no such thing, or this key's account may not see it",
        "Check the id against the matching list tool.",
        looks=1,
    ),
    "408 slow_request": trouble(408, "slow_request"),
    "409 studio_busy": ruled_out(409, "studio_busy"),
    "413 too_much": ruled_out(413, "too_much"),
    "422 no_encoder": ruled_out(422, "no_encoder"),
    "429 rate_limited": limited(None, "after a pause"),
    "500 exploded": trouble(500, "exploded"),
    "502 no_upstream": trouble(502, "no_upstream", tries=3),
    "503 write_disabled": refused(
        503,
        "write_disabled",
        "This TRaX deployment has writes switched off",
        "Retrying will not help: `writeEnabled` in get_health shows when that changes.",
    ),
    "503 overloaded": trouble(503, "overloaded"),
    "504 no_answer": trouble(504, "no_answer", tries=3),
    **{f"{it} as a page": replace(ruled_out(it), looks=1) for it in (400, 401, 403, 404)},
    **{f"{it} as a page": ruled_out(it) for it in (409, 413, 422)},
    **{f"{it} as a page": trouble(it) for it in (408, 500, 503)},
    **{f"{it} as a page": trouble(it, tries=3) for it in (502, 504)},
    "429 as a page": replace(
        limited("30", "in 30 s", 30, looks=5),
        fault=page(429, **{"Retry-After": "30"}),
        happened="TRaX is rate limiting this key",
        code="bad_answer",
    ),
    "500, and it was done": hidden(500),
    "504, and it was done": hidden(504, tries=3),
    "301 to itself": redirected(301),
    "302 to itself": redirected(302),
    "307 to itself": redirected(307),
    "308 to somebody else": redirected(308, "http://evil.example/v1"),
    "304 of nothing": replace(trouble(304), fault=Fault.status(304)),
    "204 of nothing": unread(b"", status=204),
    "200 of nothing": unread(b""),
    "200 as a page": unread(PAGE),
    "200 cut short": unread('{"live": '),
    "200 of an array": unread("[{}]"),
    "200 of NaN": unread('{"live": NaN, "data": NaN}'),
    "200 of bottomless nesting": unread('{"a":' * 100_000),
    "200 above the limit": unread(b'{"a": "' + b"x" * LARGEST + b'"}', "is larger than 4 MiB"),
    "200 compressed, unasked": compressed(),
    "200 as text/plain": typed("text/plain"),
    "200 as no type at all": typed(""),
    "200 with unknown fields": changed(_grown),
    "200 with unknown values": changed(_of_new_values),
    "200 without its fields": changed(lambda _: {}),
    "200 with fields of nothing": changed(dict.fromkeys),
    "200 with wrong types": changed(_mistyped, dict.fromkeys),
    # The sandbox's clock stands at 18:00, and so does ours.
    "429 for 0 s": limited("0", "now", 0, tries=3),
    "429 for 1 s": limited("1", "in 1 s", 1, tries=3),
    "429 for 7 s": limited("7", "in 7 s", 7, looks=6),
    "429 for 30 s, with zeros": limited("000000000030", "in 30 s", 30, looks=5),
    "429 for years": limited("9" * 400, "in 999999999 s", 999_999_999, looks=1),
    "429 until in 90 s": limited("Fri, 05 Jun 2026 18:01:30 GMT", "in 90 s", 90, looks=4),
    "429 until an hour ago": limited("Fri, 05 Jun 2026 17:00:00 GMT", "now", 0, tries=3),
    "429 until the year 9999": limited(
        "Fri, 31 Dec 9999 23:59:59 GMT", "in 999999999 s", 999_999_999, looks=1
    ),
    "429 until, on a fast clock": limited(
        "Fri, 05 Jun 2026 20:00:30 GMT",
        "in 30 s",
        30,
        looks=5,
        Date="Fri, 05 Jun 2026 20:00:00 GMT",
    ),
    "429 until, on a slow clock": limited(
        "Fri, 05 Jun 2026 17:00:30 GMT",
        "in 30 s",
        30,
        looks=5,
        Date="Fri, 05 Jun 2026 17:00:00 GMT",
    ),
    "429 until, on a mad clock": limited(
        "Fri, 05 Jun 2026 18:00:30 GMT", "in 30 s", 30, looks=6, Date="yesterday, I think"
    ),
    "429 for -5 s": limited("-5", "after a pause"),
    "429 for nonsense": limited("soon", "after a pause"),
    "no connection": Met(
        fault=NoConnection(),
        told="TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        code="unreachable",
        tries=3,
    ),
}
"""How each fault of `ANSWERS` is made, and told."""
