"""What is looked at before a yes and again before the act: what is broken, hidden, gone or changed.

What voids a yes is what a person was shown, and nothing that ticks or drifts.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.acts import ACTS, GO_LIVE, GO_OFFLINE
from tests.consent import in_memory, told
from tests.person import agreeing
from tests.witness import put_on_air
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.acts import Act
    from trax_mcp.sandbox import Sandbox

RAN: Final = ("ran", None)
CHANGED: Final = ("confirmation_invalid", "changed")
ENABLING: Final = ACTS["update_destination, enabled, on air"]
UNLINKING: Final = ACTS["unlink_connection"]
FORBIDDEN: Final = Fault.error(403, "insufficient_scope")

PASSING: Final = {
    "exploded": Fault.error(500, "exploded"),
    "rate_limited": Fault.error(429, "rate_limited", Retry_After="60"),
    "unreachable": Fault.dropped(),
    "bad_answer": Fault.status(200, "<html>"),
}

FACTS: Final = {
    "/v1/studios/studio_42": "the studio's name (the key lacks studios:read)",
    "*/stream-status": "whether the studio is live (the key lacks stream:read)",
    "*/destinations": "the destinations (the key lacks destinations:read)",
    "*/sources": "the sources (the key lacks sources:read)",
    "/v1/connections": "the linked accounts (the key lacks connections:read)",
}
"""What is looked at before going live, and what is said where this key may not."""


@pytest.mark.parametrize("path", [*FACTS, "/v1/health"])
@pytest.mark.parametrize("code", PASSING)
async def test_what_is_broken_for_the_moment_is_told_as_that(
    *, era: str, path: str, code: str
) -> None:
    """Nobody is asked about half a picture, and a yes that was given still works afterwards."""
    async with in_memory(era) as desk:
        desk.person.will(agreeing)
        desk.trax.faults.add(PASSING[code], path=path, times=None)
        assert told(await desk.call(GO_LIVE, desk.asking)) == ("failed", code)
        assert told(await desk.call(GO_LIVE)) == ("failed", code)
        desk.trax.faults.clear()
        confirmation = await desk.confirmation(GO_LIVE)
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        desk.trax.faults.add(PASSING[code], path=path, times=None)
        assert told(await call()) == ("failed", code)
        assert desk.sent == []
        desk.trax.faults.clear()
        assert told(await call()) == RAN
        assert desk.sent == [GO_LIVE.sent]
    assert desk.person.forms == []


@pytest.mark.parametrize("path", FACTS)
async def test_what_the_key_may_not_read_is_unknown_and_stops_nobody(era: str, path: str) -> None:
    """It is listed with its reason, in the preview and in the form."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(FORBIDDEN, path=path, times=None, method="GET")
        shown = (await desk.call(GO_LIVE)).structured_content or {}
        await desk.call(GO_LIVE, desk.asking)
        call = partial(desk.call, GO_LIVE, confirm=True, confirmation=shown["confirmation"])
        assert told(await call()) == RAN
        assert desk.sent == [GO_LIVE.sent]
    assert shown["preview"]["unknown"] == [FACTS[path]]
    assert f"- Not known: {FACTS[path]}" in desk.person.forms[0].message


@pytest.mark.parametrize("path", ["*/sources", "/v1/connections"])
async def test_what_comes_to_be_known_or_unknown_voids_a_yes(era: str, path: str) -> None:
    """A person who was shown less, or more, has agreed to something else."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(FORBIDDEN, path=path, times=None)
        blind = await desk.confirmation(GO_LIVE)
        desk.trax.faults.clear()
        seeing = await desk.confirmation(GO_LIVE)
        assert told(await desk.call(GO_LIVE, confirm=True, confirmation=blind)) == CHANGED
        desk.trax.faults.add(FORBIDDEN, path=path, times=None)
        assert told(await desk.call(GO_LIVE, confirm=True, confirmation=seeing)) == CHANGED
        assert desk.sent == []


@pytest.mark.parametrize("name", [it for it in ACTS if it != "go_offline"])
async def test_where_writes_are_off_nobody_is_asked(era: str, name: str) -> None:
    """A yes that cannot be used is not asked for; one that was given is kept."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        if act.on_air:
            put_on_air(desk.trax)
        desk.person.will(agreeing)
        confirmation = await desk.confirmation(act)
        desk.trax.write_enabled = False
        failed = [
            await desk.call(act, desk.asking),
            await desk.call(act),
            await desk.call(act, confirm=True, confirmation=confirmation),
        ]
        assert desk.sent == []
        desk.trax.write_enabled = True
        assert told(await desk.call(act, confirm=True, confirmation=confirmation)) == RAN
        assert desk.sent == [act.sent]
    assert desk.person.forms == []
    for it in failed:
        assert it.structured_content == {
            "error": {
                "code": "write_disabled",
                "message": "This TRaX deployment has writes switched off; nothing was changed."
                " Retrying will not help: `writeEnabled` in get_health shows when that changes.",
                "retryable": False,
                "outcome": "not_applied",
            }
        }


