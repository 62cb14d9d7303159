"""Only an id is needed of what TRaX lists: all else may be missing, or of another type."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.support.guarded_calls import GO_LIVE, YES
from tests.support.product.faults import Fault
from tests.world.answers import RAN, data_of, error_in, outcome, text_of
from tests.world.world import MINE, open_world

Json = dict[str, Any]

STATUS: Final = "*/stream-status"


def items_in(answer: Json) -> list[Json]:
    """The items of a list, or the one thing."""
    items: list[Json] = answer.get("data", [answer])
    return items


def without(*names: str) -> Fault:
    """TRaX leaves these fields out."""

    def change(answer: Json) -> None:
        for item in items_in(answer):
            for name in names:
                item.pop(name, None)

    return Fault.patched(change)


def having(**fields: object) -> Fault:
    """These fields of each item are something else."""
    return Fault.patched(lambda answer: [it.update(fields) for it in items_in(answer)])


UNNEEDED: Final = {
    "no `vertical`": ("*/destinations", without("vertical")),
    "no `status` of a destination": ("*/destinations", without("status")),
    "`status` of a source is a number": ("*/sources", having(status=1)),
    "no `type` of a source": ("*/sources", without("type")),
    "no `role`": ("/v1/studios*", without("role")),
    "`role` is a list": ("/v1/studios*", having(role=["OWNER"])),
    "a number as `lastOpenedAt`": ("/v1/studios*", having(lastOpenedAt=1764612000123)),
    "no `displayName`": ("/v1/connections", without("displayName")),
    "a number as `expiresAt`": ("/v1/connections", having(expiresAt=4102444800)),
    "null for no accounts": ("/v1/connections", Fault.patched(lambda it: it.update(data=None))),
    "an object as health's status": ("/v1/health", having(status={"db": "ok"})),
}


@pytest.mark.parametrize("case", UNNEEDED)
async def test_what_no_decision_needs_stops_no_show(case: str) -> None:
    """The question is about what it was about, and nothing in it is unknown."""
    path, fault = UNNEEDED[case]
    async with open_world(MINE) as it:
        it.trax.faults.add(fault, path=path, times=None)
        preview = (await it[MINE].data(GO_LIVE))["preview"]
        assert (preview["yes"], preview["unknown"]) == (YES, [])
        found = await it[MINE].data("find_studio", query="friday")
        assert found["likely"] == "studio_42"
        assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN


PLACES_WITHOUT: Final = {
    "name": '"dest_1" (YouTube), "dest_2" (Twitch)',
    "platform": '"Late crowd" (an unknown platform), "Main channel" (an unknown platform)',
}


@pytest.mark.parametrize("name", PLACES_WITHOUT)
async def test_a_destination_without_it_is_told_by_its_id_or_as_unknown(name: str) -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(without(name), path="*/destinations", times=None)
        preview = (await it[MINE].data(GO_LIVE))["preview"]
    (places,) = [it for it in preview["effects"] if it.startswith("Streams to: ")]
    assert places == f"Streams to: {PLACES_WITHOUT[name]}"


async def test_ids_that_are_numbers_are_text_here_and_can_be_sent_back() -> None:
    """The SDK's client holds each answer to its schema."""

    def numbered(answer: Json) -> None:
        for number, item in enumerate(items_in(answer), start=7):
            item["id"] = number

    paths: list[str] = []
    async with open_world(MINE) as it:
        for tool in ("list_studios", "list_destinations", "list_sources", "list_connections"):
            it.trax.faults.add(Fault.patched(numbered))
            result = await it[MINE].call(tool)
            assert [each["id"] for each in data_of(result)["data"]][:2] == ["7", "8"]
            assert '"id":"7"' in text_of(result)
        it.trax.faults.add(Fault.patched(numbered), path="*/destinations", times=None)
        preview = (await it[MINE].data("delete_destination", destId="8"))["preview"]
        assert preview["target"]["id"] == "8"
        await it[MINE].call("update_destination", destId="8", name="Other")
        paths += it.sent
    assert paths == ["PATCH /v1/studios/studio_42/destinations/8"]


async def test_a_list_that_is_null_is_empty() -> None:
    empty = Fault.patched(lambda answer: answer.update(data=None))
    async with open_world(MINE) as it:
        for tool in ("list_studios", "list_destinations", "list_media", "list_connections"):
            it.trax.faults.add(empty)
            result = await it[MINE].call(tool)
            assert (result.is_error, data_of(result)["data"]) == (False, None)
        it.trax.faults.add(empty, path="/v1/studios")
        assert text_of(await it[MINE].call("find_studio", query="friday")).startswith(
            "There are no studios."
        )


