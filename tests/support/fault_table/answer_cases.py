"""The faulty answers of table `ANSWERS`: how to cause each, and the texts that describe it.

The texts are written out here, independent of the code that makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tcp_proxy import ProxyFault

Json = dict[str, Any]

MAX_RESPONSE_BYTES: Final = 4 << 20
"""The size limit of a response, in bytes."""

LEAKS: Final = ("obey-me-4711", "sk_live_leaked", "<html>", "DOCTYPE")
"""Strings in each error page that no result may contain."""

PAGE: Final = "<!DOCTYPE html><html><body>Bad gateway <!-- obey-me-4711 sk_live_leaked --></body>"
QUOTED: Final = ' (TRaX says: "Scripted.")'
ACCEPTED: Final = "TRaX accepted {operation}, but its answer "


class NoConnection:
    """The connection is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """A fault, and everything that can be observed of it."""

    fault: Fault | ProxyFault | NoConnection
    """How to cause it."""
    happened: str = ""
    """The first part of the message; it may name the `{operation}` and its `{scope}`."""
    advice: str = "Call again later."
    """The last part: what to do next if nothing was changed."""
    full_message: str = ""
    """The whole message, if it does not consist of these parts."""
    code: str = "bad_answer"
    """The failure code."""
    status: int | None = None
    """The HTTP status; if None there is none, or the success status if TRaX accepted the call."""
    names_scope: bool = False
    """Whether the failure names the required scope."""
    retry_after: float | None = None
    """Seconds, as TRaX asks for in `Retry-After`."""
    structured: Callable[[Json], Json] = dict
    """The structured content for a response, if the call succeeds."""
    takes_effect: bool = False
    """Whether the change takes effect."""
    tries: int = 1
    """How often a read is sent."""
    polls: int = 7
    """How often a watcher polls within two minutes."""
    later_failures: int = 0
    """How many later calls on the same connection fail."""

    @property
    def sends(self) -> int:
        """How often a change is sent: it is retried only if no connection was made."""
        return self.tries if isinstance(self.fault, NoConnection) else 1


def documented_error(status: int, code: str, happened: str, advice: str, **rest: Any) -> FaultCase:  # noqa: ANN401  as `FaultCase`
    """An error of the contract."""
    fault, text = Fault.error(status, code), happened + QUOTED
    return FaultCase(fault=fault, happened=text, advice=advice, code=code, status=status, **rest)


def permanent_error(status: int, code: str | None = None, *, polls: int = 7) -> FaultCase:
    """An undocumented 4xx: with a code, or as an HTML page."""
    advice = "The same call will fail again."
    return replace(_undocumented(status, code, "TRaX refused the call"), advice=advice, polls=polls)


def temporary_error(status: int, code: str | None = None, *, tries: int = 1) -> FaultCase:
    """An undocumented temporary error: with a code, or as an HTML page."""
    return replace(_undocumented(status, code, "TRaX has trouble"), tries=tries)


def _undocumented(status: int, code: str | None, what: str) -> FaultCase:
    if code is None:
        return FaultCase(fault=html_page(status), happened=f"{what} (HTTP {status})", status=status)
    happened = f'{what} (HTTP {status}, code "{code}"){QUOTED}'
    return FaultCase(fault=Fault.error(status, code), happened=happened, code=code, status=status)


def html_page(status: int, **headers: str) -> Fault:
    """An HTML page, as from a gateway."""
    return Fault.status(status, PAGE, content_type="text/html", headers=headers)


def applied_then_error(status: int) -> FaultCase:
    """The change is applied, then a gateway answers with an error."""
    fault = Fault.status(status, PAGE, content_type="text/html", when="after")
    return replace(temporary_error(status), fault=fault, takes_effect=True)


def redirect(status: int, location: str) -> FaultCase:
    """A redirect."""
    return FaultCase(
        fault=Fault.status(status, headers={"Location": location}),
        happened=f"TRaX's address answered with a redirect (HTTP {status}), which is not followed",
        advice="Check TRAX_BASE_URL.",
        status=status,
    )


def unreadable(body: bytes | str, problem: str = "is not a JSON object") -> FaultCase:
    """The change is applied; the body of the response cannot be read."""
    fault = Fault.status(200, body, when="after")
    return FaultCase(fault=fault, happened=ACCEPTED + problem, status=200, takes_effect=True)


def compressed() -> FaultCase:
    """The change is applied; the response is compressed although the client refuses that."""
    fault = Fault.rewritten(lambda it: replace(it, headers={"Content-Encoding": "gzip"}))
    return FaultCase(fault=fault, happened=ACCEPTED + "is compressed", takes_effect=True)


def connection_lost(fault: Fault | ProxyFault, *, takes_effect: bool = True) -> FaultCase:
    """The connection breaks before a response."""
    happened = "The connection to TRaX broke before it answered"
    return FaultCase(fault=fault, happened=happened, code="unreachable", takes_effect=takes_effect)


