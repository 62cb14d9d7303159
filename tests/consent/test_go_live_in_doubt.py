"""What a go-live may reach and nobody can read is shown first, and never looks harmless."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.consent.several_changes import GO_LIVE as STEP
from tests.consent.several_changes import YOUTUBE_OFF, applying
from tests.support.guarded_calls import GO_LIVE, YES, GuardedOperation
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import RAN, data_of, error_in, outcome
from tests.world.world import MINE, World, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    import mcp_types as types

Json = dict[str, Any]

PLACES: Final = "*/destinations"
ANYONE: Final = "Anyone can watch."
SHORTS: Final = '"Main channel" (YouTube)'
LATER: Final = GuardedOperation(
    "update_studio", {"studioId": "studio_42", "autoGoLive": True}, "", {}
)
SEVERAL: Final = applying(YOUTUBE_OFF, STEP)
CHANGED: Final = ("confirmation_invalid", "changed")


def with_first(**fields: object) -> Callable[[Json], object]:
    """The first destination has these fields, and lacks those that are `...`."""

    def change(page: Json) -> None:
        first = {**page["data"][0], **fields}
        page["data"][0] = {name: it for name, it in first.items() if it is not ...}

    return change


def with_data(data: object) -> Callable[[Json], object]:
    """The whole list is something else."""
    return lambda page: page.update(data=data)


NULL: Final = with_data(None)
BROKEN: Final = with_first(id=None)
NO_LIST: Final = "TRaX sent no list of destinations: the show may stream anyway."
ONE: Final = "1 destination can't be read: the show may stream there too."
SWITCH: Final = f"Whether {SHORTS} is on can't be read: the show may stream there too."

ODD_SWITCHES: Final[tuple[Any, ...]] = (..., None, 0, 1, "off", "", [], {})
DOUBTS: Final = [
    ("null", NULL, NO_LIST, "the destinations (TRaX sent `null` instead of a list)"),
    ("an item without an id", BROKEN, ONE, "1 destination (it can't be read)"),
    *(
        (
            f"enabled {value!r}",
            with_first(enabled=value),
            SWITCH,
            "whether 1 destination is on (TRaX didn't say)",
        )
        for value in ODD_SWITCHES
    ),
]


async def shown(it: World, what: GuardedOperation = GO_LIVE) -> Json:
    """The question about a call."""
    preview: Json = (await it[MINE].data(what))["preview"]
    return preview


@pytest.mark.parametrize(
    ("change", "told", "unknown"), [it[1:] for it in DOUBTS], ids=[it[0] for it in DOUBTS]
)
async def test_what_cannot_be_read_of_the_destinations_stands_first(
    change: Callable[[Json], object], told: str, unknown: str
) -> None:
    """The choice names no platform then."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.patched(change), path=PLACES, times=None)
        preview = await shown(it)
    assert preview["effects"][:2] == [told, ANYONE]
    assert preview["yes"] == "Go live"
    assert preview["unknown"] == [unknown]
    assert not [it for it in preview["warnings"] if "nobody" in it]


@pytest.mark.parametrize("value", [True, "true", "TRUE"])
@pytest.mark.parametrize("off", [False, "false", "False"])
async def test_a_switch_may_be_its_plain_word(value: object, off: object) -> None:
    def change(page: Json) -> None:
        for place in page["data"]:
            place["enabled"] = value if place["enabled"] else off

    async with open_world(MINE) as it:
        asked = await shown(it)
        it.trax.faults.add(Fault.patched(change), path=PLACES, times=None)
        assert await shown(it) == asked
    assert asked["yes"] == YES


