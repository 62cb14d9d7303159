"""What `trax-mcp doctor` finds out about TRaX: with a few reads, and without a change."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal, NamedTuple

from trax_mcp.actions import OPERATIONS
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.contract_check import Difference, compare, fold
from trax_mcp.api.errors import WRITES_OFF, TraxError
from trax_mcp.api.models import Health, Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.reads import GetHealth, GetOpenapi, ListStudios
from trax_mcp.api.responses import read_model
from trax_mcp.api.text_safety import quote
from trax_mcp.cli.doctor_answers import differences

CheckState = Literal["ok", "failed", "warning", "not_checked"]
"""The state of what was checked. Only "failed" makes the command fail."""

_READS: Final[Mapping[str, type[Operation[Model]]]] = {
    str(it.endpoint.scope): it
    for it in reversed(OPERATIONS)
    if it.endpoint.scope and not it.endpoint.mutates
}
"""The first read with each scope, the last one first."""
_MAX_STATUS: Final = 40
_KEY_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_ABOUT_THE_KEY: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
_CHECK_ADDRESS: Final = "Check TRAX_BASE_URL, and any proxy between here and TRaX."
_TELL_US: Final = "docs/first-day.md says what to send us."
_REMEDIES: Final[Mapping[str, str]] = {
    "unreachable": "Check the network, TRAX_BASE_URL, and HTTPS_PROXY and SSL_CERT_FILE if set.",
    "timeout": "Look again later, or allow more time: TRAX_TIMEOUT_SECONDS.",
    "rate_limited": "Wait a little, then look again.",
}
_STATUS_REMEDIES: Final[tuple[tuple[range, str], ...]] = (
    (range(429, 430), _REMEDIES["rate_limited"]),
    (range(500, 600), "Look again later."),
)
"""What to do about an answer with another code and such a status. For others: `_CHECK_ADDRESS`."""


class CheckResult(NamedTuple):
    """The result of a check: `detail` is a sentence, `remedy` the one thing to do."""

    state: CheckState
    detail: str
    remedy: str | None = None
    differences: Sequence[Difference] = ()
    """Those of the contract, the breaking ones first."""


Results = dict[str, CheckResult]
"""The results of the checks by name, in order."""


@dataclass
class _Reads:
    """What came of one read with each scope.

    By tool: the result of each that `failed`, and what was `odd` in an answer: otherwise than
    documented.
    """

    may: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    failed: dict[str, CheckResult] = field(default_factory=dict)
    odd: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refused: CheckResult | None = None
    """The failure of the first read. Then the others are not tried."""
    status: int | None = None
    """The HTTP status of that failure."""


async def check_trax(client: Client, caller: Caller, address: str, *, read_only: bool) -> Results:
    """Check what TRaX answers at this address, with a key and without.

    A TRaX that failed is the last. There is a "key" only if TRaX refuses it.
    """
    health, trouble = await _read_health(client, caller)
    reads = None
    if caller.key is not None and (trouble is None or trouble.http_status is not None):
        reads = await _read_all(client, caller)
    if trouble is not None and not _has_answered(reads):
        return {"TRaX": _failed(trouble, prefix=f"At {address}: ")}
    results = {"TRaX": _result_of_health(address, health, trouble)}
    if reads is not None:
        is_wrong_key = reads.status == HTTPStatus.UNAUTHORIZED
        results["key" if is_wrong_key else "can read"] = _result_of_reads(reads)
        if reads.refused is None:
            results["answers"] = _result_of_answers(reads)
    results["can change"] = _result_of_changes(health, read_only=read_only)
    return results | {"contract": await _check_contract(client)}


async def _read_health(client: Client, caller: Caller) -> tuple[Health | None, TraxError | None]:
    """The health, and why it could not be read without a key. Both if it could with one."""
    try:
        return await client.call(GetHealth(), ANONYMOUS, retry=False), None
    except TraxError as error:
        trouble = error
    if caller.key is not None and trouble.http_status == HTTPStatus.UNAUTHORIZED:
        with suppress(TraxError):
            return await client.call(GetHealth(), caller, retry=False), trouble
    return None, trouble


async def _read_all(client: Client, caller: Caller) -> _Reads:
    """Read once with each scope. The first read shows whether TRaX accepts the key."""
    found, studio = _Reads(), ""
    for scope, read in reversed([*_READS.items()]):
        of_studio = "studio_id" in read.model_fields
        if of_studio and not studio:
            found.unchecked.append(scope)
            continue
        operation = read.model_validate({"studioId": studio} if of_studio else {})
        answer = None
        try:
            answer = await client.send(operation, caller)
            model = read_model(operation, answer)
        except TraxError as error:
            result = _failed(error, remedy=_TELL_US if answer else None)
            # The key was accepted before, so it is good, and lacks a scope.
            is_about_key = error.remedy and error.http_status in _KEY_REFUSED
            if error.required_scope or (is_about_key and found.may):
                found.lacks.append(scope)
            elif read is ListStudios:
                found.refused, found.status = result, error.http_status
                return found
            else:
                found.failed[operation.tool_name] = result
            continue
        found.may.append(scope.removesuffix(":read"))
        if odd := differences(operation, answer.data):
            found.odd[operation.tool_name] = odd
        if read is ListStudios:
            studio = next((it.id for it in getattr(model, "items", ())), "")
    return found


def _has_answered(reads: _Reads | None) -> bool:
    """Whether it is TRaX that answers, whatever became of its health."""
    return reads is not None and (reads.refused is None or reads.status in _ABOUT_THE_KEY)


def _result_of_health(
    address: str, health: Health | None, trouble: TraxError | None
) -> CheckResult:
    if health is None:
        why = f": {trouble.happened}" if trouble else ""
        return CheckResult("warning", f"{address} answers, but not with its health{why}.")
    if trouble is not None:
        return CheckResult("ok", f"{address} answers, with its health only to a key.")
    if (health.status or "").lower() == "ok":
        return CheckResult("ok", f"{address} answers.")
    status = quote(health.status or "", longest=_MAX_STATUS)
    detail = f"{address} answers, but says of itself {status}, not ok."
    return CheckResult("warning", detail, "Look again later.")


def _result_of_reads(reads: _Reads) -> CheckResult:
    if reads.refused is not None:
        return reads.refused
    if not (reads.lacks or reads.unchecked or reads.failed):
        return CheckResult("ok", "TRaX accepts the key, and it may read everything.")
    detail = f"TRaX accepts the key. It may read {', '.join(reads.may) or 'nothing'}."
    if reads.lacks:
        detail += f" It lacks {', '.join(reads.lacks)}."
    if reads.unchecked:
        detail += f" Not checked without a studio: {', '.join(reads.unchecked)}."
    if reads.failed:
        detail += "".join(f" {tool} failed: {it.detail}" for tool, it in reads.failed.items())
        return CheckResult("failed", detail, next(iter(reads.failed.values())).remedy)
    if reads.lacks:
        return CheckResult("warning", detail, "If you need it, make a key that has it.")
    return CheckResult("ok", detail)


def _result_of_answers(reads: _Reads) -> CheckResult:
    if not reads.odd:
        return CheckResult("ok", "TRaX answers as its reference says.")
    told = (f"{tool}: {', '.join(found)}." for tool, found in reads.odd.items())
    return CheckResult("warning", " ".join(told), _TELL_US)


def _result_of_changes(health: Health | None, *, read_only: bool) -> CheckResult:
    match health and health.write_enabled:
        case True:
            return CheckResult("ok", "TRaX accepts changes. Not tested with your key.")
        case False if read_only:
            return CheckResult("ok", f"{WRITES_OFF}; TRAX_READ_ONLY needs none.")
        case False:
            remedy = "Wait: no setting of yours changes that."
            return CheckResult("failed", f"{WRITES_OFF}.", remedy)
        case _:
            return CheckResult("not_checked", "TRaX doesn't say whether it accepts changes.")


async def _check_contract(client: Client) -> CheckResult:
    try:
        live = (await client.call(GetOpenapi(), ANONYMOUS, retry=False)).model_extra
    except TraxError as error:  # no other call needs it
        if error.http_status == HTTPStatus.NOT_FOUND:
            return CheckResult("not_checked", "TRaX publishes none at /v1/openapi.json (HTTP 404).")
        return CheckResult("warning", f"TRaX's own can't be read: {error.happened}.")
    found = sorted(fold(compare(live, CONTRACT.document)), key=lambda it: not it.breaking)
    if not found:
        return CheckResult("ok", f"The same as the built-in one ({CONTRACT.version}).")
    breaking = sum(it.breaking for it in found)
    count = f"{len(found)}, {breaking or 'none'} of them breaking"
    detail = f"Differences from the built-in one ({CONTRACT.version}): {count}."
    if breaking:
        remedy = "Update trax-mcp, or check TRAX_BASE_URL. doctor --json lists them."
        return CheckResult("failed", detail, remedy, found)
    promised = "TRaX promises that such additions break nothing. doctor --json lists them."
    return CheckResult("warning", f"{detail} {promised}", differences=found)


def _failed(failure: TraxError, *, prefix: str = "", remedy: str | None = None) -> CheckResult:
    """A failure's message without the advice to the caller of a tool."""
    if remedy is None:
        status = failure.http_status or 0
        by_status = next((it for codes, it in _STATUS_REMEDIES if status in codes), _CHECK_ADDRESS)
        remedy = failure.remedy or _REMEDIES.get(failure.code, by_status)
    return CheckResult("failed", f"{prefix}{failure.happened}.", remedy)
