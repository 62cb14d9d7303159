"""Any resource URI or cursor: answered as the templates say, or refused.

An independent parser of the listed templates says what a URI means.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import anyio
import mcp_types as types
import pytest
from hypothesis import example, given, settings

from tests.support.fuzzing.fuzz_sessions import (
    FuzzSession,
    check_no_other_account,
    fuzz_session,
)
from tests.support.fuzzing.strategies import (
    MAX_CURSOR_LENGTH,
    STUDIOS,
    URIS,
    is_encodable,
    is_valid_id,
)
from tests.support.hostile_texts import hidden
from tests.support.hypothesis_profiles import examples
from tests.support.resource_reads import CHAT, no_such, not_found
from tests.world.caller import Caller

if TYPE_CHECKING:
    from tests.support.product.request_log import ReceivedRequest

pytestmark = pytest.mark.fuzz

_STUDIO_URI: Final = re.compile(
    r"trax://studios/([^/?#]+)(?:(/stream-status)|(/chat)(?:\?after=([^#]*))?)?", re.DOTALL
)
_CANONICAL: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
STATIC_URIS: Final = ("trax://openapi.json", "trax://studios")

SENDABLE_URIS: Final = URIS.filter(is_encodable)
"""The later era's client also writes a URI into a header, which cannot hold surrogates."""


# The oracle


@dataclass(frozen=True)
class Meaning:
    """The meaning of a URI. `canonical`: it is written as its template is expanded."""

    studio: str
    part: str
    after: str | None
    canonical: bool


def meaning_of(uri: str) -> Meaning | None:
    """The meaning of a URI, None if it can mean nothing."""
    if (found := _STUDIO_URI.fullmatch(uri)) is None:
        return None
    written, status, chat, after = found.groups()
    try:
        studio = unquote(written, errors="strict")
        cursor = after and unquote(after, errors="strict")
    except UnicodeDecodeError:
        return None
    if not is_valid_id(studio) or (cursor is not None and not is_valid_cursor(cursor)):
        return None
    canonical = all(_CANONICAL.fullmatch(it) for it in (written, after) if it is not None)
    return Meaning(studio, status or chat or "", cursor, canonical)


def is_valid_cursor(text: str) -> bool:
    """Whether a text could be a cursor."""
    return bool(text.strip()) and len(text) <= MAX_CURSOR_LENGTH and is_encodable(text)


def reads_only(received: ReceivedRequest, studio: str) -> bool:
    """Whether a request only reads something of this studio."""
    segments = received.path.split("/")
    return (
        received.method == "GET"
        and segments[:3] == ["", "v1", "studios"]
        and unquote(segments[3]) == studio
        and set(received.query) <= {"limit"}
    )


def check_read(session: FuzzSession, uri: str, answer: object, era: str) -> bool:
    """Compare a read result and the requests for it with the URI's meaning."""
    check_no_other_account(answer, uri)
    if uri in STATIC_URIS:
        assert isinstance(answer, types.ReadResourceResult)
        return True
    meaning = meaning_of(uri)
    if meaning is None or (not meaning.canonical and answer == no_such(uri, era)):
        assert answer == no_such(uri, era)
        assert not session.sent
        return False
    assert session.sent
    assert all(reads_only(it, meaning.studio) for it in session.sent)
    if meaning.studio not in STUDIOS:
        assert isinstance(answer, types.ErrorData)
        assert (answer.code, answer.data["error"]["code"]) == (not_found(era), "not_found")
        return True
    assert isinstance(answer, types.ReadResourceResult)
    check_contents(answer, uri, meaning)
    return True


def check_contents(answer: types.ReadResourceResult, uri: str, meaning: Meaning) -> None:
    """The contents have the same URI, and nothing in them is invisible."""
    (contents,) = answer.contents
    assert isinstance(contents, types.TextResourceContents)
    assert contents.uri == uri
    assert not hidden(contents.text)
    body = json.loads(contents.text)
    match meaning.part:
        case "":
            assert body["id"] == meaning.studio
        case "/stream-status":
            assert "live" in body
        case "/chat":
            assert body["studioId"] == meaning.studio
            assert body["missed"] is (meaning.after not in {None, "start"})


# The properties


def test_any_uri_is_read_as_its_template_says_or_is_not_found(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A URI without meaning is refused without a request to TRaX."""
    outcomes = set()
    with fuzz_session(era) as session:

        @settings(max_examples=examples(200))
        @given(SENDABLE_URIS)
        def property_(uri: str) -> None:
            session.portal.call(session.clock.advance, 3)
            with session.example(uri):
                answer = session.run_or_error(partial(session.client.read_resource, uri))
                outcomes.add(check_read(session, uri, answer, era))

        property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


async def _subscribe_and_unsubscribe(session: FuzzSession, uri: str, era: str) -> list[str]:
    """Subscribe to a URI and unsubscribe; return the accepted URIs."""
    caller = Caller(era, anyio.create_task_group())
    caller.client = session.client
    try:
        return await caller.subscribe(uri)
    finally:
        await caller.unsubscribe(uri)


def test_any_uri_is_subscribed_to_if_it_can_be_watched(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Only chat and stream status of a studio that the caller sees; else a clear error."""
    outcomes = set()
    with fuzz_session(era, short_seconds=0) as session:

        @settings(max_examples=examples(125))
        @given(SENDABLE_URIS)
        @example(CHAT)
        def property_(uri: str) -> None:
            session.portal.call(session.clock.advance, 3)
            with session.example(uri):
                answer = session.run_or_error(
                    partial(_subscribe_and_unsubscribe, session, uri, era)
                )
                outcomes.add(check_subscription(session, uri, answer, era))

        property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


def check_subscription(session: FuzzSession, uri: str, answer: object, era: str) -> bool:
    """Compare the accepted subscriptions with the URI's meaning."""
    meaning = meaning_of(uri)
    if uri in STATIC_URIS or (meaning and (not meaning.part or meaning.after is not None)):
        assert isinstance(answer, types.ErrorData)
        assert answer.code in {types.INVALID_PARAMS, not_found(era)}
        assert not session.sent
        return False
    if meaning is None or (not meaning.canonical and answer == no_such(uri, era)):
        assert answer == no_such(uri, era)
        assert not session.sent
        return False
    assert all(reads_only(it, meaning.studio) for it in session.sent)
    if meaning.studio in STUDIOS:
        assert answer == [uri]
        return True
    assert isinstance(answer, types.ErrorData)
    assert (answer.code, answer.data["error"]["code"]) == (not_found(era), "not_found")
    return False
