"""Canary secrets, and the places where each of them may be found afterwards.

A secret is also found if it is percent-encoded, base64-encoded, escaped or truncated.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.support.operation_table import GUARDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

PREFIX_LENGTH: Final = 12
"""This many leading characters identify a secret."""

PLAIN_KEY: Final = "sk_live_own1C4n4ryWithNothingOddInIt"
ODD_KEY: Final = "sk_live_odd1\"c4n4ry'\\/+%7E=&<odd>"
"""A key may contain any visible ASCII; these characters change in most encodings."""

OTHER_ACCOUNT_KEY: Final = "sk_live_next_c4n4ry_of_somebody_else"
OPERATORS_KEY: Final = "sk_live_oper_c4n4ry_never_lent"
TOKEN: Final = "door-token\"c4n4ry'/+%=&"
ARGUMENT_KEY: Final = "sk_live_argu_c4n4ry_as_an_argument"
URI_KEY: Final = "sk_live_iuri_c4n4ry_in_an_address"
PROMPT_KEY: Final = "sk_live_prom_c4n4ry_in_a_prompt"
QUERY_KEY: Final = "sk_live_quer_c4n4ry_behind_a_question_mark"
REQUEST_ID_KEY: Final = "sk_live_rqid_c4n4ry_as_the_id_of_a_request"
SECOND_KEY: Final = "sk_live_seco_c4n4ry_in_a_second_header"
BEARER_KEY: Final = "sk_live_bear_c4n4ry_in_the_wrong_header"
ACTOR_KEY: Final = "sk_live_acto_c4n4ry_as_somebodys_name"
STUDIO_NAME_KEY: Final = "sk_live_name_c4n4ry_as_a_studios_name"
STREAM_KEY: Final = "given-stream\"c4n4ry'/+%&"
URL_STREAM_KEY: Final = "inthe-address-c4n4ry"
UNKNOWN_ARGUMENT: Final = "unkno-c4n4ry-no-argument"
RETURNED_KEY: Final = "told-stream\"c4n4ry'/+%&"
COOKIE: Final = "cookie-c4n4ry-of-trax"
LOCATION: Final = "location-c4n4ry-elsewhere"
RESERVED_SIGNATURE: Final = "reserved-c4n4ry-signature"
UPLOADED_SIGNATURE: Final = "uploaded-c4n4ry-signature"
UNSOLICITED: Final = "stray-c4n4ry-in-no-message"
HOST: Final = "hostn-c4n4ry-that-is-not-ours"
PASSWORD: Final = "passw-c4n4ry-in-an-address"

DOCUMENTED_KEYS: Final = frozenset({"sk_live_..."})
"""The only key-like strings in the pages of the repository."""

_TRAX_AUTHORIZATION: Final = frozenset({"TRaX: authorization"})
_TRAX_BODY: Final = frozenset({"TRaX: body"})
_GUARDED_TOOLS: Final = frozenset(f"answer: {tool}" for tool in (*GUARDED, "apply_changes"))

ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    # A key is sent to TRaX only, whatever TRaX and the network do with it.
    "key": _TRAX_AUTHORIZATION,
    "other account's key": _TRAX_AUTHORIZATION,
    "operator's key": frozenset(),
    "token": frozenset(),
    # A key that the caller puts into another field is treated as the value of that field.
    "key as an argument": frozenset(
        {
            "TRaX: path",
            "TRaX: body",
            "answer: create_destination",  # a person must see what they confirm
            "answer: resources/read",  # it was sent as a chat message
            "answer: list_chat_messages",
            "answer: wait_for_chat_messages",
        }
    ),
    "key in a resource URI": frozenset({"TRaX: path"}),
    "key in a prompt": frozenset({"answer: prompts/get"}),
    "key in a query": frozenset(),
    "key in a second header": frozenset(),
    "key as a request's id": frozenset(),
    "key in the wrong header": frozenset(),
    "key as an actor name": frozenset(),
    # Responses of TRaX are returned unchanged to the caller, and questions and results name the
    # studio. That of `go_offline` is about another one.
    "key as a studio name": (_GUARDED_TOOLS - {"answer: go_offline"})
    | frozenset(
        {
            "answer: list_studios",
            "answer: get_studio",
            "answer: find_studio",
            "answer: check_studio",
            "answer: completion/complete",
            "answer: resources/list",
            "answer: resources/read",
        }
    ),
    "stream key from TRaX": frozenset(
        {"answer: list_destinations", "answer: list_sources", "answer: resources/read"}
    ),
    # The model needs the name to correct its call; values are not repeated.
    "unknown argument name": frozenset({"answer: create_destination"}),
    "stream key": _TRAX_BODY,
    # A person must see the URL that they confirm; the audit log holds only its origin.
    "stream key in an RTMP URL": _TRAX_BODY | {"answer: create_destination"},
    "cookie": frozenset(),
    "redirect": frozenset(),
    "reserved upload URL": frozenset({"answer: create_media_upload"}),
    "used upload URL": frozenset({"storage"}),
    "session": frozenset({"headers"}),
    # These calls need no approval while the studio is off air.
    "confirmation": _GUARDED_TOOLS
    - {"answer: update_studio", "answer: create_source", "answer: update_source"},
    "question": frozenset({"answer: go_live"}),
    "unsolicited message": frozenset(),
    # The operator must see which host name to allow.
    "host": frozenset({"log"}),
}
"""Where each secret may be found. It must be found in all these places, so the list is exact."""


def spellings(secret: str) -> set[str]:
    """All spellings of a secret that are searched for."""
    raw = secret.encode()
    escaped = json.dumps(secret)[1:-1]
    return {
        secret,
        escaped,
        json.dumps(escaped)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        raw.hex(),
        secret[:PREFIX_LENGTH],
        *_in_base64(raw),
    }


def _in_base64(raw: bytes) -> set[str]:
    """Its base64 depends on the offset, so return all three variants without their ends."""
    encoded = [base64.b64encode(bytes(before) + raw) for before in range(3)]
    stable = [it[4 * (before > 0) : -4].decode() for before, it in enumerate(encoded)]
    return {*stable, *(it.translate(str.maketrans("+/", "-_")) for it in stable)}


class Seen:
    """All that came out of a server, by place, and the secrets to search for in it."""

    def __init__(self) -> None:
        self.texts: defaultdict[str, str] = defaultdict(str)
        self._planted: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, place: str, text: str) -> None:
        """Add a text that was seen in this place."""
        self.texts[place] += f"{text}\n"

    async def record(self, response: httpx.Response) -> None:
        """Add the answer to a request, as a hook of a client does."""
        await response.aread()
        request = response.request
        place = f"answer to {request.method} {request.url.path}"
        self.add(place, f"{response.headers} {response.text}")

    def plant(self, name: str, *values: str) -> None:
        """Search for these too, in any spelling."""
        self._planted[name].update(filter(None, values))

    def found(self) -> set[tuple[str, str]]:
        """Each name with each place where one of its secrets was found."""
        every = {
            name: {it for value in values for it in spellings(value)}
            for name, values in self._planted.items()
        }
        return {
            (name, place)
            for name, spelt in every.items()
            for place, text in self.texts.items()
            if any(it in text for it in spelt)
        }

    def allowed(self, places: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
        """Each name with each place where its secrets may be found."""
        return {(name, place) for name in self._planted for place in places[name]}
