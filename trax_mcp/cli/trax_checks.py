"""Doctor's checks of TRaX, as pure functions: reach, key, writes, contract and scopes.

Each cause fails one check; the checks that depend on it are NOT_CHECKED and name it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.drift import compare
from trax_mcp.api.error_texts import KEYS_SCREEN, WRITES_OFF
from trax_mcp.api.errors import Failure
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    OPERATIONS,
    GetHealth,
    GetOpenapi,
    GetStreamStatus,
    ListChatMessages,
    ListConnections,
    ListDestinations,
    ListMedia,
    ListSources,
    ListStudios,
)
from trax_mcp.api.text_safety import quote
from trax_mcp.cli.doctor_checks import Check, State

Read = type[Operation[Model]]

ACCOUNT_READS: Final[Sequence[Read]] = (ListStudios, ListConnections, ListMedia)
"""The reads that need a key only."""
STUDIO_READS: Final[Sequence[Read]] = (
    ListDestinations,
    ListSources,
    GetStreamStatus,
    ListChatMessages,
)
"""The reads that need a studio."""

_MAX_STATUS: Final = 40
_LATER: Final = "Look again later."
_UNREACHED: Final = frozenset({"unreachable", "timeout"})
_REMEDIES: Final[Mapping[str, str]] = {
    "unreachable": "Check the network and TRAX_BASE_URL.",
    "timeout": "Look again later, or allow more time: TRAX_TIMEOUT_SECONDS.",
    "bad_answer": "Check TRAX_BASE_URL, then run trax-mcp contract check.",
    "rate_limited": "Wait a little, then look again.",
    "invalid_key": f"Make a new key on {KEYS_SCREEN}.",
    "insufficient_scope": "If you need it, make a key that has it.",
}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answers and failures of the reads. A read that was not sent is in neither.

    `skipped`: nothing was sent, because the settings are wrong. The answer to `GetOpenapi` is the
    unparsed document.
    """

    answers: Mapping[Read, Any] = field(default_factory=dict)
    failures: Mapping[Read, Failure] = field(default_factory=dict)
    skipped: bool = False


def judge_trax(result: ProbeResult, *, address: str, read_only: bool) -> tuple[Check, ...]:
    """Judge TRaX itself: reach, the key, writes, the contract."""
    return (
        _reach(result, address),
        _access(result),
        _writes(result, read_only=read_only),
        _contract(result),
    )


def judge_scopes(result: ProbeResult) -> tuple[Check, ...]:
    """Judge what the key may do, as far as reads show it."""
    reads: Sequence[Read] = (ListStudios, *STUDIO_READS, ListConnections, ListMedia)
    scopes = {it.call.scope for it in OPERATIONS if it.call.scope} - {it.call.scope for it in reads}
    detail = f"Not tried, since only a change would show: {', '.join(sorted(map(str, scopes)))}."
    untried = Check("write scopes", State.NOT_CHECKED, detail)
    return (*(_scope(result, it) for it in reads), untried)


def _reach(result: ProbeResult, address: str) -> Check:
    if (health := result.answers.get(GetHealth)) is not None:
        return _health(address, health.status)
    if result.skipped:
        return _not_seen("reach", "see settings")
    failed = _failed("reach", result.failures[GetHealth])
    return Check(failed.name, failed.state, f"At {address}: {failed.detail}", failed.remedy)


def _health(address: str, status: str) -> Check:
    if status.lower() == "ok":
        return Check("reach", State.OK, f"{address} answers.")
    quoted = quote(status, longest=_MAX_STATUS)
    detail = f"{address} answers, but says of itself {quoted}, not ok."
    return Check("reach", State.WARNING, detail, _LATER)


def _access(result: ProbeResult) -> Check:
    if refusal := _refusal(result):
        return _failed("access", refusal)
    failures = [result.failures[it] for it in ACCOUNT_READS if it in result.failures]
    lacking = any(it.code == "insufficient_scope" for it in failures)
    if lacking or any(it in result.answers for it in ACCOUNT_READS):
        return Check("access", State.OK, "TRaX accepts the key.")
    return _not_seen("access", _why_not_seen(result, ListStudios) or "see studios:read")


