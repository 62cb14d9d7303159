"""Whatever is asked for by address: found where it is meant, else refused, and TRaX is not asked.

An address is judged by an independent reading of the templates that are listed. What a person types
into one, and cursors, are invented as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import mcp_types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audience import Viewer
from tests.fuzz.stage import REFUSALS, Stage, nothing_of_strangers, stage, wire
from tests.fuzz.values import (
    ANYTHING,
    KNOWN,
    LONGEST_CURSOR,
    NAMES,
    NO_OBJECTS,
    OBJECTS,
    STUDIOS,
    TEXTS,
    URIS,
    is_whole,
    may_be_id,
)
from tests.hostility import hidden
from tests.jsonrpc import ERAS, LEGACY, MODERN, Message
from tests.profiles import examples
from tests.readings import no_such, not_found
from tests.suggestions import TEMPLATES, reference
from trax_mcp.sandbox.keys import ACCOUNT

if TYPE_CHECKING:
    from trax_mcp.sandbox import Received, Sandbox

pytestmark = pytest.mark.fuzz

_ADDRESS: Final = re.compile(
    r"trax://studios/([^/?#]+)(?:(/stream-status)|(/chat)(?:\?after=([^#]*))?)?", re.DOTALL
)
_WELL_WRITTEN: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
STATIC: Final = ("trax://openapi.json", "trax://studios")

SENDABLE_URIS: Final = URIS.filter(is_whole)
"""The later era's client writes an address into a header as well, and cannot write halves."""


# The judge


@dataclass(frozen=True)
class Meant:
    """What an address may mean. `surely`: it is written as its template is expanded."""

    studio: str
    part: str
    after: str | None
    surely: bool


def meant_by(uri: str) -> Meant | None:
    """What an address may mean, None if it can mean nothing."""
    if (found := _ADDRESS.fullmatch(uri)) is None:
        return None
    written, status, chat, after = found.groups()
    try:
        studio = unquote(written, errors="strict")
        cursor = after and unquote(after, errors="strict")
    except UnicodeDecodeError:
        return None
    if not may_be_id(studio) or (cursor is not None and not may_be_cursor(cursor)):
        return None
    surely = all(_WELL_WRITTEN.fullmatch(it) for it in (written, after) if it is not None)
    return Meant(studio, status or chat or "", cursor, surely)


def may_be_cursor(text: str) -> bool:
    """Whether a text could be a cursor."""
    return bool(text.strip()) and len(text) <= LONGEST_CURSOR and is_whole(text)


def about(received: Received, studio: str) -> bool:
    """Whether a request reads something of this studio, and no other."""
    place = received.path.split("/")
    return (
        received.method == "GET"
        and place[:3] == ["", "v1", "studios"]
        and unquote(place[3]) == studio
        and set(received.query) <= {"limit"}
    )


def judged(here: Stage, uri: str, answer: object, era: str) -> bool:
    """Hold an answer, and what was sent for it, against what the address may mean."""
    nothing_of_strangers(answer, uri)
    if uri in STATIC:
        assert isinstance(answer, types.ReadResourceResult)
        return True
    meant = meant_by(uri)
    if meant is None or (not meant.surely and answer == no_such(uri, era)):
        assert answer == no_such(uri, era)
        assert not here.sent
        return False
    assert here.sent
    assert all(about(it, meant.studio) for it in here.sent)
    if meant.studio not in STUDIOS:
        assert isinstance(answer, types.ErrorData)
        assert (answer.code, answer.data["error"]["code"]) == (not_found(era), "not_found")
        return True
    assert isinstance(answer, types.ReadResourceResult)
    told(answer, uri, meant)
    return True


