"""Any resource URI or cursor: answered as the templates say, or refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import mcp_types as types
import pytest
from hypothesis import example, given, settings

from tests.fuzz.inputs import STUDIOS, URIS
from tests.fuzz.oracle import Meaning, meaning_of
from tests.fuzz.shared import answer_or_error, check_no_other_account, shared_world
from tests.support.hostile_texts import hidden
from tests.support.hypothesis_profiles import examples
from tests.support.resource_reads import CHAT, no_such, not_found
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.product.request_log import ReceivedRequest
    from tests.world.world import World

pytestmark = pytest.mark.fuzz

STATIC_URIS: Final = ("trax://openapi.json", "trax://studios")


def reads_only(received: ReceivedRequest, studio: str) -> bool:
    """Whether a request only reads something of this studio."""
    segments = received.path.split("/")
    return (
        received.method == "GET"
        and segments[:3] == ["", "v1", "studios"]
        and unquote(segments[3]) == studio
        and set(received.query) <= {"limit"}
    )


def is_refused(world: World, meaning: Meaning | None, answer: object, uri: str) -> bool:
    """Whether a URI means nothing, or no studio of the caller; it must be refused then."""
    if meaning is None or (not meaning.canonical and answer == no_such(uri, world.era)):
        assert answer == no_such(uri, world.era)
        assert not world.trax.requests
        return True
    assert all(reads_only(it, meaning.studio) for it in world.trax.requests)
    if meaning.studio in STUDIOS:
        return False
    assert isinstance(answer, types.ErrorData)
    assert (answer.code, answer.data["error"]["code"]) == (not_found(world.era), "not_found")
    return True


async def check_read(world: World, uri: str) -> bool:
    """Read a URI; returns whether it was answered."""
    world.hand_clock.advance(3)
    answer = await answer_or_error(world[MINE].client.read_resource(uri))
    check_no_other_account(answer, uri)
    if uri in STATIC_URIS:
        assert isinstance(answer, types.ReadResourceResult)
        return True
    meaning = meaning_of(uri)
    if is_refused(world, meaning, answer, uri):
        return False
    assert isinstance(answer, types.ReadResourceResult)
    assert meaning is not None
    assert world.trax.requests
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
    return True


async def check_subscription(world: World, uri: str) -> bool:
    """Subscribe to a URI and unsubscribe; returns whether it was accepted."""
    caller, meaning = world[MINE], meaning_of(uri)
    world.hand_clock.advance(3)
    try:
        answer = await answer_or_error(caller.subscribe(uri))
    finally:
        await answer_or_error(caller.unsubscribe(uri))
    if uri in STATIC_URIS or (meaning and (not meaning.part or meaning.after is not None)):
        assert isinstance(answer, types.ErrorData)
        assert answer.code in {types.INVALID_PARAMS, not_found(world.era)}
        assert not world.trax.requests
        return False
    if is_refused(world, meaning, answer, uri):
        return False
    assert answer == [uri]
    return True


@pytest.mark.parametrize(("check", "tries"), [(check_read, 200), (check_subscription, 125)])
def test_any_uri_is_read_or_watched_as_its_template_says_or_is_not_found(
    check: Callable[..., Awaitable[bool]], tries: int, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A URI without meaning is refused without a request. Chat and status can be watched."""
    outcomes = set()
    with shared_world(era=era, short_seconds=0) as shared:

        @settings(max_examples=examples(tries))
        @given(URIS)
        @example(CHAT)
        @example("trax://studios/studio_42/chat?after=start")
        @example("trax://studios/studio_43/chat?after=x")
        def property_(uri: str) -> None:
            outcomes.add(shared.example(check, shared.world, uri))

        property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]