def _writes(result: ProbeResult, *, read_only: bool) -> Check:
    if (health := result.answers.get(GetHealth)) is None:
        return _not_seen("writes", "see settings" if result.skipped else "see reach")
    match health.write_enabled:
        case True:
            return Check("writes", State.OK, "TRaX takes changes.")
        case False if read_only:
            return Check("writes", State.OK, f"{WRITES_OFF}; TRAX_READ_ONLY needs none.")
        case False:
            remedy = "Wait: no setting of yours changes that."
            return Check("writes", State.FAILED, f"{WRITES_OFF}.", remedy)
        case _:
            return _not_seen("writes", "TRaX does not say whether it takes changes")


def _contract(result: ProbeResult) -> Check:
    if GetOpenapi not in result.answers:
        return _not_answered(result, GetOpenapi, "contract")
    drift = compare(result.answers[GetOpenapi], CONTRACT.document)
    breaking = sum(it.breaking for it in drift)
    if not drift:
        detail = f"It is the one that is built in ({CONTRACT.version})."
        return Check("contract", State.OK, detail)
    differences = "1 difference" if len(drift) == 1 else f"{len(drift)} differences"
    summary = f"It is not the one that is built in ({CONTRACT.version}): {differences}"
    if not breaking:
        remedy = "Nothing needs to be done; trax-mcp contract check lists them."
        return Check("contract", State.WARNING, f"{summary}, none breaking.", remedy)
    remedy = "Update trax-mcp, or check TRAX_BASE_URL; trax-mcp contract check lists them."
    return Check("contract", State.FAILED, f"{summary}, {breaking} breaking.", remedy)


def _scope(result: ProbeResult, read: Read) -> Check:
    name = str(read.call.scope)
    if read in result.answers:
        return Check(name, State.OK, "Seen.")
    failure = result.failures.get(read)
    if failure is None or failure.code != "insufficient_scope":
        return _not_answered(result, read, name)
    lacking = "it" if failure.required_scope == name else failure.required_scope
    remedy = _REMEDIES[failure.code]
    return Check(name, State.WARNING, f"Refused: the key lacks {lacking}.", remedy)


def _not_answered(result: ProbeResult, read: Read, name: str) -> Check:
    """A read without an answer: it failed itself, or because of the cause of another check."""
    why = _why_not_seen(result, read)
    return _failed(name, result.failures[read]) if why is None else _not_seen(name, why)


def _refusal(result: ProbeResult) -> Failure | None:
    """The failure that says that the key is not accepted."""
    failures = (result.failures.get(it) for it in ACCOUNT_READS)
    return next((it for it in failures if it and it.code == "invalid_key"), None)


def _why_not_seen(result: ProbeResult, read: Read) -> str | None:
    """The cause of a missing answer, if another check reports it."""
    if result.skipped:
        return "see settings"
    if (failure := result.failures.get(read)) is None:
        return _why_no_studio(result)
    if failure.code == "no_key":
        return "see key"
    health = result.failures.get(GetHealth)
    if health is not None and (
        failure.code == health.code or {failure.code, health.code} <= _UNREACHED
    ):
        return "see reach"
    refused = failure.code == "invalid_key" and not read.call.public and _refusal(result)
    return "see access" if refused else None


def _why_no_studio(result: ProbeResult) -> str:
    studios = result.answers.get(ListStudios)
    if studios is None:
        return _why_not_seen(result, ListStudios) or "see studios:read"
    return "the first studio's id cannot be sent" if studios.data else "there is no studio"


def _failed(name: str, failure: Failure) -> Check:
    """A failure's message without the advice to the caller of a tool."""
    happened = failure.happened or failure.message.partition(", so nothing")[0]
    remedy = _REMEDIES.get(failure.code, _LATER)
    if (failure.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = _LATER
    if not (
        failure.happened or failure.retryable
    ):  # the cause is local, and the message has the remedy
        remedy = failure.message.partition(". ")[2]
    return Check(name, State.FAILED, f"{happened}.", remedy)


def _not_seen(name: str, why: str) -> Check:
    return Check(name, State.NOT_CHECKED, f"Not seen: {why}.")