def told(answer: types.ReadResourceResult, uri: str, meant: Meant) -> None:
    """What stands at the address, under that very address, and nothing in it is invisible."""
    (contents,) = answer.contents
    assert isinstance(contents, types.TextResourceContents)
    assert contents.uri == uri
    assert not hidden(contents.text)
    read = json.loads(contents.text)
    match meant.part:
        case "":
            assert read["id"] == meant.studio
        case "/stream-status":
            assert "live" in read
        case "/chat":
            assert read["studioId"] == meant.studio
            assert read["missed"] is (meant.after not in {None, "start"})


# The properties


def test_any_address_is_read_as_what_it_means_or_is_not_there(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And what means nothing is refused before TRaX is asked of anything."""
    opinions = set()
    with stage(era) as here:

        @settings(max_examples=examples(400))
        @given(SENDABLE_URIS)
        def property_(uri: str) -> None:
            here.portal.call(here.clock.advance, 3)
            with here.example(uri):
                answer = here.try_(partial(here.client.read_resource, uri))
                opinions.add(judged(here, uri, answer, era))

        property_()
    assert opinions == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


async def _in_and_out(here: Stage, uri: str, era: str) -> list[str]:
    """Subscribe to an address, and leave again; returns what was agreed to."""
    viewer = Viewer(era)
    viewer.client = here.client
    try:
        return await viewer.subscribe(uri)
    finally:
        await viewer.unsubscribe(uri)


def test_any_address_is_subscribed_to_if_it_can_be(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Chat and whether it is on air, of a studio that the caller sees; else it is said why not."""
    opinions = set()
    with stage(era, short_seconds=0) as here:

        @settings(max_examples=examples(250))
        @given(SENDABLE_URIS)
        def property_(uri: str) -> None:
            here.portal.call(here.clock.advance, 3)
            with here.example(uri):
                answer = here.try_(partial(_in_and_out, here, uri, era))
                opinions.add(agreed(here, uri, answer, era))

        property_()
    assert opinions == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


def agreed(here: Stage, uri: str, answer: object, era: str) -> bool:
    """Hold what was agreed to against what the address may mean."""
    meant = meant_by(uri)
    if uri in STATIC or (meant and (not meant.part or meant.after is not None)):
        assert isinstance(answer, types.ErrorData)
        assert answer.code in {types.INVALID_PARAMS, not_found(era)}
        assert not here.sent
        return False
    if meant is None or (not meant.surely and answer == no_such(uri, era)):
        assert answer == no_such(uri, era)
        assert not here.sent
        return False
    assert all(about(it, meant.studio) for it in here.sent)
    if meant.studio in STUDIOS:
        assert answer == [uri]
        return True
    assert isinstance(answer, types.ErrorData)
    assert (answer.code, answer.data["error"]["code"]) == (not_found(era), "not_found")
    return False


PROMPTS: Final = ("answer_chat", "go_live", "set_up_destination", "troubleshoot")
ASKED: Final = st.tuples(
    st.sampled_from((*PROMPTS, *TEMPLATES)) | TEXTS | URIS,
    st.sampled_from(("studio", "studioId", "platform", "connection", "after")) | TEXTS,
    st.sampled_from(("", "f", "fri", "studio_", "conn", "y")) | TEXTS,
    st.none()
    | st.dictionaries(
        st.just("studio") | NAMES.filter(is_whole),
        st.sampled_from((*KNOWN["studioId"], "Morning Coffee")) | TEXTS,
        max_size=2,
    ),
)


def own_words(trax: Sandbox) -> set[str]:
    """What may be suggested to the owner: names, ids and platforms of their things."""
    world = trax.world
    mine = world.studios.of(ACCOUNT)
    places = [it for studio in mine for it in world.destinations.of(studio.id)]
    accounts = world.connections.of(ACCOUNT)
    return (
        {text for it in mine for text in (it.id, it.name)}
        | {text for it in places for text in (it.id, it.name, it.platform)}
        | {text for it in accounts for text in (it.id, it.display_name, it.platform)}
    )


def test_whatever_is_typed_only_own_things_are_suggested(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing at all for what is no prompt and no address."""
    sizes = set()
    with stage(era) as here:
        own = own_words(here.trax)

        @settings(max_examples=examples(250))
        @given(ASKED)
        def property_(asked: tuple[str, str, str, dict[str, str] | None]) -> None:
            where, argument, typed, context = asked
            here.portal.call(here.clock.advance, 31)
            wanted = {"name": argument, "value": typed}
            with here.example(asked):
                asking = partial(here.client.complete, reference(where), wanted, context)
                answer = here.try_(asking)
                assert {it.method for it in here.sent} <= {"GET"}
                if where not in PROMPTS and where not in TEMPLATES:
                    assert isinstance(answer, types.ErrorData)
                    assert answer.code == types.INVALID_PARAMS
                    assert len(answer.message) < 60
                    assert not here.sent
                    return
                assert isinstance(answer, types.CompleteResult)
                assert set(answer.completion.values) <= own
                sizes.add(len(answer.completion.values))

        property_()
    assert max(sizes) > 1
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


URI: Final = st.fixed_dictionaries({"uri": URIS | ANYTHING}) | NO_OBJECTS
NO_REF: Final = st.fixed_dictionaries(
    {"type": st.sampled_from(("ref/prompt", "ref/resource")) | ANYTHING},
    optional={"name": TEXTS | ANYTHING, "uri": URIS | ANYTHING},
)
REF: Final[st.SearchStrategy[Message]] = st.builds(
    dict, type=st.just("ref/prompt"), name=TEXTS
) | st.builds(dict, type=st.just("ref/resource"), uri=URIS)
ARGUMENT: Final = st.fixed_dictionaries({"name": TEXTS, "value": TEXTS}) | ANYTHING


def _nothing_to_hear(params: Message) -> bool:
    """Not empty: whoever listens for nothing is let, and hears it for ever."""
    return params["notifications"]["resourceSubscriptions"] not in (None, [])


RAW: Final[dict[str, st.SearchStrategy[Any]]] = {
    "resources/read": URI,
    "resources/subscribe": URI,
    "resources/unsubscribe": URI,
    "subscriptions/listen": st.fixed_dictionaries(
        {"notifications": st.fixed_dictionaries({"resourceSubscriptions": ANYTHING})}
    ).filter(_nothing_to_hear),
    "completion/complete": st.fixed_dictionaries(
        {"ref": REF | NO_REF, "argument": ARGUMENT}, optional={"context": ANYTHING | OBJECTS}
    ),
    **dict.fromkeys(
        ("tools/list", "prompts/list", "resources/list", "resources/templates/list"),
        st.fixed_dictionaries({"cursor": ANYTHING}),
    ),
}
"""By method: what no client would send, and what one would."""


OF_ONE_ERA: Final = {
    "resources/subscribe": LEGACY,
    "resources/unsubscribe": LEGACY,
    "subscriptions/listen": MODERN,
}


LOOKING: Final = ("resources/read", "resources/subscribe")


def may_mean_something(params: object) -> bool:
    """Whether there is an address in it."""
    uri = params.get("uri") if isinstance(params, dict) else None
    return isinstance(uri, str) and (uri in STATIC or meant_by(uri) is not None)


@pytest.mark.parametrize(
    ("method", "era"),
    [(it, era) for it in RAW for era in ERAS if OF_ONE_ERA.get(it, era) == era],
)
def test_what_no_client_would_send_is_a_wrong_request(method: str, era: str) -> None:
    """Addresses that are no texts, references to nothing, cursors of any shape: never a fault.

    Where nothing is meant, TRaX is not asked.
    """
    with wire(era) as here:

        @settings(max_examples=examples(25))
        @given(RAW[method])
        def property_(params: object) -> None:
            answer = here.ask(method, params)
            nothing_of_strangers(answer, params)
            assert answer.get("error", {}).get("code") in REFUSALS
            if method in LOOKING and not may_mean_something(params):
                assert "error" in answer
                assert not here.sent

        property_()