GONE: Final[Mapping[str, Act]] = {
    **{
        f"the studio of {name}": replace(act, arguments={**act.arguments, "studioId": "nowhere"})
        for name, act in ACTS.items()
        if "studioId" in act.arguments and name != "go_offline"
    },
    **{
        f"{key} of {name}": replace(act, arguments={**act.arguments, key: "nothing"})
        for name, act in ACTS.items()
        for key in ("destId", "sourceId", "connectionId")
        if key in act.arguments and act.tool != "create_destination"
    },
}


@pytest.mark.parametrize("name", GONE)
async def test_what_is_not_there_is_not_found(era: str, name: str) -> None:
    """The ordinary failure: nobody is asked about nothing, and nothing is sent."""
    act = GONE[name]
    async with in_memory(era) as desk:
        if act.on_air:
            put_on_air(desk.trax)
        desk.person.will(agreeing)
        assert told(await desk.call(act, desk.asking)) == ("failed", "not_found")
        assert told(await desk.call(act)) == ("failed", "not_found")
        assert desk.sent == []
    assert desk.person.forms == []


@pytest.mark.parametrize(
    "name", ["delete_destination", "delete_source", "unlink_connection", "go_live"]
)
async def test_what_is_gone_since_the_yes_is_not_found(era: str, name: str) -> None:
    """Somebody else was quicker."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(act)
        world = desk.trax.world
        for table in (world.studios, world.destinations, world.sources, world.connections):
            table.clear()
        result = await desk.call(act, confirm=True, confirmation=confirmation)
        assert desk.sent == []
    assert told(result) == ("failed", "not_found")


def changed(kind: str, which: str, **changes: Any) -> Callable[[Sandbox], None]:  # noqa: ANN401  fields
    """Somebody changes a thing."""

    def change(trax: Sandbox) -> None:
        table = getattr(trax.world, kind)
        table.change(table[which], changes)

    return change


VOIDING: Final[Mapping[str, Callable[[Sandbox], None]]] = {
    "a destination was enabled": changed("destinations", "dest_3", enabled=True),
    "a destination was disabled": changed("destinations", "dest_1", enabled=False),
    "an enabled destination was renamed": changed("destinations", "dest_1", name="Other channel"),
    "an enabled destination moved": changed("destinations", "dest_2", platform="kick"),
    "an enabled destination is gone": lambda trax: trax.world.destinations.clear(),
    "an enabled destination is another": changed("destinations", "dest_1", id="dest_9"),
    "a source was activated": changed("sources", "source_2", active=True),
    "a source was switched off": changed("sources", "source_1", active=False),
}

DRIFTING: Final[Mapping[str, Callable[[Sandbox], None]]] = {
    "time has passed": lambda trax: trax.clock.advance(290),
    "the studio was renamed": changed("studios", "studio_42", name="Another Night Show"),
    "a disabled destination was renamed": changed("destinations", "dest_3", name="Not yet"),
    "an inactive source was renamed": changed("sources", "source_2", name="Nobody"),
    "another studio went live": partial(put_on_air, studio="studio_51"),
    "an account needs to be linked anew": changed("connections", "conn_1", status="needs_reauth"),
}


@pytest.mark.parametrize("change", VOIDING)
async def test_what_a_person_was_shown_has_changed(era: str, change: str) -> None:
    """Nothing is sent, and the fresh preview says what is different."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        VOIDING[change](desk.trax)
        result = await desk.call(GO_LIVE, confirm=True, confirmation=confirmation)
        assert told(result) == CHANGED
        assert desk.sent == []
        fresh = (result.structured_content or {})["confirmation"]
        assert told(await desk.call(GO_LIVE, confirm=True, confirmation=fresh)) == RAN
        assert desk.sent == [GO_LIVE.sent]


@pytest.mark.parametrize("change", DRIFTING)
async def test_what_only_drifts_voids_no_yes(era: str, change: str) -> None:
    """A yes that never lasts is no yes."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        DRIFTING[change](desk.trax)
        result = await desk.call(GO_LIVE, confirm=True, confirmation=confirmation)
        assert told(result) == RAN
        assert desk.sent == [GO_LIVE.sent]


@pytest.mark.parametrize("name", [it for it, act in ACTS.items() if act.on_air])
async def test_a_studio_that_may_be_live_counts_as_live(era: str, name: str) -> None:
    """The key may not read it: a yes is needed. It is broken: nothing is sent at all."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        if act is GO_OFFLINE:
            return
        desk.trax.faults.add(FORBIDDEN, path="*/stream-status", times=None)
        assert told(await desk.call(act)) == ("confirmation_required", None)
        desk.trax.faults.clear()
        desk.trax.faults.add(Fault.status(500), path="*/stream-status", times=None)
        assert told(await desk.call(act, confirm=True)) == ("failed", "bad_answer")
        assert desk.sent == []


@pytest.mark.parametrize("name", [it for it, act in ACTS.items() if act.on_air])
async def test_a_studio_that_is_starting_counts_as_live(era: str, name: str) -> None:
    """TRaX still says that it is not, but viewers are about to come."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        desk.trax.faults.add(Fault.status(200, {"live": False}), path="*/stream-status", times=None)
        await desk.confirmed(GO_LIVE)
        assert told(await desk.call(act)) == ("confirmation_required", None)
        assert desk.sent == [GO_LIVE.sent]
