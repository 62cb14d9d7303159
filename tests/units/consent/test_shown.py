"""What a person is shown before they approve: every sentence of every operation, from given facts.

`shown_table` holds the sentences. `test_naming` is about the names in them, `test_digest` about the
changes that invalidate a confirmation.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.operation_table import CHANGES, IDS, STREAM_KEY
from tests.units.consent.shown_table import (
    CHANGING,
    DELETE_DESTINATION,
    DELETE_SOURCE,
    GO_LIVE,
    GO_OFFLINE,
    SHOWN,
    UNLINK,
    lines_of,
    operation_of,
)
from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    OFF_AIR,
    ON_AIR,
    account,
    but,
    destination,
    in_studio,
    known,
    linked,
    previewed,
    showing,
    source,
    studio,
    to,
    unread,
)
from trax_mcp import actions
from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.change import Change
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import ListStudios

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.units.consent.shown_table import Shown
    from trax_mcp.actions.acts import Act
    from trax_mcp.actions.shown import Preview
    from trax_mcp.studio.facts import Facts

each_row = pytest.mark.parametrize("row", SHOWN, ids=lambda it: it.operation.tool_name)


@each_row
def test_a_person_is_shown_what_the_table_says(row: Shown) -> None:
    """The act, both choices, and every fact. A choice has more than one word, against habit."""
    preview = previewed(row.operation, row.facts)
    assert lines_of(preview) == row.lines
    assert (preview.operation, preview.target) == (row.operation.tool_name, row.target)
    assert min(len(it.split()) for it in (preview.yes, preview.no)) > 1


def test_every_argument_is_shown() -> None:
    """A person agrees to nothing that they were not shown. A stream key has only a place there."""
    for operation in CHANGING:
        preview = previewed(operation, LIVE)
        said = " ".join(it.text for it in (preview.headline, *preview.effects)).lower()
        unseen = {
            name
            for name, value in operation.arguments().items()
            if name not in {"studioId", *IDS} and not _shows(said, name, value)
        }
        assert (operation, unseen) == (operation, set())


IN_WORDS: Final[dict[str, tuple[str, str]]] = {
    "enabled": ("stays on", "stays off"),
    "active": ("stays on", "stays off"),
    "vertical": ("portrait", "landscape"),
    "autoGoLive": ("go live on its own", "going live on its own"),
    "autoGoOfflineOnDrop": ("go offline if", "on air if"),
}


def _shows(said: str, name: str, value: object) -> bool:
    if isinstance(value, bool):
        return IN_WORDS[name][0 if value else 1] in said
    if isinstance(value, tuple):
        return all(_shows(said, name, it) for it in value)
    if name == "connectionId":
        return "account: " in said
    plain = f"{value:,}" if isinstance(value, int) else str(value)
    return (
        " characters" in said
        if name == "streamKey"
        else (plain.replace("\n", r"\u000a").lower() in said)
    )


# Warnings


TROUBLED: Final = account("conn_1", "Robin", "youtube", "needs_reauth")
MAY_FAIL: Final = 'YouTube may fail: the account "Robin" needs a new sign-in on TRaX.'
NO_DESTINATION: Final = "There are no destinations, so nobody would see the show."
NOBODY_GETS_IT: Final = "All destinations are off, so nobody would see the show."
NO_SOURCE: Final = "There are no sources, so viewers may see nothing."
NOTHING_TO_SEE: Final = "All sources are off, so viewers may see nothing."


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        (EVERYTHING, ()),
        (to(), (NO_DESTINATION,)),
        (to(destination("d", "D", "kick", enabled=False)), (NOBODY_GETS_IT,)),
        (showing(), (NO_SOURCE,)),
        (showing(source("c", "C", active=False)), (NOTHING_TO_SEE,)),
        (but(destinations=(), sources=()), (NO_DESTINATION, NO_SOURCE)),
        # Unknown facts warn of nothing.
        (but(destinations=None, sources=None, connections=None), ()),
        (linked(TROUBLED), (MAY_FAIL,)),
        (linked(account("a", "A", "kick", "expired")), ()),
        (but(destinations=None, connections=(TROUBLED,)), ()),
    ],
)
def test_a_go_live_warns_of_what_may_go_wrong(facts: Facts, warnings: tuple[str, ...]) -> None:
    """Accounts matter only if the broadcast goes to their platform."""
    assert _warnings(previewed(GO_LIVE, facts)) == warnings


def _warnings(preview: Preview) -> tuple[str, ...]:
    return tuple(it.text for it in preview.warnings)


def test_ten_accounts_in_trouble_are_named_and_the_others_counted() -> None:
    """Not each destination of their platform: TRaX does not tell which account one uses."""
    places = tuple(destination(f"dest_{it}", "Main", "youtube") for it in range(600))
    accounts = tuple(TROUBLED.model_copy(update={"id": f"conn_{it}"}) for it in range(600))
    assert _warnings(previewed(GO_LIVE, but(destinations=places, connections=accounts))) == (
        *(MAY_FAIL.replace('"Robin"', f'"Robin" (conn_{number})') for number in range(10)),
        "590 more accounts aren't active, so their platforms may fail.",
    )


LONG: Final = f"{'A very long name, ' * 8}and the part that matters"


def test_every_name_is_shown_whole() -> None:
    """Two names that differ only at their end ask different questions."""
    assert 80 < len(LONG) < 200
    facts = but(
        studio=studio(LONG),
        destinations=(destination("dest_1", LONG, "youtube"),),
        sources=(source("source_1", LONG),),
        connections=(account("conn_1", LONG, "youtube"),),
    )
    for operation in (GO_LIVE, GO_OFFLINE, DELETE_DESTINATION, DELETE_SOURCE, UNLINK):
        assert f'"{LONG}"' in previewed(operation, facts).headline.text
    assert [it.text.count(LONG) for it in previewed(GO_LIVE, facts).effects] == [0, 1, 1]


def test_an_unlink_warns_of_destinations_of_the_same_platform_in_every_studio() -> None:
    """Only enabled ones count. A warning says whether their studio is on air."""
    off = destination("dest_3", "Old", "youtube", enabled=False)
    here = in_studio("One", "s1", OFF_AIR, destination("dest_1", "Main", "youtube"), off)
    twitch, youtube = destination("dest_4", "T", "twitch"), destination("dest_5", "Y", "youtube")
    there = in_studio("Two", "s2", ON_AIR, twitch, youtube)
    unread = known(studio=studio("Three", "s3"))
    assert _warnings(previewed(UNLINK, but(per_studio=(here, there, unread)))) == (
        '"Main" (YouTube) in "One" may stop working.',
        '"Y" (YouTube) in "Two", which is on air, may stop working.',
    )
    perhaps = previewed(UNLINK, but(connections=None, per_studio=(here, there))).warnings
    assert [it.names[0].text for it in perhaps] == ['"Main"', '"T"', '"Y"']


# Unknown facts, and all of it together


def test_unknown_facts_are_listed_with_the_reason_in_the_order_of_reading() -> None:
    studios, health = unread("the key lacks studios:read"), unread("no answer")
    for row in SHOWN:
        facts = known(row.facts, studios=studios, health=health)
        assert previewed(row.operation, facts).unknown == (
            "the studios (the key lacks studios:read)",
            "whether TRaX accepts changes (no answer)",
        )


def test_the_approval_is_to_all_that_is_shown() -> None:
    unknown = unread("the key lacks connections:read")
    shown = previewed(GO_LIVE, but(sources=(), connections=unknown))
    assert [it.text for it in shown.shown] == [
        'Go live with "Friday Show"?',
        NO_SOURCE,
        "Anyone can watch.",
        'Streams to: "Late crowd" (Twitch)',
        'Streams to: "Main" (YouTube)',
        'Stays off: "Trying out" (Kick)',
        "Not known: the linked accounts (the key lacks connections:read)",
    ]


def test_a_stream_key_is_never_shown() -> None:
    operations = [operation_of(*it) for it in CHANGES if "streamKey" in (it[1].given or {})]
    assert operations
    for operation in operations:
        preview = previewed(operation, LIVE)
        assert STREAM_KEY not in f"{preview!r}{preview.shown}{operation!r}{operation}"


# Targets


ELSEWHERE: Final = {
    "destId": (to(destination("dest_9", "Other", "kick")), "destination", "list_destinations"),
    "sourceId": (showing(source("source_9", "Other")), "source", "list_sources"),
    "connectionId": (linked(account("conn_9", "Other", "kick")), "connection", "list_connections"),
}
"""By the parameter that names a thing: facts without it, the thing in words, and its list."""


def test_a_target_that_its_list_lacks_is_not_found() -> None:
    for (entry, example), (parameter, (facts, kind, listed_by)) in product(
        CHANGES, ELSEWHERE.items()
    ):
        if f"{{{parameter}}}" in entry.call:
            told = f"TRaX lists no such {kind}.*Check the id with {listed_by}"
            with pytest.raises(NotSent, match=told):
                previewed(operation_of(entry, example), facts)


# Every change says what it means


def declare(base: Any, declared: dict[str, Any], members: dict[str, Any]) -> None:  # noqa: ANN401  any class
    type(base)("Silent", (base,), {"__module__": __name__, **members}, **declared)


def _nothing(*_: object) -> Iterator[Act]:
    yield from ()


@pytest.mark.parametrize(
    "members", [{}, {"acts": _nothing}, {"acts": _nothing, "done": _nothing}, {"reads": ()}]
)
def test_a_change_that_does_not_say_what_it_means_does_not_import(members: dict[str, Any]) -> None:
    declared: dict[str, Any] = {
        "endpoint": "POST /v1/studios",
        "effect": Effect.WRITE,
        "shown_by": ListStudios,
        "hint": "It says nothing.",
    }
    with pytest.raises(TypeError, match="Silent must say what it reads, does and has done"):
        declare(Change[Model], declared, members)


def test_every_operation_that_changes_something_says_what_it_means() -> None:
    assert {it for it in OPERATIONS if it.effect is not Effect.READ} == {*actions.CHANGES}