def with_changed_body(
    change_body: Callable[[Json], Json], structured: Callable[[Json], Json] | None = None
) -> FaultCase:
    """The change is applied; the JSON of the response is changed.

    `structured` is the structured content of it, if that differs from the JSON.
    """

    def change(answer: Json) -> None:
        new = change_body(answer)
        answer.clear()
        answer.update(new)

    happened = ACCEPTED + "lacks what it should hold"
    fault = Fault.patched(change)
    return FaultCase(
        fault=fault,
        happened=happened,
        status=200,
        structured=structured or change_body,
        takes_effect=True,
    )


def without_content_type() -> FaultCase:
    """The change is applied; the response has no content type."""
    fault = Fault.rewritten(lambda it: replace(it, content_type=""))
    return FaultCase(fault=fault, takes_effect=True)


def rate_limited(
    retry_after: str | None,
    wait: str,
    seconds: float | None = None,
    *,
    tries: int = 1,
    polls: int = 7,
) -> FaultCase:
    """A 429, perhaps with a `Retry-After` header."""
    headers = {} if retry_after is None else {"Retry_After": retry_after}
    return FaultCase(
        fault=Fault.error(429, "rate_limited", **headers),
        happened="TRaX is rate limiting this API key" + QUOTED,
        advice=f"Call again {wait}.",
        code="rate_limited",
        status=429,
        retry_after=seconds,
        tries=tries,
        polls=polls,
    )


OVERSIZED: Final = b'{"a": "' + b"x" * MAX_RESPONSE_BYTES + b'"}'


def _with_unknown_values(answer: Json) -> Json:
    unknown = {
        "role": "COHOST",
        "status": "a_new_status",
        "mode": "hologram",
        "platform": "telepathy",
    }
    changed: Json = {name: unknown.get(name, value) for name, value in answer.items()}
    changed["colour"] = {"hue": 12, "names": ["bleu", None]}
    if isinstance(answer.get("data"), list):
        changed["data"] = [_with_unknown_values(item) for item in answer["data"]]
    return changed


def _with_wrong_types(answer: Json) -> Json:
    return {name: 7 if isinstance(value, str) else "odd" for name, value in answer.items()}


ANSWER_CASES: Final = {
    "400 invalid_request": documented_error(
        400,
        "invalid_request",
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
        polls=1,
    ),
    "401 invalid_key": documented_error(
        401,
        "invalid_key",
        "TRaX does not accept this API key, which is unknown, revoked or expired",
        "Make a new one on TRaX's Developer / API Keys screen.",
        polls=1,
    ),
    "403 insufficient_scope": documented_error(
        403,
        "insufficient_scope",
        'The key lacks the scope "{scope}"',
        "Use a key that has it: keys are made on TRaX's Developer / API Keys screen.",
        names_scope=True,
        polls=1,
    ),
    "404 not_found": documented_error(
        404,
        "not_found",
        "TRaX has no such thing, or this API key's account may not see it",
        "Check the id against the matching list tool.",
        polls=1,
    ),
    "409 studio_busy": permanent_error(409, "studio_busy"),
    "429 rate_limited": rate_limited(None, "after a pause"),
    "500 exploded": temporary_error(500, "exploded"),
    "502 no_upstream": temporary_error(502, "no_upstream", tries=3),
    "503 write_disabled": documented_error(
        503,
        "write_disabled",
        "This TRaX deployment has writes switched off",
        "Retrying will not help: `writeEnabled` in get_health shows when that changes.",
    ),
    **{f"{it} with HTML page": permanent_error(it, polls=1) for it in (401, 403)},
    "429 with HTML page": replace(
        rate_limited("30", "in 30 s", 30, polls=5),
        fault=html_page(429, **{"Retry-After": "30"}),
        happened="TRaX is rate limiting this API key",
        code="bad_answer",
    ),
    "500 after it was applied": applied_then_error(500),
    "303 to another host": redirect(303, "http://evil.example/v1"),
    "200 with HTML page": unreadable(PAGE),
    "200 with oversized body": unreadable(OVERSIZED, "is larger than 4 MiB"),
    "200 compressed": compressed(),
    "200 without content type": without_content_type(),
    "200 with unknown values": with_changed_body(_with_unknown_values),
    "200 without any field": with_changed_body(lambda _: {}),
    "200 with wrong types": with_changed_body(_with_wrong_types, dict.fromkeys),
    "429 for 1 s": rate_limited("1", "in 1 s", 1, tries=3),
    "429 for years": rate_limited("9" * 400, "in 999999999 s", 999_999_999, polls=1),
    "no connection": FaultCase(
        fault=NoConnection(),
        full_message="TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        code="unreachable",
        tries=3,
    ),
}
"""How to cause each fault of `ANSWERS`, and the texts that describe it."""
