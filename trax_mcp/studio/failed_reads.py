"""What follows from reads that failed: a missing fact, or the failure of the whole call. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from trax_mcp.api.errors import LostAnswer, Refused, TraxError
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
)
from trax_mcp.studio.facts import NOT_TOLD, WORDS, Facts, Kind, Read

_FAIL_THE_CALL: Final = frozenset({"not_found", "invalid_key", "no_key"})
_ONLY_WARN: Final = frozenset[Kind]({ListSources, ListConnections, GetHealth})
"""Facts without which a person can still decide."""
_OF_THE_STUDIO: Final = frozenset[Kind]({GetStreamStatus, ListDestinations, ListSources})


def missing_facts(
    failed: Mapping[Kind, TraxError],
    found: Facts,
    read_now: Collection[Kind],
    *,
    tolerant: bool = False,
    quick: bool = False,
) -> Mapping[Kind, Read[Any]]:
    """The failed facts, each with the reason why it is missing.

    A scope that is missing may be told as 401 or 404 too: so it was if another read with the same
    key, or of the same studio, has succeeded. `read_now` are the facts that this reader has read:
    `found` may hold a studio out of a list, which may have been deleted since.

    Raises:
        TraxError: the first failure that is one of the whole call.
    """
    missing = dict[Kind, Read[Any]]()
    for kind, error in failed.items():
        if error.required_scope:
            missing[kind] = Read(missing=f"the key lacks {error.required_scope}", is_forbidden=True)
        elif kind is not GetHealth and _is_a_missing_scope(error, found, read_now):
            why = f"TRaX answered HTTP {error.http_status}: the key may lack a scope"
            missing[kind] = Read(missing=why, is_forbidden=True)
        elif error.code in _FAIL_THE_CALL and kind not in _ONLY_WARN:
            raise error
        elif quick or error.http_status == HTTPStatus.FORBIDDEN:
            is_forbidden = error.http_status == HTTPStatus.FORBIDDEN
            missing[kind] = Read(missing=NOT_TOLD, is_forbidden=is_forbidden)
        elif error.code in _FAIL_THE_CALL and error.http_status:  # which says it of an id or a key
            missing[kind] = Read(missing=f"TRaX answered HTTP {error.http_status}")
        elif tolerant or kind in _ONLY_WARN:
            missing[kind] = Read(missing=error.happened)
        else:
            raise error
    return missing


def _is_a_missing_scope(error: TraxError, found: Facts, read_now: Collection[Kind]) -> bool:
    have = {kind for kind, it in found.reads.items() if it.value is not None}
    match error:
        case Refused(http_status=HTTPStatus.UNAUTHORIZED):
            return bool(have - {GetHealth})  # which needs no key
        case Refused(http_status=HTTPStatus.NOT_FOUND):
            return bool(have & (_OF_THE_STUDIO | ({GetStudio} & set(read_now))))
    return False


def naming_the_read(error: TraxError, failed: Mapping[Kind, TraxError]) -> TraxError:
    """The failure with what could not be read, where it does not name the operation itself."""
    kind = next((it for it, other in failed.items() if other is error), None)
    is_of_one = isinstance(error, Refused | LostAnswer)
    if kind is None or not is_of_one or error.code in _FAIL_THE_CALL:
        return error
    what = f"{WORDS[kind][:1].upper()}{WORDS[kind][1:]}"
    return replace(error, happened=f"{what} couldn't be read: {error.happened}")