@pytest.mark.parametrize("what", [LATER, SEVERAL], ids=lambda it: it.tool)
async def test_all_that_goes_on_air_shows_it(what: GuardedOperation) -> None:
    """Going live on its own, and after other changes."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.patched(NULL), path=PLACES, times=None)
        preview = await shown(it, what)
    assert preview["effects"][0] == NO_LIST
    assert "YouTube" not in preview["yes"]


async def test_a_form_shows_it_right_after_the_act() -> None:
    person = Person(agreeing)
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.patched(BROKEN), path=PLACES, times=None)
        asking = await it.caller(person=person)
        assert outcome(await asking.call(GO_LIVE)) == RAN
    assert person.forms[0].message.startswith(f'Go live with "Friday Night Show"? {ONE} {ANYONE}')


@pytest.mark.parametrize("change", [it[1] for it in DOUBTS], ids=[it[0] for it in DOUBTS])
async def test_consent_ends_when_less_can_be_read(change: Callable[[Json], object]) -> None:
    """Nobody agreed to that."""
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        it.trax.faults.add(Fault.patched(change), path=PLACES, times=None)
        assert outcome(await it[MINE].use(GO_LIVE, confirmation)) == CHANGED
        assert it.sent == []


@pytest.mark.parametrize("change", [it[1] for it in DOUBTS[:4]], ids=[it[0] for it in DOUBTS[:4]])
async def test_after_other_changes_it_goes_live_only_as_shown(
    change: Callable[[Json], object],
) -> None:
    """The destinations are read again before the last step."""
    async with open_world(MINE) as it:
        doubt = Fault.patched(change)
        it.trax.faults.add(doubt, times=None, path=PLACES)
        it.trax.faults.clear()
        confirmation = await it[MINE].confirmation(SEVERAL)
        # Read for the answer to the question, and then for the last step.
        it.trax.faults.add(Fault.followed_by(lambda: None), path=PLACES)
        it.trax.faults.add(doubt, path=PLACES)
        result = await it[MINE].use(SEVERAL, confirmation)
        assert [it["outcome"] for it in data_of(result)["changes"]] == ["applied", "not_sent"]
        assert [it for it in it.sent if "go-live" in it] == []


# What fails


FAILS: Final = {
    "500": Fault.error(500, "exploded"),
    "404": Fault.error(404, "not_found"),
    "401": Fault.error(401, "invalid_key"),
    "429": Fault.error(429, "rate_limited", Retry_After="60"),
    "a page": Fault.status(200, "<html>"),
    "no answer": Fault.dropped(),
}
ONLY_WARN: Final = {
    "/v1/health": "whether TRaX accepts changes",
    "/v1/connections": "the linked accounts",
    "*/sources": "the sources",
}
SCOPES: Final = {
    "*/stream-status": "whether the studio is live",
    PLACES: "the destinations",
}


@pytest.mark.parametrize("path", ONLY_WARN)
@pytest.mark.parametrize("fault", FAILS)
async def test_what_only_warns_is_not_known(fault: str, path: str) -> None:
    """The person decides, and the show goes on."""
    async with open_world(MINE) as it:
        it.trax.faults.add(FAILS[fault], path=path, times=None)
        preview = await shown(it)
        assert [unknown.partition(" (")[0] for unknown in preview["unknown"]] == [ONLY_WARN[path]]
        assert preview["yes"] == YES
        assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN


@pytest.mark.parametrize("path", SCOPES)
@pytest.mark.parametrize("fault", ["401", "404"])
async def test_a_missing_scope_may_be_told_as_401_or_404(fault: str, path: str) -> None:
    """Other reads with the same key, and of the same studio, succeed."""
    async with open_world(MINE) as it:
        it.trax.faults.add(FAILS[fault], path=path, times=None)
        preview = await shown(it)
    assert preview["unknown"] == [
        f"{SCOPES[path]} (TRaX answered HTTP {fault}: the key may lack a scope)"
    ]


async def test_health_does_not_prove_that_a_key_is_good() -> None:
    """It takes none."""
    async with open_world(MINE) as it:
        it.trax.faults.add(FAILS["401"], path="/v1/studios/*", times=None)
        it.trax.faults.add(FAILS["401"], path="/v1/connections", times=None)
        assert outcome(await it[MINE].call(GO_LIVE)) == ("failed", "invalid_key")


async def test_a_key_that_sees_neither_the_show_nor_where_it_goes_does_not_start_it() -> None:
    async with open_world(MINE) as it:
        forbidden = Fault.error(403, "insufficient_scope")
        for path in SCOPES:
            it.trax.faults.add(forbidden, path=path, times=None)
        error = error_in(await it[MINE].call(GO_LIVE))
    assert (error["code"], error["requiredScope"]) == ("insufficient_scope", "stream:read")


@pytest.mark.parametrize("path", SCOPES)
async def test_a_go_live_that_is_refused_names_the_read_that_failed(path: str) -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(FAILS["500"], path=path, times=None)
        error = error_in(await it[MINE].call(GO_LIVE))
    what = f"{SCOPES[path][0].upper()}{SCOPES[path][1:]}"
    told = f'{what} couldn\'t be read: TRaX has a problem (HTTP 500, code "exploded")'
    assert error["message"].startswith(told)


# Whether it is on air


@pytest.mark.parametrize("live", [..., None, 0, "off", []])
async def test_a_status_that_cannot_be_read_counts_as_on_air(live: object) -> None:
    """A change that needs approval on air is asked about."""

    def change(status: Json) -> None:
        status["live"] = live
        if live is ...:
            del status["live"]

    source = {"name": "Guest", "type": "webcam"}
    async with open_world(MINE) as it:
        assert outcome(await it[MINE].call("create_source", **source)) == RAN
        it.trax.faults.add(Fault.patched(change), path="*/stream-status", times=None)
        asked = await it[MINE].data("create_source", **source)
        assert asked["preview"]["effects"][0].startswith("You may be on air")
        unknown = "whether the studio is live (TRaX didn't say)"
        assert asked["preview"]["unknown"] == [unknown]
        assert (await shown(it))["unknown"] == [unknown]


async def test_a_start_is_not_called_seen_where_the_status_cannot_be_read() -> None:
    odd = Fault.patched(lambda status: status.update(live="yes"))
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        then = partial(it.trax.faults.add, odd, path="*/stream-status", times=None)
        it.trax.faults.add(Fault.followed_by(then), path="*/go-live")
        observed = observed_in(await it[MINE].use(GO_LIVE, confirmation))
    assert observed == "unknown"


def observed_in(result: types.CallToolResult) -> str:
    """The state that was seen."""
    state: str = data_of(result)["observed"]["state"]
    return state


async def test_a_stop_is_not_called_seen_where_the_status_cannot_be_read() -> None:
    async with open_world(MINE) as it:
        put_on_air(it.trax)
        confirmation = await it[MINE].confirmation("go_offline")
        odd = Fault.patched(lambda status: status.update(live=None))
        it.trax.faults.add(odd, path="*/stream-status", times=None)
        result = await it[MINE].use("go_offline", confirmation)
    assert observed_in(result) == "unknown"
