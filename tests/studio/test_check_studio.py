"""check_studio of one studio, through a real client: on air, starting, off air or unknown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.concurrency import MostAtOnce
from tests.support.fact_reads import (
    ACCOUNTS,
    HEALTH,
    PLACES,
    SOURCES,
    STATUS,
    STUDIO,
    asked,
    enable_many,
    narrow,
)
from tests.support.overview_answers import PARTS, text_and_data
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

Json = dict[str, Any]

SHOW: Final = {"studioId": "studio_42"}
NOT_HERE: Final = (
    "This TRaX deployment has writes switched off: the broadcast can be neither changed nor ended"
    " here."
)
MAY_GO_LIVE: Final = "whether this server's API key may go live (TRaX tells only when it is tried)"
COULD: Final = (
    "is off air and could go live, if this server's API key may (TRaX tells only when it is tried)"
)
WHICH_ACCOUNT: Final = "which account a destination uses (TRaX does not tell)"


async def check(server: Server[Any], studio: str = "studio_42") -> tuple[str, Json]:
    """The sentence about one studio, and its data."""
    sentences, overview = text_and_data(await call(server, "check_studio", {"studioId": studio}))
    (sentence,), (found,) = sentences, overview["studios"]
    assert overview == {"studios": [found], "more": 0}
    return sentence, found


async def test_a_studio_off_air_says_that_it_could_go_live_and_what_is_switched_on(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """All in one call, with one request for each fact, all at the same time."""
    most = MostAtOnce()
    sandbox.faults.add(most.fault, times=None)
    assert await check(server) == (
        f'"Friday Night Show" {COULD}; switched on: YouTube and Twitch.',
        {
            "id": "studio_42",
            "name": "Friday Night Show",
            "live": False,
            "ready": True,
            **PARTS,
            "problems": [],
            "unknown": [MAY_GO_LIVE],
        },
    )
    assert asked(sandbox) == dict.fromkeys((STUDIO, STATUS, PLACES, SOURCES, ACCOUNTS, HEALTH), 1)
    assert most.count == 6


async def test_a_studio_on_air_says_for_how_long_and_what_is_switched_on(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Never that it is on air on a platform, which TRaX does not tell, or whether it is ready."""
    put_on_air(sandbox)
    assert await check(server) == (
        (
            '"Friday Night Show" has been on air for less than a minute (since 18:00 UTC);'
            " switched on: YouTube and Twitch."
        ),
        {
            "id": "studio_42",
            "name": "Friday Night Show",
            "live": True,
            "since": "2026-06-05T18:00:03.000Z",
            **PARTS,
            "problems": [],
            "unknown": [],
        },
    )


