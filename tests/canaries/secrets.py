"""Secrets that are planted on purpose, and where each of them may be found afterwards.

Found is also what is percent-encoded, in base64, escaped for JSON or Python, or cut short. It knows
strings and places, and nothing of how anything gets from one to the other.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX_LENGTH: Final = 12
"""Whoever sees the first so many characters can tell whose it is."""

PLAIN_KEY: Final = "sk_live_own1C4n4ryWithNothingOddInIt"
ODD_KEY: Final = "sk_live_odd1\"c4n4ry'\\/+%7E=&<odd>"
"""Any visible ASCII may stand in a key; what is odd looks otherwise wherever it is encoded."""

NEIGHBOURS_KEY: Final = "sk_live_next_c4n4ry_of_somebody_else"
OPERATORS_KEY: Final = "sk_live_oper_c4n4ry_never_lent"
TOKEN: Final = "door-token\"c4n4ry'/+%=&"
ARGUMENT_KEY: Final = "sk_live_argu_c4n4ry_as_an_argument"
URI_KEY: Final = "sk_live_iuri_c4n4ry_in_an_address"
PROMPT_KEY: Final = "sk_live_prom_c4n4ry_in_a_prompt"
QUERY_KEY: Final = "sk_live_quer_c4n4ry_behind_a_question_mark"
SECOND_KEY: Final = "sk_live_seco_c4n4ry_in_a_second_header"
BEARER_KEY: Final = "sk_live_bear_c4n4ry_in_the_wrong_header"
ACTOR_KEY: Final = "sk_live_acto_c4n4ry_as_somebodys_name"
NAME_KEY: Final = "sk_live_name_c4n4ry_as_a_studios_name"
STREAM_KEY: Final = "given-stream\"c4n4ry'/+%&"
ADDRESS_KEY: Final = "inthe-address-c4n4ry"
UNKNOWN: Final = "unkno-c4n4ry-no-argument"
TOLD_KEY: Final = "told-stream\"c4n4ry'/+%&"
COOKIE: Final = "cookie-c4n4ry-of-trax"
LOCATION: Final = "location-c4n4ry-elsewhere"
RESERVED: Final = "reserved-c4n4ry-signature"
UPLOADED: Final = "uploaded-c4n4ry-signature"
STRAY: Final = "stray-c4n4ry-in-no-message"
HOST: Final = "hostn-c4n4ry-that-is-not-ours"
PASSWORD: Final = "passw-c4n4ry-in-an-address"

SHOWN_KEYS: Final = frozenset({"sk_live_..."})
"""All that looks like a key on any page of ours."""

_UPSTREAM: Final = frozenset({"TRaX: authorization"})
_SENT: Final = frozenset({"TRaX: body"})
_ASKING: Final = frozenset(
    f"answer: {tool}"
    for tool in (
        "go_live",
        "go_offline",
        "update_studio",
        "create_destination",
        "update_destination",
        "delete_destination",
        "create_source",
        "update_source",
        "delete_source",
        "unlink_connection",
    )
)

ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    # A key goes to TRaX, and is told to nobody, whatever TRaX and the network do with it.
    "key": _UPSTREAM,
    "neighbour's key": _UPSTREAM,
    "operator's key": frozenset(),
    "token": frozenset(),
    # What stands in a wrong place is taken for what stands there, by the caller's own choice.
    "key as an argument": frozenset(
        {
            "TRaX: path",
            "TRaX: body",
            "answer: find_studio",  # "No studio matches ..."
            "answer: create_destination",  # a person must see what they agree to
            "answer: resources/read",  # it was said in a chat
            "answer: list_chat_messages",
            "answer: wait_for_chat_messages",
        }
    ),
    "key in an address": frozenset({"TRaX: path"}),
    "key in a prompt": frozenset({"answer: prompts/get"}),
    "key in a query": frozenset(),
    "key in a second header": frozenset(),
    "key in the wrong header": frozenset(),
    "key as somebody's name": frozenset(),
    # TRaX's answers are passed on untouched, to the one who asked.
    "key as a studio's name": frozenset(
        {
            "answer: list_studios",
            "answer: get_studio",
            "answer: find_studio",
            "answer: go_live",
            "answer: update_studio",
            "answer: create_destination",
            "answer: delete_destination",
            "answer: create_source",
            "answer: delete_source",
            "answer: unlink_connection",
            "answer: completion/complete",
            "answer: resources/list",
            "answer: resources/read",
        }
    ),
    "stream key that TRaX tells": frozenset(
        {"answer: list_destinations", "answer: list_sources", "answer: resources/read"}
    ),
    # By its name a model sees what it got wrong; values are not repeated.
    "name that is no argument's": frozenset({"answer: create_destination"}),
    "stream key": _SENT,
    # What a person agrees to they must see, and this is an address; written down is its origin.
    "stream key in an address": _SENT | {"answer: create_destination", "answer: create_source"},
    "cookie": frozenset(),
    "redirect": frozenset(),
    "reserved address": frozenset({"answer: create_media_upload"}),
    "address of an upload": frozenset({"storage"}),
    "session": frozenset({"headers"}),
    "confirmation": _ASKING,
    "question": frozenset({"answer: go_live"}),
    "no message": frozenset(),
    # An operator must see which name to allow.
    "host": frozenset({"log"}),
}
"""Where each may be found. Where it may be, it must be: what allows too much is an error too."""


def forms(secret: str) -> set[str]:
    """A secret as it may be written by whoever does not mean to."""
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
    """In base64 it looks in three ways, by what stands before it; the ends hang on neighbours."""
    shifted = [base64.b64encode(bytes(before) + raw) for before in range(3)]
    inner = [it[4 * (before > 0) : -4].decode() for before, it in enumerate(shifted)]
    return {*inner, *(it.translate(str.maketrans("+/", "-_")) for it in inner)}


class Sightings:
    """What was seen in which place."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, place: str, text: str) -> None:
        """This was seen there."""
        self._seen[place].append(text)

    def of(self, planted: Mapping[str, list[str]]) -> set[tuple[str, str]]:
        """Which canary is found in which place, in whatever form."""
        return {
            (name, place)
            for place, texts in self._seen.items()
            for name, secrets in planted.items()
            if _is_in("\n".join(texts), secrets)
        }


def allowed(planted: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    """Where these may be found."""
    return {(name, place) for name in planted for place in ALLOWED[name]}


def _is_in(text: str, secrets: list[str]) -> bool:
    return any(form in text for secret in secrets for form in forms(secret))
