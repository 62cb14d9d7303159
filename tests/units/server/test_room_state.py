"""What a room shows, from given facts. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    NOW,
    account,
    but,
    destination,
    linked,
    to,
    unread,
)
from trax_mcp.api.errors import NoConnection, Refused
from trax_mcp.server.room_state import Known, message_of, state_of, summary, version_of

SEEN: Final = Known(facts=EVERYTHING, now=NOW, can={"go_live": True})
EXPIRES: Final = "2026-06-05T20:00:00Z"
AWAY: Final = NoConnection("unreachable", "TRaX could not be reached", "Call again.")
INVALID: Final = Refused("invalid_key", "TRaX says that the key is invalid", "", http_status=401)
FORBIDDEN: Final = Refused("insufficient_scope", "The key lacks a scope", "", http_status=403)


def test_time_alone_changes_no_version() -> None:
    expiring = account("conn_1", "Main", "youtube", expires=EXPIRES)
    for facts in (LIVE, linked(expiring)):
        seen = replace(SEEN, facts=facts)
        later = replace(seen, now=NOW + timedelta(minutes=90))
        assert state_of(seen) == state_of(later)
        assert version_of(state_of(seen), ()) == version_of(state_of(later), ())
        assert summary(seen) == summary(later)
    assert state_of(replace(SEEN, facts=linked(expiring)))["problems"] == [
        {
            "what": 'The YouTube account "Main" expires soon.',
            "remedy": "To be safe, sign in to YouTube again on TRaX.",
            "at": EXPIRES,
        }
    ]


def test_any_other_difference_changes_the_version() -> None:
    others = (
        replace(SEEN, facts=LIVE),
        replace(SEEN, can={"go_live": False}),
        replace(SEEN, status_error=AWAY),
        replace(SEEN, chat_error=AWAY),
    )
    versions = {version_of(state_of(it), ()) for it in (SEEN, *others)}
    versions.add(version_of(state_of(SEEN), ("a ticket",)))
    assert len(versions) == 2 + len(others)


@pytest.mark.parametrize(
    "seen",
    [
        replace(SEEN, status_error=INVALID),
        replace(SEEN, setup_error=INVALID),
        replace(SEEN, chat_error=INVALID),
    ],
    ids=["status", "setup", "chat"],
)
def test_a_refusal_of_the_key_ends_the_room_whichever_read_has_met_it(seen: Known) -> None:
    state = state_of(seen)
    assert (state["ended"], state["stale"], state["trouble"]) == (True, True, INVALID.summary)


def test_what_ails_the_studio_and_its_chat_is_said_once() -> None:
    away = replace(SEEN, status_error=AWAY, chat_error=AWAY)
    assert [state_of(away)[it] for it in ("trouble", "chatTrouble")] == [AWAY.summary, None]


def test_a_scope_that_is_missing_is_no_trouble_that_passes() -> None:
    state = state_of(replace(SEEN, chat_error=FORBIDDEN))
    assert (state["ended"], state["stale"], state["trouble"]) == (False, False, None)
    assert state["chatTrouble"] == FORBIDDEN.summary


def test_no_switch_changes_the_order_of_rows() -> None:
    places = [destination(f"dest_{n}", name, "youtube") for n, name in enumerate("bca")]
    off = [it.model_copy(update={"enabled": False}) for it in places]
    for switched in ((off[0], places[1], off[2]), (places[0], off[1], places[2])):
        shown = state_of(replace(SEEN, facts=to(*switched)))["destinations"]
        assert [it["name"] for it in shown] == ["a", "b", "c"]


def test_what_is_not_known_is_null_and_said() -> None:
    state = state_of(replace(SEEN, facts=but(destinations=unread("why"), status=unread("why"))))
    assert (state["destinations"], state["live"], state["ready"]) == (None, None, None)
    assert any("destinations" in it for it in state["unknown"])


def test_a_message_of_any_form_has_texts_alone() -> None:
    assert message_of({"id": 5, "text": ["x"], "authorDisplayName": None}, ()) == {
        "platform": "",
        "author": "",
        "text": "",
        "at": "",
    }
    assert message_of({"text": "Hi"}, ("Hi",))["own"] is True
