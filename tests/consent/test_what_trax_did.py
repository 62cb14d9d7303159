"""What TRaX did not do is said: it starts fewer destinations than approved, or keeps a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import audit_lines, data_of, error_in, outcome, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

MISSING: Final = '"Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.'
DESTINATION: Final = {
    "id": "dest_1",
    "studioId": "studio_42",
    "name": "Main channel",
    "platform": "youtube",
    "enabled": True,
    "vertical": False,
}
SOURCE: Final = {
    "id": "source_2",
    "studioId": "studio_42",
    "name": "Screen",
    "type": "screen",
    "active": False,
}


@in_virtual_time
async def test_a_destination_that_trax_did_not_start_is_named() -> None:
    async with open_world(MINE, virtual=True) as it:
        fewer = Fault.patched(lambda body: body.update(destinationIds=["dest_1"]))
        it.trax.faults.add(fewer, path="*/go-live")
        result = await it[MINE].confirmed("go_live")
    assert data_of(result)["warnings"] == [MISSING]
    assert f"\nWarning: {MISSING}\n" in text_of(result)


@in_virtual_time
async def test_nothing_is_named_where_trax_names_all_or_none() -> None:
    """Nor where what it names can't be read, or one of it."""
    odd: list[Any] = [None, "dest_1", [{"id": "dest_1"}], ["dest_1", {"id": 2}], [True], [None]]
    for named in ({}, *({"destinationIds": it} for it in odd)):
        async with open_world(MINE, virtual=True) as it:
            answer = Fault.patched(lambda body, named=named: body.update(named))  # type: ignore[misc]
            it.trax.faults.add(answer, path="*/go-live")
            result = await it[MINE].confirmed("go_live")
        assert "warnings" not in data_of(result)
        assert "on no destination" not in text_of(result)


CHANGES: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any], str]]] = {
    "a destination stays on": (
        "update_destination", {"destId": "dest_1", "enabled": False}, DESTINATION,
        "it's on, not off as asked, but it was on right after.",
    ),
    "a source stays off": (
        "update_source", {"sourceId": "source_2", "active": True}, SOURCE,
        "it's off, not on as asked, but it was off right after.",
    ),
    "a picture stays landscape": (
        "update_destination", {"destId": "dest_1", "vertical": True}, DESTINATION,
        "it's landscape, not portrait as asked.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@in_virtual_time
async def test_a_change_that_did_not_take_is_a_failure(change: str, tmp_path: Path) -> None:
    """On air. The audit log has that its outcome is unknown."""
    tool, arguments, answer, said = CHANGES[change]
    audit = tmp_path / "audit.jsonl"
    async with open_world(MINE, virtual=True, TRAX_AUDIT_LOG=str(audit)) as it:
        put_on_air(it.trax)
        it.trax.change("source_2", active=False)
        it.trax.faults.add(Fault.status(200, answer), method="PATCH")
        result = await it[MINE].confirmed(tool, **arguments)
        assert len(it.sent) == 1
    assert text_of(result).startswith(f"NOT changed: {said} ")
    assert data_of(result)["summary"] == f"NOT changed: {said}"
    assert (outcome(result), error_in(result)["outcome"]) == (("failed", "not_changed"), "unknown")
    sent = [line for line in audit_lines(audit) if line["event"] == "sent"]
    assert [line["outcome"] for line in sent] == ["unknown"]


@in_virtual_time
async def test_a_name_that_did_not_take_is_a_failure() -> None:
    """It needs no yes."""
    async with open_world(MINE, virtual=True) as it:
        it.trax.faults.add(Fault.status(200, DESTINATION), method="PATCH")
        result = await it[MINE].call("update_destination", destId="dest_1", name="Main channel 2")
    assert result.is_error
    assert data_of(result)["summary"] == (
        'NOT changed: its name is "Main channel", though "Main channel 2" was asked for.'
    )


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({"name": "Straße"}, {"name": "STRASSE"}),
        ({"name": "  The long night "}, {"name": "The long night"}),
        ({"enabled": False}, {"enabled": "false"}),
        ({"platform": "youtube"}, {"platform": "YouTube"}),
    ],
)
@in_virtual_time
async def test_a_value_in_another_form_is_as_it_was_asked_for(
    asked: dict[str, Any], answered: dict[str, Any]
) -> None:
    async with open_world(MINE, virtual=True) as it:
        answer = Fault.status(200, {**DESTINATION, **answered})
        it.trax.faults.add(answer, method="PATCH")
        call = it[MINE].confirmed if "platform" in asked else it[MINE].call
        result = await call("update_destination", destId="dest_1", **asked)
    assert not result.is_error
