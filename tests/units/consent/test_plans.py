"""What a person is shown before they agree: every sentence of every operation, from given facts.

`shown_table` holds the sentences. `test_naming` is about the names in them, `test_digest` about the
changes that invalidate a confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.operation_table import CHANGES, IDS, STREAM_KEY
from tests.units.consent.shown_table import (
    CHANGING,
    DELETE_DESTINATION,
    DELETE_SOURCE,
    GO_LIVE,
    GO_OFFLINE,
    NO_DESTINATION,
    NO_SOURCE,
    NOBODY_GETS_IT,
    NOT_ON_KICK,
    NOTHING_TO_SEE,
    ON_LATE,
    ON_MAIN,
    SHOWN,
    STARTS,
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
    previewed,
    source,
    studio,
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
    from trax_mcp.api.models import Connection
    from trax_mcp.consent.plans.base import Sentences
    from trax_mcp.studio.facts import Facts
    from trax_mcp.studio.naming import Sentence

each_row = pytest.mark.parametrize("row", SHOWN, ids=lambda it: it.operation.tool_name)


def test_every_choice_has_more_than_one_word() -> None:
    """So that no person gives it by habit."""
    assert all(len(row.choice.split()) > 1 for row in SHOWN)


@each_row
def test_a_person_is_shown_what_the_table_says(row: Shown) -> None:
    """The target, every sentence with the ids of the things that it names, and the choice."""
    shown = previewed(row.operation, row.facts)
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


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        (EVERYTHING, ()),
        (but(destinations=()), (NO_DESTINATION,)),
        (but(destinations=(destination("d", "D", "kick", enabled=False),)), (NOBODY_GETS_IT,)),
        (but(sources=()), (NO_SOURCE,)),
        (but(sources=(source("c", "C", active=False),)), (NOTHING_TO_SEE,)),
        (but(destinations=(), sources=()), (NO_DESTINATION, NO_SOURCE)),
        # Unknown facts warn of nothing.
        (but(destinations=None, sources=None, connections=None), ()),
        (but(connections=(TROUBLED,)), (MAY_FAIL,)),
        (but(connections=(account("a", "A", "kick", "expired"),)), ()),
        (but(destinations=None, connections=(TROUBLED,)), ()),
    ],
)
def test_a_go_live_warns_of_what_may_go_wrong(facts: Facts, warnings: tuple[Sentence, ...]) -> None:
    """Accounts matter only if the broadcast goes to their platform."""
    assert previewed(GO_LIVE, facts).warnings == warnings


def test_ten_accounts_in_trouble_are_named_and_the_others_counted() -> None:
    """Not each destination of their platform: TRaX does not tell which account one uses."""
    places = tuple(destination(f"dest_{it}", "Main", "youtube") for it in range(600))
    accounts = tuple(with_id(TROUBLED, f"conn_{it}") for it in range(600))
    *named, last = previewed(GO_LIVE, but(destinations=places, connections=accounts)).warnings
    assert named == [says(MAY_FAIL.text, f"conn_{number}") for number in range(10)]
    assert last == says("590 more accounts are not active: their platforms may fail.")


def test_a_go_live_names_twenty_that_stay_out_and_counts_the_others() -> None:
    """One that is switched on in between voids the yes, since the count is in it."""
    places = [
        destination(f"dest_{it:03}", f"Old {it:03}", "kick", enabled=False) for it in range(23)
    ]
    (told,) = (
        it
        for it in previewed(GO_LIVE, but(destinations=tuple(places))).effects
        if it.text.startswith("Switched off: ")
    )
    assert told.ids == tuple(it.id for it in places[:20])
    assert told.text.startswith('Switched off: "Old 000" (Kick), "Old 001" (Kick), ')
    assert told.text.endswith('"Old 019" (Kick) and 3 more.')


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


def with_id(it: Connection, which: str) -> Connection:
    """The same account with another id."""
    return it.model_copy(update={"id": which})


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


def test_an_unlink_of_an_unknown_account_warns_of_nothing() -> None:
    """Its platform is unknown too."""
    here = in_studio("One", "s1", ON_AIR, destination("dest_1", "Main", "youtube"))
    assert previewed(UNLINK, but(connections=None, studio_details=(here,))).warnings == ()


# Unknown facts, and all of it together


def test_unknown_facts_are_listed_with_the_reason() -> None:
    """They come in the order in which they were read."""
    studios, health = (
        unread("the key lacks studios:read"),
        unread("no answer"),
    )
    told = (
        "the studios (the key lacks studios:read)",
        "whether writes are switched on (no answer)",
    )
    for row in SHOWN:
        facts = known(row.facts, studios=studios, health=health)
        assert previewed(row.operation, facts).unknown == told


def test_warnings_come_first_and_unknown_facts_last() -> None:
    """A person sees all of it, and the yes is to all of it."""
    unknown = unread("the key lacks connections:read")
    shown = previewed(GO_LIVE, but(sources=(), connections=unknown)).shown
    assert shown == (
        NO_SOURCE,
        STARTS,
        ON_MAIN,
        ON_LATE,
        NOT_ON_KICK,
        says("Not known: the linked accounts (the key lacks connections:read)"),
    )


def test_consent_does_not_depend_on_a_note() -> None:
    """A note stands among the effects, but not among the sentences that consent depends on."""
    preview = previewed(GO_OFFLINE, LIVE)
    (time,) = (it for it in preview.effects if it.is_note)
    assert time not in preview.shown
    assert len(preview.shown) == len(preview.effects) - 1


def test_a_stream_key_is_never_shown() -> None:
    """It is also absent where a value happens to be printed."""
    operations = [operation_of(*it) for it in CHANGES if "streamKey" in (it[1].given or {})]
    assert operations
    for operation in operations:
        preview = previewed(operation, LIVE)
        assert STREAM_KEY not in f"{preview!r}{preview.shown}{operation!r}{operation}"


# Targets


ELSEWHERE: Final = {
    "destId": (
        but(destinations=(destination("dest_9", "Other", "kick"),)),
        "destination",
        "list_destinations",
    ),
    "sourceId": (but(sources=(source("source_9", "Other"),)), "source", "list_sources"),
    "connectionId": (
        but(connections=(account("conn_9", "Other", "kick"),)),
        "connection",
        "list_connections",
    ),
}
"""By the parameter that names a thing: facts without it, the thing in words, and its list."""

UNLISTED: Final = [
    (operation_of(entry, example), *rest)
    for entry, example in CHANGES
    for parameter, rest in ELSEWHERE.items()
    if f"{{{parameter}}}" in entry.call
]


def test_a_target_that_its_list_lacks_is_not_found() -> None:
    """A person is not asked about a thing that does not exist."""
    for operation, facts, kind, listed_by in UNLISTED:
        told = f"TRaX lists no such {kind}.*Check the id with {listed_by}"
        with pytest.raises(NotSent, match=told):
            previewed(operation, facts)


# Every operation has a plan


ACTIONS: Final[tuple[type[Action], ...]] = (*OPERATIONS, ApplyChanges)
MUTATING: Final = tuple(it for it in ACTIONS if it.effect is not Effect.READ)


def test_the_plans_of_this_server_are_complete() -> None:
    """The import checks the same."""
    check_plans(ACTIONS, tuple(PLANS.values()))
    assert set(PLANS) == set(MUTATING)
    assert {kind: plan.operation_type for kind, plan in PLANS.items()} == {it: it for it in PLANS}


def test_a_mutating_operation_without_a_plan_does_not_import() -> None:
    """The error names it alone."""
    for missing in MUTATING:
        rest = tuple(plan for kind, plan in PLANS.items() if kind is not missing)
        told = rf"^without a plan: \['{missing.__name__}'\]$"
        with pytest.raises(TypeError, match=told):
            check_plans(ACTIONS, rest)


def test_a_plan_of_no_mutating_operation_does_not_import() -> None:
    """The error names its operation."""
    rest = tuple(it for it in ACTIONS if it is not GoLive)
    with pytest.raises(TypeError, match=r"^plans of no operation: \['GoLive'\]$"):
        check_plans(rest, tuple(PLANS.values()))


def test_two_plans_for_one_operation_do_not_import() -> None:
    """The guard could use only one of them."""
    with pytest.raises(TypeError, match=r"^several plans: \['GoLive'\]$"):
        check_plans(ACTIONS, (*PLANS.values(), GoLivePlan))


class WithoutDone(Plan[GoLive]):
    """Does not say what it has done."""

    reads = ()

    def effects(self) -> Sentences:
        """Nothing."""
        yield from ()

    def choice(self) -> str:
        """Nothing."""
        return ""


def test_an_incomplete_plan_does_not_import() -> None:
    """The error names it."""
    with pytest.raises(TypeError, match=r"incomplete plans: \['WithoutDone'\]"):
        check_plans((GetHealth, GoLive), (WithoutDone,))