async def test_a_studio_on_air_says_what_is_wrong_now(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Problems block nothing any more."""
    put_on_air(sandbox, "studio_60")
    sandbox.write_enabled = False
    sentence, studio = await check(server, "studio_60")
    assert sentence == (
        '"Product Launch Rehearsal" has been on air for less than a minute (since 18:00 UTC).'
        f" {NOT_HERE} 2 more problems are below."
    )
    assert "ready" not in studio
    assert [(it["what"], it["blocks"]) for it in studio["problems"]] == [
        (NOT_HERE, False),
        ("No destination is switched on: nobody may be receiving the stream.", False),
        ("No source is switched on: viewers may see nothing.", False),
    ]


async def test_a_studio_that_is_starting_is_not_called_ready(
    flag_server: Server[Any], sandbox: Sandbox
) -> None:
    """TRaX says off air, but this server has just sent a go-live."""
    off_air = Fault.status(200, {"live": False})
    sandbox.faults.add(off_air, times=None, path="*/stream-status")
    await call(flag_server, "go_live", {**SHOW, "confirm": True})
    sentence, studio = await check(flag_server)
    assert sentence == (
        '"Friday Night Show" may be starting: a go-live was sent within the last minute and is not'
        " seen on air yet; switched on: YouTube and Twitch."
    )
    assert studio == {
        "id": "studio_42",
        "name": "Friday Night Show",
        "live": False,
        **PARTS,
        "problems": [],
        "unknown": [],
    }
    sandbox.clock.advance(61)
    assert (await check(flag_server))[1]["ready"]


async def test_a_blocked_studio_says_why_and_what_to_do(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """What blocks comes first, and is in the sentence."""
    sandbox.write_enabled = False
    sentence, studio = await check(server, "studio_60")
    assert sentence == (
        '"Product Launch Rehearsal" is off air and could not go live. This TRaX deployment has'
        " writes switched off. No destination is switched on: nobody would receive the stream."
        " 1 more problem is below."
    )
    assert (studio["ready"], studio["live"]) == (False, False)
    assert studio["problems"] == [
        {
            "what": "This TRaX deployment has writes switched off.",
            "remedy": "Wait until `writeEnabled` in get_health is true.",
            "blocks": True,
        },
        {
            "what": "No destination is switched on: nobody would receive the stream.",
            "remedy": "Switch one on with update_destination, or add one.",
            "blocks": True,
        },
        {
            "what": "No source is switched on: viewers may see nothing.",
            "remedy": "Switch one on with update_source, or add one.",
            "blocks": False,
        },
    ]


async def test_a_problem_that_blocks_nothing_is_in_the_headline(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Here an account that expires within a day. Nobody can tell which destination uses it."""
    sandbox.change("conn_1", expiresAt=sandbox.clock.now() + 2 * 3600)
    sentence, studio = await check(server)
    expires = 'The YouTube account "Robin\'s Channel" expires in 2 hours (at 20:00 UTC).'
    assert sentence.endswith(f"; switched on: YouTube and Twitch. {expires}")
    assert studio["ready"]
    assert studio["problems"] == [
        {
            "what": expires,
            "remedy": "To be sure, the person signs in to YouTube again, on TRaX.",
            "blocks": False,
        }
    ]
    assert studio["unknown"] == [WHICH_ACCOUNT, MAY_GO_LIVE]


async def test_no_destination_is_told_apart_from_none_that_is_switched_on(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """And the same of sources."""
    for path in (PLACES, SOURCES):
        sandbox.faults.add(Fault.status(200, {"data": []}), path=path)
    sentence, studio = await check(server)
    assert sentence == (
        '"Friday Night Show" is off air and could not go live. The studio has no destination:'
        " nobody would receive the stream. 1 more problem is below."
    )
    assert [(it["what"], it["remedy"]) for it in studio["problems"]] == [
        (
            "The studio has no destination: nobody would receive the stream.",
            "Add one with create_destination.",
        ),
        ("The studio has no source: viewers may see nothing.", "Add one with create_source."),
    ]


async def test_the_status_words_of_trax_are_shown_as_they_are(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """TRaX documents none, so no problem is made of one."""
    for path, word in ((PLACES, "error"), (SOURCES, "disconnected")):
        worded = Fault.extra({"status": word})  # noqa: S610  no Django here
        sandbox.faults.add(worded, path=path)
    _, studio = await check(server)
    assert {it["status"] for it in studio["destinations"]} == {"error"}
    assert {it["status"] for it in studio["sources"]} == {"disconnected"}
    assert (studio["ready"], studio["problems"]) == (True, [])


UNREADABLE: Final[dict[str, tuple[str, str, bool | None]]] = {
    "studios:read": (
        "the studio's name",
        f"The studio {COULD}; switched on: YouTube and Twitch",
        True,
    ),
    "stream:read": (
        "whether the studio is live",
        'Whether "Friday Night Show" is on air is not known; switched on: YouTube and Twitch',
        None,
    ),
    "destinations:read": (
        "the destinations",
        '"Friday Night Show" is off air. Whether it could go live is not known',
        None,
    ),
    "sources:read": (
        "the sources",
        f'"Friday Night Show" {COULD}; switched on: YouTube and Twitch',
        True,
    ),
    "connections:read": (
        "the linked accounts",
        f'"Friday Night Show" {COULD}; switched on: YouTube and Twitch',
        True,
    ),
}
"""The scope that a key lacks -> what is unknown, the sentence, and whether the studio is ready."""


@pytest.mark.parametrize("scope", UNREADABLE)
async def test_what_the_key_may_not_read_is_unknown(
    open_product: Callable[..., Product], sandbox: Sandbox, *, scope: str
) -> None:
    """Without the status or the destinations nobody can say whether it could go live."""
    what, sentence, ready = UNREADABLE[scope]
    told, studio = await check(open_product().server(narrow(sandbox, scope)))
    assert told == f"{sentence}. Not everything could be read."
    assert studio.get("ready") is ready
    assert studio["unknown"][0] == f"{what} (the key lacks {scope})"
    assert studio["problems"] == []


@pytest.mark.parametrize(
    ("path", "field"),
    [(PLACES, "destinations"), (SOURCES, "sources"), (ACCOUNTS, None), (HEALTH, None)],
)
async def test_a_list_that_fails_is_unknown_and_the_rest_is_told(
    server: Server[Any], sandbox: Sandbox, *, path: str, field: str | None
) -> None:
    """The answer says how it failed."""
    sandbox.faults.add(Fault.error(500, "internal"), times=None, path=path)
    _, studio = await check(server)
    assert studio["live"] is False
    assert (
        'TRaX has trouble (HTTP 500, code "internal") (TRaX says: "Scripted.")'
        in (studio["unknown"][0])
    )
    assert field is None or field not in studio


async def test_a_studio_of_which_nothing_can_be_read_is_a_failure(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The failure is the same as in other tools. TRaX is not asked again for it."""
    sandbox.faults.add(Fault.error(500, "internal"), times=None)
    result = await call(server, "check_studio", SHOW)
    assert len(sandbox.requests) == 6
    assert result.is_error
    assert (result.structured_content or {})["error"]["code"] == "internal"


@pytest.mark.parametrize(
    ("key", "studio", "code"),
    [(SANDBOX_KEY, "studio_99", "not_found"), ("sk_live_unknown", "studio_42", "invalid_key")],
)
async def test_a_wrong_id_or_key_is_a_failure(
    open_product: Callable[..., Product], *, key: str, studio: str, code: str
) -> None:
    """Although health, which needs no key, could be read."""
    server = open_product().server(key)
    result = await call(server, "check_studio", {"studioId": studio})
    assert result.is_error
    assert (result.structured_content or {})["error"]["code"] == code


async def test_a_studio_with_thousands_of_destinations_shows_twenty(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Those that are switched on come first. All of them count."""
    enable_many(sandbox, 2_000)
    sentence, studio = await check(server)
    assert sentence == (f'"Friday Night Show" {COULD}; switched on: YouTube, Twitch and "custom".')
    assert len(studio["destinations"]) == 20
    assert all(it["enabled"] for it in studio["destinations"])
    assert studio["unknown"][0] == "further destinations (only the first 20 are shown)"
    assert len(json.dumps(studio)) < 3_000


async def test_a_long_text_of_trax_is_cut(server: Server[Any], sandbox: Sandbox) -> None:
    """Of the data too: a model reads all of it."""
    long = "x" * 100_000
    for path in (STUDIO, PLACES, SOURCES, ACCOUNTS):
        fields = dict.fromkeys(("name", "platform", "type", "status", "expiresAt"), long)
        sandbox.faults.add(Fault.extra(fields), path=path)  # noqa: S610  no Django here
    sentence, studio = await check(server)
    assert len(json.dumps([sentence, studio])) < 10_000
