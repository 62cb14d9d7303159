"""find_studio, with which a model begins, through a real client: the answer and its sentence.

`tests/units/studio/test_names` has what people say, and which studio that is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import call, text_of
from tests.support.concurrency import MostAtOnce
from tests.support.fact_reads import STUDIOS, asked
from tests.support.hostile_texts import NAMES_NOTICE, hidden
from tests.support.long_lists import destination, long_list
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air, still
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.virtual_time import in_virtual_time
from tests.world.wire import MODERN

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

MAX_DETAIL_SECONDS: Final = 15
"""How long details may take."""

SHOW: Final = {
    "id": "studio_42",
    "name": "Friday Night Show",
    "role": "owner",
    "live": False,
    "destinations": ["youtube", "twitch"],
}
REHEARSAL: Final = {
    **SHOW,
    "id": "studio_43",
    "name": "Friday Night Show (rehearsal)",
    "destinations": ["custom"],
}
COFFEE: Final = {
    "id": "studio_51",
    "name": "Morning Coffee",
    "role": "EDIT",
    "live": False,
    "destinations": ["facebook", "youtube"],
}
LAUNCH: Final = {
    "id": "studio_60",
    "name": "Product Launch Rehearsal",
    "role": "VIEW",
    "live": False,
    "destinations": [],
}

SINCE: Final = "2026-06-05T18:00:03.000Z"
ALL_FOUR: Final = (
    'There are 4: "Friday Night Show" (studio_42), "Friday Night Show (rehearsal)" (studio_43),'
    ' "Morning Coffee" (studio_51) and "Product Launch Rehearsal" (studio_60). A name may be in'
    " another language there."
)
ASK: Final = "before a change, ask the person which one is meant."
SHOW_IS_LIKELY: Final = (
    'The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too.'
)

ANSWERS: Final[dict[str, tuple[list[dict[str, Any]], str | None, str]]] = {
    "the friday show": ([SHOW, REHEARSAL], "studio_42", SHOW_IS_LIKELY),
    "rehearsal": ([LAUNCH, REHEARSAL], None, f"2 studios match: {ASK}"),
    "coffee": ([COFFEE], "studio_51", 'One studio matches: "Morning Coffee".'),
    "studio_51": ([COFFEE], "studio_51", 'One studio matches: "Morning Coffee".'),
    " studio_43 ": (
        [REHEARSAL],
        "studio_43",
        'One studio matches: "Friday Night Show (rehearsal)".',
    ),
    "coffee at noon": (
        [COFFEE],
        None,
        '"Morning Coffee" matches: before a change, ask the person whether it is meant.',
    ),
    "my show": (
        [SHOW, REHEARSAL, COFFEE, LAUNCH],
        None,
        f'"my show" fits all 4 studios: {ASK}',
    ),
    "live": ([SHOW, REHEARSAL, COFFEE, LAUNCH], None, "None of 4 studios is on air."),
    "studio_5": ([], None, f'No studio matches "studio_5". {ALL_FOUR}'),
}
"""The query -> the matches, the likely one, and the sentence."""


def sentence_and_data(result: types.CallToolResult) -> tuple[str, dict[str, Any]]:
    """The sentence, and the announced data after it, which is also the structured content."""
    sentence, announced, data = text_of(result).split("\n")
    assert announced == NAMES_NOTICE
    assert not result.is_error
    assert not hidden(data)
    assert json.loads(data) == result.structured_content
    return sentence, json.loads(data)


def add_many(sandbox: Sandbox, count: int, name: str = "Late Show") -> None:
    """Add studios with a number in their name."""
    for number in range(count):
        sandbox.add_studio(f"{name} {number:02}", record_id=f"studio_7{number:02}")


async def find(server: Server[Any], query: str) -> tuple[str, dict[str, Any]]:
    """The sentence and the data for a query."""
    return sentence_and_data(await call(server, "find_studio", {"query": query}))


@pytest.mark.parametrize("query", ANSWERS)
async def test_the_matches_come_with_the_likely_one(server: Server[Any], query: str) -> None:
    """The sentence names it, or says that the person must be asked."""
    matches, likely, sentence = ANSWERS[query]
    data = {"matches": matches} | ({"likely": likely} if likely else {}) | {"searched": 4}
    said, found = await find(server, query)
    assert (found.pop("details", None) is not None) is (likely is not None)
    assert (said, found) == (sentence, data)


async def test_the_likely_one_comes_with_the_ids_that_changes_take(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Those switched on first. What cannot be read is left out."""
    _, found = await find(server, "the friday show")
    assert found["details"] == {
        "destinations": [
            {"id": "dest_1", "name": "Main channel", "platform": "youtube", "enabled": True},
            {"id": "dest_2", "name": "Late crowd", "platform": "twitch", "enabled": True},
            {"id": "dest_3", "name": "Kick (trying out)", "platform": "kick", "enabled": False},
        ],
        "sources": [
            {"id": "source_1", "name": "Host camera", "type": "webcam", "active": True},
            {"id": "source_3", "name": "Intro clip", "type": "media", "active": True},
            {"id": "source_2", "name": "Guest feed", "type": "rtmp", "active": False},
        ],
    }
    sandbox.faults.add(Fault.error(403, "insufficient_scope"), times=None, path="*/sources")
    _, found = await find(server, "the friday show")
    assert found["details"].keys() == {"destinations"}


