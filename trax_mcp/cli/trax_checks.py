"""What was seen of TRaX, and what that says: reach, key, writes, contract and scopes.

Pure. A cause is told once: what could not be seen because of it says so and is no failure of its
own. Nothing here sends, and no key comes in.
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
from trax_mcp.cli.checks import Check, State

Read = type[Operation[Model]]

OF_THE_ACCOUNT: Final[Sequence[Read]] = (ListStudios, ListConnections, ListMedia)
"""Harmless reads that need nothing but a key."""
OF_A_STUDIO: Final[Sequence[Read]] = (
    ListDestinations,
    ListSources,
    GetStreamStatus,
    ListChatMessages,
)
"""Harmless reads that need a studio."""

_LONGEST_STATUS: Final = 40
_LATER: Final = "Look again later."
_LOST: Final = frozenset({"unreachable", "timeout"})
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
    """What TRaX answered to each read, and which failed; in neither is what was not asked.

    `idle`: nothing was asked at all, since the settings are wrong. The answer to `GetOpenapi` is
    the bare document.
    """

    answers: Mapping[Read, Any] = field(default_factory=dict)
    failures: Mapping[Read, Failure] = field(default_factory=dict)
    idle: bool = False


def judge_trax(result: ProbeResult, *, where: str, read_only: bool) -> tuple[Check, ...]:
    """TRaX itself: reach, the key, writes, the contract."""
    return (
        _reach(result, where),
        _access(result),
        _writes(result, read_only=read_only),
        _contract(result),
    )


def judge_scopes(result: ProbeResult) -> tuple[Check, ...]:
    """What the key may do, as far as that can be seen without changing anything."""
    reads: Sequence[Read] = (ListStudios, *OF_A_STUDIO, ListConnections, ListMedia)
    scopes = {it.call.scope for it in OPERATIONS if it.call.scope} - {it.call.scope for it in reads}
    told = f"Not tried, since only a change would show: {', '.join(sorted(map(str, scopes)))}."
    unseen = Check("write scopes", State.NOT_CHECKED, told)
    return (*(_scope(result, it) for it in reads), unseen)


def _reach(result: ProbeResult, where: str) -> Check:
    if (health := result.answers.get(GetHealth)) is not None:
        return _state(where, health.status)
    if result.idle:
        return _unseen("reach", "see settings")
    failed = _failed("reach", result.failures[GetHealth])
    return Check(failed.name, failed.state, f"At {where}: {failed.detail}", failed.remedy)


def _state(where: str, status: str) -> Check:
    if status.lower() == "ok":
        return Check("reach", State.OK, f"{where} answers.")
    told = quote(status, longest=_LONGEST_STATUS)
    detail = f"{where} answers, but says of itself {told}, not ok."
    return Check("reach", State.WARNING, detail, _LATER)


def _access(result: ProbeResult) -> Check:
    if refusal := _refusal(result):
        return _failed("access", refusal)
    failures = [result.failures[it] for it in OF_THE_ACCOUNT if it in result.failures]
    lacking = any(it.code == "insufficient_scope" for it in failures)
    if lacking or any(it in result.answers for it in OF_THE_ACCOUNT):
        return Check("access", State.OK, "TRaX accepts the key.")
    return _unseen("access", _why_unseen(result, ListStudios) or "see studios:read")


def _writes(result: ProbeResult, *, read_only: bool) -> Check:
    if (health := result.answers.get(GetHealth)) is None:
        return _unseen("writes", "see settings" if result.idle else "see reach")
    match health.write_enabled:
        case True:
            return Check("writes", State.OK, "TRaX takes changes.")
        case False if read_only:
            return Check("writes", State.OK, f"{WRITES_OFF}; TRAX_READ_ONLY needs none.")
        case False:
            remedy = "Wait: no setting of yours changes that."
            return Check("writes", State.FAILED, f"{WRITES_OFF}.", remedy)
        case _:
            return _unseen("writes", "TRaX does not say whether it takes changes")


def _contract(result: ProbeResult) -> Check:
    if GetOpenapi not in result.answers:
        return _not_answered(result, GetOpenapi, "contract")
    found = compare(result.answers[GetOpenapi], CONTRACT.document)
    breaking = sum(it.breaking for it in found)
    if not found:
        detail = f"It is the one that is built in ({CONTRACT.version})."
        return Check("contract", State.OK, detail)
    differences = "1 difference" if len(found) == 1 else f"{len(found)} differences"
    told = f"It is not the one that is built in ({CONTRACT.version}): {differences}"
    if not breaking:
        remedy = "Nothing needs to be done; trax-mcp contract check lists them."
        return Check("contract", State.WARNING, f"{told}, none breaking.", remedy)
    remedy = "Update trax-mcp, or check TRAX_BASE_URL; trax-mcp contract check lists them."
    return Check("contract", State.FAILED, f"{told}, {breaking} breaking.", remedy)


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
    """A read without an answer: it failed by itself, or for a reason that is told elsewhere."""
    why = _why_unseen(result, read)
    return _failed(name, result.failures[read]) if why is None else _unseen(name, why)


def _refusal(result: ProbeResult) -> Failure | None:
    """The key itself is not accepted."""
    failures = (result.failures.get(it) for it in OF_THE_ACCOUNT)
    return next((it for it in failures if it and it.code == "invalid_key"), None)


def _why_unseen(result: ProbeResult, read: Read) -> str | None:
    """The cause of a missing answer, if another check tells of it."""
    if result.idle:
        return "see settings"
    if (failure := result.failures.get(read)) is None:
        return _why_no_studio(result)
    if failure.code == "no_key":
        return "see key"
    health = result.failures.get(GetHealth)
    if health is not None and (failure.code == health.code or {failure.code, health.code} <= _LOST):
        return "see reach"
    told = failure.code == "invalid_key" and not read.call.public and _refusal(result)
    return "see access" if told else None


def _why_no_studio(result: ProbeResult) -> str:
    seen = result.answers.get(ListStudios)
    if seen is None:
        return _why_unseen(result, ListStudios) or "see studios:read"
    return "the first studio's id cannot be sent" if seen.data else "there is no studio"


def _failed(name: str, failure: Failure) -> Check:
    """A failure in its own words, less what would have been the next step of a tool's caller."""
    happened = failure.happened or failure.message.partition(", so nothing")[0]
    remedy = _REMEDIES.get(failure.code, _LATER)
    if (failure.http_status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = _LATER
    if not (failure.happened or failure.retryable):  # what is wrong is here, and it says what
        remedy = failure.message.partition(". ")[2]
    return Check(name, State.FAILED, f"{happened}.", remedy)


def _unseen(name: str, why: str) -> Check:
    return Check(name, State.NOT_CHECKED, f"Not seen: {why}.")