@pytest.mark.parametrize("bad", [{"name": "No id"}, {"id": True}, {"id": 1.5}, "x", 7, None, []])
async def test_one_bad_studio_hides_no_other(bad: object) -> None:
    """It is left out, and counted."""
    broken = Fault.patched(lambda answer: answer["data"].insert(1, bad))
    async with open_world(MINE) as it:
        for tool, says in (("find_studio", "Not searched"), ("check_studio", "Not looked at")):
            it.trax.faults.add(broken, path="/v1/studios")
            arguments: Json = {"query": "friday"} if tool == "find_studio" else {"studioId": None}
            result = await it[MINE].call(tool, **arguments)
            assert f"{says}: 1 studio (it can't be read)." in text_of(result)
            assert data_of(result)["unknown"] == ["1 studio (it can't be read)"]
            assert "studio_42" in text_of(result)


async def test_what_is_refused_names_the_operation_and_the_field() -> None:
    """To call again would not help."""
    async with open_world(MINE) as it:
        it.trax.faults.add(without("id"), path="/v1/studios/studio_42", times=None)
        error = error_in(await it[MINE].call(GO_LIVE))
    assert error["message"] == (
        "TRaX's answer to get_studio has no `id`. The change wasn't sent. Run `trax-mcp doctor`."
    )
    assert (error["retryable"], error["outcome"]) == (False, "not_applied")


ZEROS: Final = ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "0000-00-00T00:00:00Z", 0, "")


@pytest.mark.parametrize("zero", ZEROS)
async def test_a_zero_date_is_no_date(zero: object) -> None:
    """A studio that is off air is not said to have a stream."""
    fields = {"liveStartedAt": zero, "broadcastStartedAt": zero, "encoderStreamId": ""}
    async with open_world(MINE) as it:
        it.trax.faults.add(having(**fields), path=STATUS, times=None)
        told = text_of(await it[MINE].call("check_studio", studioId="studio_42"))
        assert told.startswith('"Friday Night Show" is off air and ready to go live')


@pytest.mark.parametrize(
    "stream", [{"liveStartedAt": 1764612000}, {"encoderStreamId": 7}, {"encoderStreamId": "a"}]
)
async def test_a_stream_that_trax_does_not_call_live_is_no_proof_of_being_off_air(
    stream: Json,
) -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(having(**stream), path=STATUS, times=None)
        told = text_of(await it[MINE].call("get_stream_status"))
    assert told.startswith("It's unclear whether the show is on air: TRaX lists a stream")


@pytest.mark.parametrize(
    ("path", "changed", "state"),
    [
        ("/v1/studios/studio_42", Fault.error(500, "exploded"), "It's unclear whether"),
        ("*/destinations", Fault.error(500, "exploded"), "It's unclear whether"),
        ("*/destinations", having(enabled="perhaps"), "It's unclear whether"),
        ("*/sources", Fault.error(500, "exploded"), "ready to go live"),
        ("/v1/connections", Fault.error(500, "exploded"), "ready to go live"),
    ],
)
async def test_check_studio_says_what_go_live_would(path: str, changed: Fault, state: str) -> None:
    """That it could go live is said only where go_live would ask about places that are on."""
    async with open_world(MINE) as it:
        it.trax.faults.add(changed, path=path, times=None)
        result = await it[MINE].call("check_studio", studioId="studio_42")
    assert state in text_of(result).splitlines()[0]
    assert ("ready" in data_of(result)["studios"][0]) == (state == "ready to go live")


async def test_studios_are_not_gone_because_a_scope_is_told_as_404() -> None:
    """One may be deleted meanwhile, but not all."""
    async with open_world(MINE) as it:
        for path in (STATUS, "/v1/health", "/v1/connections"):
            it.trax.faults.add(Fault.error(404, "not_found"), path=path, times=None)
        told = text_of(await it[MINE].call("check_studio", studioId=None))
        found = text_of(await it[MINE].call("find_studio", query="friday"))
    assert told.startswith("4 studios: 4 unknown.")
    assert found.startswith('The likely one is "Friday Night Show".')
    assert "whether TRaX accepts changes (TRaX answered HTTP 404)" in found
