"""find_studio, with which a model begins, through a real client: the answer and its sentence.

`tests/units/studio/test_names` has what people say, and which studio that is. The snapshots have
every word.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.fact_reads import STUDIOS, asked
from tests.support.long_lists import destination, long_list
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.virtual_time import in_virtual_time
from tests.support.studio_answers import sentences_and_data, shown
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types
    from syrupy.assertion import SnapshotAssertion

    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

MOST_SECONDS: Final = 30
"""How long a search may take: no read begins after 25 s, and TRaX has 10 s for each."""

ASK: Final = "Before a change, ask the user which one they mean."


def add_many(trax: Sandbox, count: int, name: str = "Late Show") -> None:
    """Add studios with a number in their name."""
    for number in range(count):
        trax.add_studio(f"{name} {number:02}", record_id=f"studio_7{number:02}")


async def find(it: World, query: str) -> types.CallToolResult:
    """Search with a query."""
    return await it[MINE].call("find_studio", query=query)


async def found(it: World, query: str) -> tuple[str, dict[str, Any]]:
    """The sentences and the data for a query."""
    sentences, data = sentences_and_data(await find(it, query))
    return " ".join(sentences), data


@pytest.mark.parametrize(
    "query",
    ["the friday show", "rehearsal", " studio_43 ", "coffee at noon", "my show", "live", "nothing"],
)
async def test_the_matches_come_with_the_likely_one(
    query: str, snapshot: SnapshotAssertion
) -> None:
    """The sentence names it, or says that the person must be asked.

    The likely one comes with the ids that changes take, those switched on first.
    """
    async with open_world(MINE) as it:
        assert shown(await find(it, query)) == snapshot


async def test_where_no_name_fits_all_are_listed_with_those_on_air_first(
    snapshot: SnapshotAssertion,
) -> None:
    """The live one is told by `live`. None is likely, even if only one is on air."""
    async with open_world(MINE) as it:
        put_on_air(it.trax, "studio_43")
        assert shown(await find(it, "the live one")) == snapshot
        assert shown(await find(it, "the friday show")) == snapshot
        put_on_air(it.trax, "studio_51")
        assert shown(await find(it, "on air")) == snapshot


async def test_what_cannot_be_read_is_left_out_or_unknown_and_not_off_air() -> None:
    """Neither of the only studio nor of all."""
    async with open_world(MINE) as it:
        refused = Fault.error(403, "insufficient_scope")
        it.trax.faults.add(refused, times=None, path="*/sources")
        sentence, data = await found(it, "the friday show")
        assert data["details"].keys() == {"destinations", "unknown"}
        assert data["details"]["unknown"][0] == "the sources (the key lacks sources:read)"
        it.trax.faults.add(Fault.error(500, "internal"), times=None, path="*/stream-status")
        sentence, _ = await found(it, "live")
        why = 'TRaX has a problem (HTTP 500, code "internal") (TRaX says: "Scripted.").'
        assert sentence == (
            'No name matches "live". 4 studios: 4 unknown.'
            f" It's unclear whether 4 of them are on air: {why} {ASK}"
        )
        only = [{"id": "studio_51", "name": "Morning Coffee", "ownerSub": "u", "role": "EDIT"}]
        it.trax.faults.add(Fault.status(200, {"data": only}), path=STUDIOS)
        sentence, _ = await found(it, "live")
        assert sentence == (
            'No name matches "live". 1 studio: 1 unknown.'
            f" It's unclear whether it's on air: {why}"
            " Before a change, ask the user if this is the one."
        )


@in_virtual_time
async def test_a_search_ends_before_a_client_gives_up() -> None:
    """TRaX lists the studios and is silent about each of them."""
    async with open_world(MINE, virtual=True) as it:
        add_many(it.trax, 12)
        it.trax.faults.add(Fault.silence(), times=None, path="/v1/studios/*")
        began = anyio.current_time()
        sentence, data = await found(it, "late")
        assert anyio.current_time() - began == MOST_SECONDS
    why = "It's unclear whether 12 of them are on air: TRaX didn't answer within 10 s."
    names = '"Late Show 00", "Late Show 01", "Late Show 02" and 9 more match.'
    assert sentence == f"{names} {why} {ASK}"
    assert [each["live"] for each in data["matches"]] == [None] * 16


async def test_an_id_comes_before_the_same_text_as_a_name() -> None:
    """None is likely, since anyone can name a studio like the id of another one."""
    async with open_world(MINE) as it:
        it.trax.change("studio_43", name="studio_51")
        sentence, data = await found(it, "studio_51")
    assert [each["id"] for each in data["matches"][:2]] == ["studio_51", "studio_43"]
    assert sentence == f'"Morning Coffee" and "studio_51" match. {ASK}'
    assert "likely" not in data


async def test_a_key_in_a_query_is_not_repeated() -> None:
    """A person may paste the wrong thing."""
    async with open_world(MINE) as it:
        for key in (MINE, "sk_live_of_somebody_else"):
            sentence, data = await found(it, f"show {key}")
            assert sentence.startswith('No name matches "show [key]". All 4 studios are off air.')
            assert key not in str(data)


async def test_20_studios_have_a_status_and_five_of_them_destinations() -> None:
    """What cannot be read is unknown. Those that fit come first, and then those on air."""
    async with open_world(MINE) as it:
        add_many(it.trax, 16, "Take")
        put_on_air(it.trax, "studio_60")
        put_on_air(it.trax, "studio_702")
        it.trax.faults.add(Fault.error(403, "forbidden"), path="*/studio_701/stream-status")
        it.trax.faults.add(Fault.error(403, "forbidden"), path="*/studio_700/destinations")
        sentence, data = await found(it, "take 01")
    matches = data["matches"]
    assert sentence.startswith(
        "The likely one is \"Take 01\". It's unclear whether it's on air: TRaX didn't say."
    )
    assert [each["id"] for each in matches[:3]] == ["studio_701", "studio_702", "studio_60"]
    assert [each["live"] for each in matches] == [None, True, True, *[False] * 17]
    assert ["destinations" in each for each in matches] == [*[True] * 3, False, True, *[False] * 15]
    assert (data["likely"], data["searched"]) == ("studio_701", 20)
    assert asked(it.trax).total() == 1 + 20 + 5 * 2 + 2


async def test_of_more_than_20_studios_the_first_20_that_are_alike_are_listed(
    snapshot: SnapshotAssertion,
) -> None:
    """The sentence says how many there are, and that the others were not looked at."""
    async with open_world(MINE) as it:
        add_many(it.trax, 30)
        sentence, data = await found(it, "late")
        names = '"Late Show 00", "Late Show 01", "Late Show 02" and 27 more match.'
        assert sentence == f"{names} Only the first 20 are listed. {ASK}"
        assert [each["id"] for each in data["matches"]] == [f"studio_7{n:02}" for n in range(20)]
        assert shown(await find(it, "fridy nite")) == snapshot
        assert shown(await find(it, "the live one")) == snapshot
        it.trax.faults.add(Fault.status(200, {"data": []}), path=STUDIOS)
        nothing: dict[str, Any] = {"matches": [], "searched": 0}
        assert await found(it, "friday") == ("There are no studios.", nothing)


async def test_a_long_text_of_trax_is_cut_in_what_is_found() -> None:
    """A stranger can share a studio of any name, and a model reads all of it."""
    long = "friday " * 10_000

    def place(number: int) -> dict[str, Any]:
        return {**destination(number), "enabled": True, "platform": f"{number} {'x' * 1_000}"}

    async with open_world(MINE) as it:
        names = Fault.extra({"name": long, "role": long})  # noqa: S610  no Django here
        it.trax.faults.add(names, path=STUDIOS)
        places = long_list(200, place)
        it.trax.faults.add(places, times=None, path="/v1/studios/*/destinations")
        sentence, data = await found(it, "friday")
    assert len(data["matches"]) == 4
    assert len(json.dumps([sentence, data])) < 20_000