async def test_the_only_studio_on_air_is_found_by_that(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It comes first, and the others after it."""
    put_on_air(sandbox, "studio_43")
    sentence, found = await find(server, "the live one")
    assert sentence == (
        '"Friday Night Show (rehearsal)" is the only one on air. "Friday Night Show (rehearsal)"'
        ' has been on air for less than a minute (since 18:00 UTC); switched on: "custom".'
    )
    on_air = {**REHEARSAL, "live": True, "since": SINCE}
    assert found["matches"] == [on_air, SHOW, COFFEE, LAUNCH]
    assert found["likely"] == "studio_43"


async def test_of_two_studios_on_air_the_person_is_asked(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Also if a name fits one that is not on air."""
    put_on_air(sandbox, "studio_43")
    sentence, found = await find(server, "friday show live")
    assert (sentence, "likely" in found) == (f"2 studios match: {ASK}", False)
    put_on_air(sandbox, "studio_51")
    sentence, found = await find(server, "on air")
    assert (sentence, "likely" in found) == (
        (
            f'2 studios are on air: {ASK} "Friday Night Show (rehearsal)" has been on air for 1'
            ' minute (since 18:00 UTC); switched on: "custom". "Morning Coffee" has been on air for'
            " less than a minute (since 18:01 UTC); switched on: Facebook and YouTube."
        ),
        False,
    )
    assert [it["live"] for it in found["matches"]] == [True, True, False, False]


async def test_a_studio_that_is_named_live_is_not_called_the_only_one_on_air(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A stranger can share a studio of that name. The person may mean another one on air."""
    sandbox.change("studio_60", name="Live")
    put_on_air(sandbox, "studio_60")
    sentence, found = await find(server, "live")
    assert sentence.startswith('"Live" is the only one on air. ')
    assert found["likely"] == "studio_60"
    put_on_air(sandbox, "studio_43")
    sentence, found = await find(server, "live")
    assert sentence.startswith(f"2 studios are on air: {ASK} ")
    assert "likely" not in found


async def test_a_status_that_cannot_be_read_is_not_off_air(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Neither of the only studio nor of all."""
    sandbox.faults.add(Fault.error(500, "internal"), times=None, path="*/stream-status")
    sentence, _ = await find(server, "live")
    assert sentence == "Whether any of 4 studios is on air could not be read."
    only = [{"id": "studio_51", "name": "Morning Coffee", "ownerSub": "u", "role": "EDIT"}]
    sandbox.faults.add(Fault.status(200, {"data": only}), path=STUDIOS)
    sentence, _ = await find(server, "live")
    assert sentence == 'Whether "Morning Coffee" is on air could not be read.'


@in_virtual_time
async def test_details_that_come_slowly_do_not_delay_the_matches() -> None:
    """TRaX lists the studios and is silent about each of them."""
    sandbox = still()
    add_many(sandbox, 12)
    sandbox.faults.add(Fault.silence(), times=None, path="/v1/studios/*")
    server = Product(sandbox, settings={"TRAX_TIMEOUT_SECONDS": "10"}).server()
    began = anyio.current_time()
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        found = sentence_and_data(await client.call_tool("find_studio", {"query": "late"}))
    assert anyio.current_time() - began == MAX_DETAIL_SECONDS
    assert found[0] == f"12 studios match: {ASK}"
    assert [it["live"] for it in found[1]["matches"]] == [None] * 12


async def test_a_studio_on_air_is_likely_by_its_name_too(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The sentences say for how long, and what is switched on."""
    put_on_air(sandbox)
    sentence, found = await find(server, "the live friday show")
    assert sentence == (
        f'{SHOW_IS_LIKELY} "Friday Night Show" has been on air for less than a minute (since 18:00'
        " UTC); switched on: YouTube and Twitch."
    )
    assert found["likely"] == "studio_42"


async def test_an_id_comes_before_the_same_text_as_a_name(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """None is likely, since anyone can name a studio like the id of another one."""
    sandbox.change("studio_43", name="studio_51")
    sentence, found = await find(server, "studio_51")
    assert [it["id"] for it in found["matches"]] == ["studio_51", "studio_43"]
    assert (sentence, "likely" in found) == (f"2 studios match: {ASK}", False)


async def test_none_of_two_studios_with_the_same_name_is_likely(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A stranger can share a studio of any name."""
    sandbox.change("studio_60", name="friday night show")
    sentence, found = await find(server, "Friday Night Show")
    assert [it["id"] for it in found["matches"]] == ["studio_42", "studio_60", "studio_43"]
    assert (sentence, "likely" in found) == (f"3 studios match: {ASK}", False)


async def test_a_key_in_a_query_is_not_repeated(server: Server[Any]) -> None:
    """A person may paste the wrong thing."""
    for key in (SANDBOX_KEY, "sk_live_of_somebody_else"):
        sentence, found = await find(server, f"show {key}")
        assert sentence == f'No studio matches "show [key]". {ALL_FOUR}'
        assert found == {"matches": [], "searched": 4}


async def test_the_first_ten_matches_have_a_status_and_five_of_them_destinations(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Further matches are found too. What cannot be read is unknown."""
    add_many(sandbox, 12, "Take")
    put_on_air(sandbox, "studio_700")
    sandbox.faults.add(Fault.error(403, "forbidden"), path="*/studio_701/stream-status")
    sandbox.faults.add(Fault.error(403, "forbidden"), path="*/studio_702/destinations")
    sentence, found = await find(server, "take")
    matches = found["matches"]
    assert sentence == f'"take" fits all 16 studios: {ASK}'
    assert [it["live"] for it in matches[:12]] == [True, None, *[False] * 8, None, None]
    assert ["destinations" in it for it in matches] == [True, True, False, True, True] + [
        False
    ] * 11
    assert (found["searched"], asked(sandbox).total()) == (16, 16)


async def test_at_most_twenty_matches_are_listed(server: Server[Any], sandbox: Sandbox) -> None:
    """The sentence says how many there are, and that a status was not read."""
    add_many(sandbox, 30)
    sentence, found = await find(server, "late")
    assert sentence == f"30 studios match: {ASK} Only the first 20 are listed."
    assert [it["id"] for it in found["matches"]] == [f"studio_7{it:02}" for it in range(20)]
    sentence, found = await find(server, "live")
    assert sentence == (
        "None of 10 studios is on air. Whether 24 more are was not read."
        " Only the first 20 are listed."
    )
    assert [it["live"] for it in found["matches"]] == [*[False] * 10, *[None] * 10]


async def test_six_reads_at_most_are_made_at_a_time(server: Server[Any], sandbox: Sandbox) -> None:
    """TRaX limits how often a key may ask."""
    add_many(sandbox, 12)
    most = MostAtOnce()
    sandbox.faults.add(most.fault, times=None)
    await find(server, "late")
    assert most.count == 6


async def test_a_platform_is_named_once_and_only_if_switched_on(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """In the order of the destinations."""
    sandbox.add_destination("Second channel")
    _, found = await find(server, "friday night show")
    assert found["matches"][0]["destinations"] == ["youtube", "twitch"]


async def test_at_most_ten_studios_are_named_where_none_matches(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A person may say a name in another language than it is written in."""
    add_many(sandbox, 6)
    sentence, _ = await find(server, "Freitagsrunde")
    assert sentence.startswith('No studio matches "Freitagsrunde". There are 10: "Friday Night')
    sandbox.add_studio("One More")
    sentence, _ = await find(server, "Freitagsrunde")
    assert sentence == (
        'No studio matches "Freitagsrunde". Try the name in its own language, or look through all'
        " 11 with list_studios."
    )


async def test_the_only_studio_is_named_where_it_does_not_match(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """In words that fit one."""
    only = [{"id": "studio_51", "name": "Morning Coffee", "ownerSub": "u", "role": "EDIT"}]
    sandbox.faults.add(Fault.status(200, {"data": only}), path=STUDIOS)
    sentence, _ = await find(server, "Freitagsrunde")
    assert sentence == (
        'No studio matches "Freitagsrunde". There is 1: "Morning Coffee" (studio_51). A name may be'
        " in another language there."
    )


async def test_an_account_without_studios_is_told_so(server: Server[Any], sandbox: Sandbox) -> None:
    """Nothing could match."""
    sandbox.faults.add(Fault.status(200, {"data": []}), path=STUDIOS)
    assert await find(server, "friday") == ("There are no studios.", {"matches": [], "searched": 0})


async def test_the_text_has_no_invisible_characters(server: Server[Any], sandbox: Sandbox) -> None:
    """A program gets the name as it is."""
    sandbox.change("studio_51", name="Coffee\u202e")
    sentence, found = await find(server, "coffee")
    assert sentence == r'One studio matches: "Coffee\u202e".'
    assert found["matches"][0]["name"] == "Coffee\u202e"
    sentence, _ = await find(server, 'x"\u202e\n')
    assert sentence.startswith(r'No studio matches "x\u0022\u202e\u000a". There are 4: ')
    assert r'"Coffee\u202e" (studio_51)' in sentence


async def test_a_long_text_of_trax_is_cut_in_what_is_found(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A stranger can share a studio of any name, and a model reads all of it."""
    long = "friday " * 10_000

    def place(number: int) -> dict[str, Any]:
        return {**destination(number), "enabled": True, "platform": f"{number} {'x' * 1_000}"}

    names = Fault.extra({"name": long, "role": long})  # noqa: S610  no Django here
    sandbox.faults.add(names, path=STUDIOS)
    sandbox.faults.add(long_list(200, place), times=None, path="/v1/studios/*/destinations")
    sentence, found = await find(server, "friday")
    assert len(found["matches"]) == 4
    assert len(json.dumps([sentence, found])) < 20_000
