"""A mishap: what goes wrong with a call, and in which words that is told.

One builder for each kind. The words are written out here, and no code that makes them is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from trax_mcp.sandbox import Fault
from trax_mcp.sandbox.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proxy import Mischief
    from trax_mcp.sandbox.messages import Answerer, Request

Json = dict[str, Any]

LEAKS: Final = ("obey-me-4711", "sk_live_leaked", "<html>", "DOCTYPE")
"""What stands in each page, to look for where it must not be."""

PAGE: Final = "<!DOCTYPE html><html><body>Bad gateway <!-- obey-me-4711 sk_live_leaked --></body>"
SAID: Final = ' (TRaX says: "Scripted.")'
ACCEPTED: Final = "TRaX accepted {tool}, but its answer "


class NoConnection:
    """Nobody answers the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """A fault, and all that can be seen of it from outside."""

    fault: Fault | Mischief | NoConnection
    """What makes it."""
    happened: str = ""
    """The first words that are told; they may name the `{tool}` and its `{scope}`."""
    then: str = "Call again later."
    """The last: what to do next, where nothing was changed."""
    whole: str = ""
    """All that is told, where it is in no such parts."""
    code: str = "bad_answer"
    """Which kind of failure it is."""
    status: int | None = None
    """HTTP; without one there is none or, where TRaX has accepted the call, the call's own."""
    scope: bool = False
    """Whether the scope that the call needs is named."""
    retry_after: float | None = None
    """How many seconds TRaX wishes to be left alone."""
    shows: Callable[[Json], Json] = dict
    """What an answer becomes for a program, where it passes."""
    acts: bool = False
    """Whether what was asked for is done."""
    tries: int = 1
    """How often a read is sent."""
    looks: int = 7
    """How often a watcher looks within two minutes."""
    spoils: int = 0
    """How many later calls on the same connection fail."""

    @property
    def sends(self) -> int:
        """How often a change is sent: only what has not left at all is tried again."""
        return self.tries if isinstance(self.fault, NoConnection) else 1


def refused(status: int, code: str, happened: str, then: str, **rest: Any) -> Mishap:  # noqa: ANN401  as `Mishap`
    """A documented error."""
    fault, told = Fault.error(status, code), happened + SAID
    return Mishap(fault=fault, happened=told, then=then, code=code, status=status, **rest)


def ruled_out(status: int, code: str | None = None, *, looks: int = 7) -> Mishap:
    """A refusal that nobody has documented: with a code, or as a page."""
    then = "The same call will fail again."
    return replace(_undocumented(status, code, "TRaX refused the call"), then=then, looks=looks)


def trouble(status: int, code: str | None = None, *, tries: int = 1) -> Mishap:
    """Trouble on TRaX's side: with a code, or as a page."""
    return replace(_undocumented(status, code, "TRaX has trouble"), tries=tries)


def _undocumented(status: int, code: str | None, what: str) -> Mishap:
    if code is None:
        return Mishap(fault=page(status), happened=f"{what} (HTTP {status})", status=status)
    happened = f"{what} (HTTP {status}, code {code}){SAID}"
    return Mishap(fault=Fault.error(status, code), happened=happened, code=code, status=status)


def with_body(mishap: Mishap, body: bytes | str | Json = b"") -> Mishap:
    """The same status, and this or nothing for a body."""
    assert mishap.status is not None
    return replace(mishap, fault=Fault.status(mishap.status, body))


def page(status: int, **headers: str) -> Fault:
    """A page, as a gateway makes it."""
    return Fault.status(status, PAGE, content_type="text/html", headers=headers)


def hidden(status: int, *, tries: int = 1) -> Mishap:
    """Trouble on the way back: what was asked for is done."""
    fault = Fault.status(status, PAGE, content_type="text/html", when="after")
    return replace(trouble(status, tries=tries), fault=fault, acts=True)


def redirected(status: int, location: str | None = None) -> Mishap:
    """A redirect, to the same address unless there is another."""

    async def strike(asked: Request, _onward: Answerer) -> Answer:
        return Answer(status, b"", headers={"Location": location or asked.path})

    return Mishap(
        fault=Fault(f"redirect {status}", strike),
        happened=f"TRaX's address answered with a redirect (HTTP {status}), which is not followed",
        then="Check TRAX_BASE_URL.",
        status=status,
    )


def unread(body: bytes | str, why: str = "is not a JSON object", *, status: int = 200) -> Mishap:
    """Done, and answered with this, which cannot be read."""
    fault = Fault.status(status, body, when="after")
    return Mishap(fault=fault, happened=ACCEPTED + why, status=status, acts=True)


def compressed() -> Mishap:
    """Done, and answered in a form that nobody asked for."""
    fault = Fault.answering(lambda it: replace(it, headers={"Content-Encoding": "gzip"}))
    return Mishap(fault=fault, happened=ACCEPTED + "is compressed", acts=True)


def lost(fault: Fault | Mischief, *, acts: bool = True) -> Mishap:
    """No answer has begun."""
    happened = "The connection to TRaX broke before it answered"
    return Mishap(fault=fault, happened=happened, code="unreachable", acts=acts)


def changed(other: Callable[[Json], Json], shows: Callable[[Json], Json] | None = None) -> Mishap:
    """Done, and answered with something else of the same kind; where we must read it, we cannot.

    `shows` is what a program is given of that, if it is something else again.
    """

    def change(answer: Json) -> None:
        changed = other(answer)
        answer.clear()
        answer.update(changed)

    happened = ACCEPTED + "lacks what it should hold"
    fault = Fault.patched(change)
    return Mishap(fault=fault, happened=happened, status=200, shows=shows or other, acts=True)


def typed(content_type: str) -> Mishap:
    """Done, and answered under another name."""
    fault = Fault.answering(lambda it: replace(it, content_type=content_type))
    return Mishap(fault=fault, acts=True)


def limited(
    wish: str | None,
    wait: str,
    seconds: float | None = None,
    *,
    tries: int = 1,
    looks: int = 7,
    **headers: str,
) -> Mishap:
    """Too many requests, with a wish in `Retry-After` and perhaps the time on TRaX's clock."""
    wished = headers if wish is None else {"Retry_After": wish, **headers}
    return Mishap(
        fault=Fault.error(429, "rate_limited", **wished),
        happened="TRaX is rate limiting this key" + SAID,
        then=f"Call again {wait}.",
        code="rate_limited",
        status=429,
        retry_after=seconds,
        tries=tries,
        looks=looks,
    )
