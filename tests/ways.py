"""Every way of not having consented: a walk, and what is told at its end.

Facts only, and how to take a way: what may have been sent is for the tests to say.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from tests import walks
from tests.consent import restore, told
from tests.jsonrpc import ERAS, LEGACY, MODERN
from tests.person import cancelling, declining, failing, filling_in, nearly, refusing
from tests.walks import calling, confirming, saying
from tests.witness import put_on_air

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.acts import Act
    from tests.consent import Desk
    from tests.walks import Walk

    Told = tuple[str, str | None]


def of_any(_act: Act) -> bool:
    """Every act."""
    return True


def of_all_but_a_stop(act: Act) -> bool:
    """Every act but a stop: nothing voids the yes to that."""
    return act.tool != "go_offline"


def of_going_live(act: Act) -> bool:
    """Going live alone."""
    return act.tool == "go_live"


def of_what_going_live_changes(act: Act) -> bool:
    """What is guarded off air, and is another thing on air."""
    return not act.on_air and not of_going_live(act)


class Way(NamedTuple):
    """A walk without consent; what it is told, None for one who is gone; where there is such."""

    walk: Walk
    told: Told | None
    eras: tuple[str, ...] = ERAS
    exists: Callable[[Act], bool] = of_any


def nobody(reason: str | None = None) -> Told:
    """What is told where no person was asked."""
    return ("confirmation_invalid" if reason else "confirmation_required", reason)


def person(reason: str) -> Told:
    """What is told where a person was."""
    return ("declined", reason)


WITHOUT_FORMS: Final[Mapping[str, Way]] = {
    "no flag": Way(calling(), nobody()),
    "the flag alone": Way(calling(confirm=True), nobody()),
    "a confirmation without the flag": Way(walks.without_the_flag, nobody()),
    "a confirmation against the flag": Way(walks.against_the_flag, nobody()),
    "an invented confirmation": Way(confirming(secrets.token_urlsafe(16)), nobody("expired")),
    "an empty confirmation": Way(confirming(""), nobody("expired")),
    "an expired confirmation": Way(walks.expired, nobody("expired")),
    "another caller's confirmation": Way(walks.of_another_caller, nobody("expired")),
    "a confirmation of other arguments": Way(walks.of_other_arguments, nobody("mismatch")),
    "a confirmation of another operation": Way(walks.of_another_operation, nobody("mismatch")),
    "a question's handle for a confirmation": Way(
        walks.with_a_handle_for_a_confirmation, nobody("mismatch"), (MODERN,)
    ),
    "a confirmation of how it was": Way(
        walks.of_how_it_was, nobody("changed"), exists=of_all_but_a_stop
    ),
    "a confirmation of before the show": Way(
        walks.of_before_the_show, nobody("changed"), exists=of_what_going_live_changes
    ),
    "a confirmation of a show that runs": Way(
        walks.of_before_the_show, ("nothing_to_do", None), exists=of_going_live
    ),
    "given up while the server looks": Way(walks.given_up_while_looking, None),
}

WITH_FORMS: Final[Mapping[str, Way]] = {
    "declined": Way(saying(declining), person("declined")),
    "declined, flag or not": Way(saying(declining, confirm=True), person("declined")),
    "declined, confirmed or not": Way(walks.declining_what_was_confirmed, person("declined")),
    "the other choice": Way(saying(refusing), person("declined")),
    "cancelled": Way(saying(cancelling), person("cancelled")),
    "a form without content": Way(saying(filling_in(None)), person("malformed")),
    "a form without a choice": Way(saying(filling_in({})), person("malformed")),
    "the choice under another name": Way(saying(walks.elsewhere), person("malformed")),
    "a plain yes": Way(saying(filling_in({"choice": "yes"})), person("malformed")),
    "a boolean": Way(saying(filling_in({"choice": True})), person("malformed")),
    "a number": Way(saying(filling_in({"choice": 0})), person("malformed")),
    "a list of the choice": Way(saying(nearly(lambda word: [word])), person("malformed")),
    "the choice and a space": Way(saying(nearly(lambda word: f"{word} ")), person("malformed")),
    "the choice in capitals": Way(saying(nearly(str.upper)), person("malformed")),
    "the words of another act": Way(walks.in_the_words_of_another_act, person("malformed")),
    "a client that fails": Way(saying(failing), person("client_error"), (LEGACY,)),
    "a client that gives up": Way(walks.client_gives_up, None, (MODERN,)),
    "no answer in five minutes": Way(walks.no_answer, person("timed_out"), (LEGACY,)),
    "an answer after five minutes": Way(walks.too_late, nobody("expired"), (MODERN,)),
    "given up while being asked": Way(walks.given_up_while_asked, None),
    "a yes to what is ever another": Way(
        walks.ever_other, nobody("changed"), exists=of_all_but_a_stop
    ),
    "an answer without a handle": Way(walks.without_a_handle, nobody("expired"), (MODERN,)),
    "an invented handle": Way(walks.with_an_invented_handle, nobody("expired"), (MODERN,)),
    "a handle without an answer": Way(walks.with_a_handle_alone, person("malformed"), (MODERN,)),
    "an answer under another name": Way(walks.under_another_name, person("malformed"), (MODERN,)),
    "an answer of another kind": Way(walks.of_another_kind, person("malformed"), (MODERN,)),
    "another question's handle": Way(walks.with_another_handle, nobody("mismatch"), (MODERN,)),
    "a yes to other arguments": Way(walks.about_other_arguments, nobody("mismatch"), (MODERN,)),
    "a confirmation for a handle": Way(
        walks.with_a_confirmation_for_a_handle, nobody("mismatch"), (MODERN,)
    ),
    "another caller's answer": Way(walks.by_another_caller, nobody("expired"), (MODERN,)),
}

WAYS: Final[Mapping[str, Way]] = {**WITHOUT_FORMS, **WITH_FORMS}


def ways(era: str, act: Act) -> dict[str, Way]:
    """All that there are for this act in this era."""
    return {name: it for name, it in WAYS.items() if era in it.eras and it.exists(act)}


async def take(desk: Desk, act: Act, way: Way) -> Told | None:
    """Go one way, in a world as it was at first; what was told at its end."""
    restore(desk.trax)
    if act.on_air:
        put_on_air(desk.trax)
    result = await way.walk(desk, act)
    return None if result is None else told(result)


LATE: Final = (
    "an expired confirmation",
    "no answer in five minutes",
    "an answer after five minutes",
)
"""Those for which time must pass."""
