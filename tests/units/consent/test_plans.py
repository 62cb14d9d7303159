"""What a person is shown before they agree: every sentence of every operation, from given facts.

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
    operation_of,
    says,
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
from trax_mcp.api.errors import NotSent
from trax_mcp.api.operation import Effect
from trax_mcp.api.operations import OPERATIONS, GetHealth, GoLive
from trax_mcp.consent.changes import Action, ApplyChanges
from trax_mcp.consent.plans import PLANS, Plan, check_plans
from trax_mcp.consent.plans.stream import GoLivePlan
from trax_mcp.consent.preview import Preview

if TYPE_CHECKING:
    from tests.units.consent.shown_table import Shown
    from trax_mcp.consent.plans.base import Sentences
    from trax_mcp.studio.facts import Facts
    from trax_mcp.studio.naming import Sentence

each_row = pytest.mark.parametrize("row", SHOWN, ids=lambda it: it.operation.tool_name)


@each_row
def test_a_person_is_shown_what_the_table_says(row: Shown) -> None:
    """The target, every sentence with the ids of the things that it names, and the choice.

    A choice has more than one word, so that no person gives it by habit.
    """
    shown = previewed(row.operation, row.facts)
    assert len(row.choice.split()) > 1
    assert shown == Preview(
        operation=row.operation.tool_name,
        target=row.target,
        effects=row.effects,
        warnings=row.warnings,
        unknown=(),
        choice=row.choice,
        puts_on_air=shown.puts_on_air,
        digest=shown.digest,
    )


def test_every_argument_is_shown() -> None:
    """A person agrees to nothing that they were not shown. A stream key has only a place there."""
    for operation in CHANGING:
        said = " ".join(it.text for it in previewed(operation, LIVE).effects)
        unseen = {
            name
            for name, value in operation.arguments().items()
            if name not in {"studioId", *IDS} and f"{name} " not in said and not _shows(said, value)
        }
        assert (operation, unseen) == (operation, set())


def _shows(said: str, value: object) -> bool:
    if isinstance(value, bool):
        return f"switches {'on' if value else 'off'} " in said.lower()
    if isinstance(value, tuple):
        return all(_shows(said, it) for it in value)
    return str(value).replace("\n", r"\u000a").lower() in said.lower()


# Warnings


TROUBLED: Final = account("conn_1", "Robin", "youtube", "needs_reauth")
MAY_FAIL: Final = says(
    'YouTube may fail: the account "Robin" needs a new sign-in on TRaX.', "conn_1"
)
NO_DESTINATION: Final = says("The studio has no destination: nobody would receive the stream.")
NOBODY_GETS_IT: Final = says("No destination is switched on: nobody would receive the stream.")
NO_SOURCE: Final = says("The studio has no source: viewers may see nothing.")
NOTHING_TO_SEE: Final = says("No source is switched on: viewers may see nothing.")


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
def test_a_go_live_warns_of_what_may_go_wrong(facts: Facts, warnings: tuple[Sentence, ...]) -> None:
    """Accounts matter only if the broadcast goes to their platform."""
    assert previewed(GO_LIVE, facts).warnings == warnings


def test_ten_accounts_in_trouble_are_named_and_the_others_counted() -> None:
    """Not each destination of their platform: TRaX does not tell which account one uses."""
    places = tuple(destination(f"dest_{it}", "Main", "youtube") for it in range(600))
    accounts = tuple(TROUBLED.model_copy(update={"id": f"conn_{it}"}) for it in range(600))
    assert previewed(GO_LIVE, but(destinations=places, connections=accounts)).warnings == (
        *(says(MAY_FAIL.text, f"conn_{number}") for number in range(10)),
        says("590 more accounts are not active: their platforms may fail."),
    )


def test_a_go_live_names_twenty_that_stay_out_and_counts_the_others() -> None:
    """One that is switched on in between voids the yes, since the count is in it."""
    places = [destination(f"d{it:02}", f"Old {it:02}", "kick", enabled=False) for it in range(23)]
    named = ", ".join(f'"{it.name}" (Kick)' for it in places[:20])
    told = says(f"Switched off: {named} and 3 more.", *(it.id for it in places[:20]))
    assert told in previewed(GO_LIVE, to(*places)).effects


LONG: Final = f"{'A very long name, ' * 8}and the part that matters"


def test_the_name_of_what_a_call_acts_on_is_shown_whole() -> None:
    """Two names that differ only at their end ask different questions. Others are cut."""
    assert 80 < len(LONG) < 200
    main = destination("dest_1", LONG, "youtube")
    facts = but(
        studio=studio(LONG),
        destinations=(main,),
        sources=(source("source_1", LONG),),
        connections=(account("conn_1", LONG, "youtube"),),
    )
    for operation in (GO_LIVE, GO_OFFLINE, DELETE_DESTINATION, DELETE_SOURCE, UNLINK):
        shown = previewed(operation, facts)
        assert f'"{LONG}"' in shown.choice
        assert f'"{LONG}"' in shown.effects[0].text
    assert LONG not in previewed(GO_LIVE, facts).effects[1].text


def test_an_unlink_warns_of_destinations_of_the_same_platform_in_every_studio() -> None:
    """Only enabled ones count. A warning says whether their studio is on air."""
    off = destination("dest_3", "Old", "youtube", enabled=False)
    here = in_studio("One", "s1", OFF_AIR, destination("dest_1", "Main", "youtube"), off)
    twitch, youtube = destination("dest_4", "T", "twitch"), destination("dest_5", "Y", "youtube")
    there = in_studio("Two", "s2", ON_AIR, twitch, youtube)
    unread = known(studio=studio("Three", "s3"))
    assert previewed(UNLINK, but(studio_details=(here, there, unread))).warnings == (
        says('"Main" (YouTube) in "One" may stop working.', "dest_1", "s1"),
        says('"Y" (YouTube) in "Two", which is on air, may stop working.', "dest_5", "s2"),
    )
    assert previewed(UNLINK, but(connections=None, studio_details=(here, there))).warnings == ()


# Unknown facts, and all of it together


def test_unknown_facts_are_listed_with_the_reason_in_the_order_of_reading() -> None:
    studios, health = unread("the key lacks studios:read"), unread("no answer")
    for row in SHOWN:
        facts = known(row.facts, studios=studios, health=health)
        assert previewed(row.operation, facts).unknown == (
            "the studios (the key lacks studios:read)",
            "whether writes are switched on (no answer)",
        )


def test_warnings_come_first_and_unknown_facts_last() -> None:
    """A person sees all of it, and the yes is to all of it."""
    unknown = unread("the key lacks connections:read")
    shown = previewed(GO_LIVE, but(sources=(), connections=unknown))
    assert shown.shown == (
        NO_SOURCE,
        *shown.effects,
        says("Not known: the linked accounts (the key lacks connections:read)"),
    )
    assert len(shown.effects) == 4


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


# Every operation has a plan


ACTIONS: Final[tuple[type[Action], ...]] = (*OPERATIONS, ApplyChanges)
MUTATING: Final = tuple(it for it in ACTIONS if it.effect is not Effect.READ)


def test_the_plans_of_this_server_are_complete() -> None:
    check_plans(ACTIONS, tuple(PLANS.values()))
    assert set(PLANS) == set(MUTATING)
    assert {kind: plan.operation_type for kind, plan in PLANS.items()} == {it: it for it in PLANS}


class WithoutDone(Plan[GoLive]):
    """Does not say what it has done."""

    reads = ()

    def effects(self) -> Sentences:
        yield from ()

    def choice(self) -> str:
        return ""


PLANNED: Final = tuple(PLANS.values())
INCOMPLETE: Final[dict[str, tuple[tuple[type[Action], ...], tuple[type[Plan[Any]], ...], str]]] = {
    **{
        f"{kind.__name__} without a plan": (
            ACTIONS,
            tuple(it for it in PLANNED if it is not plan),
            rf"^without a plan: \['{kind.__name__}'\]$",
        )
        for kind, plan in PLANS.items()
    },
    "a plan of no operation": (
        tuple(it for it in ACTIONS if it is not GoLive),
        PLANNED,
        r"^plans of no operation: \['GoLive'\]$",
    ),
    "two plans for one": (ACTIONS, (*PLANNED, GoLivePlan), r"^several plans: \['GoLive'\]$"),
    "a plan that does not say what was done": (
        (GetHealth, GoLive),
        (WithoutDone,),
        r"incomplete plans: \['WithoutDone'\]",
    ),
}


@pytest.mark.parametrize(("actions", "plans", "error"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_plans_that_are_not_complete_do_not_import(
    actions: tuple[type[Action], ...], plans: tuple[type[Plan[Any]], ...], error: str
) -> None:
    with pytest.raises(TypeError, match=error):
        check_plans(actions, plans)
