"""Builders of fault cases: what goes wrong with a call, and the texts that describe it.

The texts are written out here, independent of the code that makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.faults import Fault
from trax_mcp.sandbox.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tcp_proxy import ProxyFault
    from trax_mcp.sandbox.messages import Request, RequestHandler

Json = dict[str, Any]

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
    happened = f"{what} (HTTP {status}, code {code}){QUOTED}"
    return FaultCase(fault=Fault.error(status, code), happened=happened, code=code, status=status)


def html_page(status: int, **headers: str) -> Fault:
    """An HTML page, as from a gateway."""
    return Fault.status(status, PAGE, content_type="text/html", headers=headers)


def applied_then_error(status: int) -> FaultCase:
    """The change is applied, then a gateway answers with an error."""
    fault = Fault.status(status, PAGE, content_type="text/html", when="after")
    return replace(temporary_error(status), fault=fault, takes_effect=True)


def redirect(status: int, location: str | None = None) -> FaultCase:
    """A redirect, by default to the same path."""

    async def respond(request: Request, _next_handler: RequestHandler) -> Response:
        return Response(status, b"", headers={"Location": location or request.path})

    return FaultCase(
        fault=Fault(f"redirect {status}", respond),
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
        happened="TRaX is rate limiting this key" + QUOTED,
        advice=f"Call again {wait}.",
        code="rate_limited",
        status=429,
        retry_after=seconds,
        tries=tries,
        polls=polls,
    )
