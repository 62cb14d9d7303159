"""The faulty answers of table `ANSWERS`: how to cause each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.product.faults import When
    from tests.support.tcp_proxy import ProxyFault

Json = dict[str, Any]

MAX_RESPONSE_BYTES: Final = 4 << 20
"""The size limit of a response, in bytes."""

LEAKS: Final = ("obey-me-4711", "sk_live_leaked", "<html>", "DOCTYPE")
"""Strings in each error page that no result may contain."""

PAGE: Final = "<!DOCTYPE html><html><body>Bad gateway <!-- obey-me-4711 sk_live_leaked --></body>"
OVERSIZED: Final = b'{"a": "' + b"x" * MAX_RESPONSE_BYTES + b'"}'


class NoConnection:
    """The connection is refused."""


@dataclass(frozen=True, slots=True)
class FaultCase:
    """A fault, and what can be observed of it beside what a call says."""

    fault: Fault | ProxyFault | NoConnection
    """How to cause it."""
    takes_effect: bool = False
    """Whether the change takes effect."""
    tries: int = 1
    """How often a read is sent."""
    polls: int = 7
    """How often a watcher polls within two minutes."""
    retry_after: float = 0
    """Seconds that the watcher waits by TRaX's `Retry-After`."""
    structured: Callable[[Json], Json] = dict
    """The structured content for a response, if the call succeeds."""

    @property
    def sends(self) -> int:
        """How often a change is sent: it is retried only if no connection was made."""
        return self.tries if isinstance(self.fault, NoConnection) else 1


def _html_page(
    status: int, *, when: When = "before", headers: Mapping[str, str] | None = None
) -> Fault:
    """An HTML page, as from a gateway."""
    return Fault.status(status, PAGE, content_type="text/html", headers=headers, when=when)


def _applied(answer: bytes | str) -> FaultCase:
    """The change is applied, and the answer cannot be read."""
    return FaultCase(Fault.status(200, answer, when="after"), takes_effect=True)


def _rewritten(**changes: Any) -> FaultCase:  # noqa: ANN401  parts of a response
    """The change is applied; its response is changed."""
    return FaultCase(Fault.rewritten(lambda it: replace(it, **changes)), takes_effect=True)


def _with_changed_body(
    change_body: Callable[[Json], Json], structured: Callable[[Json], Json] | None = None
) -> FaultCase:
    """The change is applied; the JSON of the response is changed.

    `structured` is the structured content of it, if that differs from the JSON.
    """

    def change(answer: Json) -> None:
        new = change_body(answer)
        answer.clear()
        answer.update(new)

    return FaultCase(Fault.patched(change), takes_effect=True, structured=structured or change_body)


def _rate_limited(retry_after: str) -> Fault:
    return Fault.error(429, "rate_limited", Retry_After=retry_after)


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


def _with_only_an_id(answer: Json) -> Json:
    """What is left of these types: an id may be a number, and is text then."""
    return {name: "7" if name == "id" else None for name in answer}


ANSWER_CASES: Final[Mapping[str, FaultCase]] = {
    "400 invalid_request": FaultCase(Fault.error(400, "invalid_request"), polls=1),
    "401 invalid_key": FaultCase(Fault.error(401, "invalid_key"), polls=1),
    "403 insufficient_scope": FaultCase(Fault.error(403, "insufficient_scope"), polls=1),
    "404 not_found": FaultCase(Fault.error(404, "not_found"), polls=1),
    "409 studio_busy": FaultCase(Fault.error(409, "studio_busy")),
    "429 rate_limited": FaultCase(Fault.error(429, "rate_limited")),
    "500 exploded": FaultCase(Fault.error(500, "exploded")),
    "502 no_upstream": FaultCase(Fault.error(502, "no_upstream"), tries=3),
    "503 write_disabled": FaultCase(Fault.error(503, "write_disabled")),
    "401 with HTML page": FaultCase(_html_page(401), polls=1),
    "403 with HTML page": FaultCase(_html_page(403), polls=1),
    "429 with HTML page": FaultCase(
        _html_page(429, headers={"Retry-After": "30"}), retry_after=30, polls=5
    ),
    "500 after it was applied": FaultCase(_html_page(500, when="after"), takes_effect=True),
    "303 to another host": FaultCase(
        Fault.status(303, headers={"Location": "http://evil.example/v1"})
    ),
    "200 with HTML page": _applied(PAGE),
    "200 with oversized body": _applied(OVERSIZED),
    "200 compressed": _rewritten(headers={"Content-Encoding": "br"}),
    "200 without content type": _rewritten(content_type=""),
    "200 with unknown values": _with_changed_body(_with_unknown_values),
    "200 without any field": _with_changed_body(lambda _: {}),
    "200 with wrong types": _with_changed_body(_with_wrong_types, _with_only_an_id),
    "429 for 1 s": FaultCase(_rate_limited("1"), retry_after=1, tries=3),
    "429 for years": FaultCase(_rate_limited("9" * 400), retry_after=999_999_999, polls=1),
    "no connection": FaultCase(NoConnection(), tries=3),
}
"""How to cause each fault of `ANSWERS`."""
