"""What acceptance at another replica gives: room, and nothing else."""

from __future__ import annotations

from typing import Final

from trax_mcp.api.accepted_keys import NOT_ACCEPTED, AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListDestinations,
    ListStudios,
)

CALLER: Final = Caller("sk_live_of_the_owner")
OTHER: Final = Caller("sk_live_other")
OPERATION: Final = GetStudio(studio_id="studio_42")


def test_a_key_accepted_elsewhere_has_room_and_no_access() -> None:
    """TRaX has the last word about a studio, in each process: else a stop of a stranger counts."""
    keys = AcceptedKeys()
    keys.learn([CALLER.owner])
    assert (keys.has(CALLER), keys.limit_name(CALLER)) == (True, CALLER.owner)
    assert not keys.has_access(CALLER, "studio_42")
    assert not keys.may_call(CALLER, OPERATION)
    assert (keys.has(OTHER), keys.limit_name(OTHER)) == (False, NOT_ACCEPTED)
    assert keys.take_news() == {}


def test_what_others_no_longer_know_has_no_room() -> None:
    keys = AcceptedKeys()
    keys.record_answer(OPERATION, CALLER)
    keys.learn([OTHER.owner])
    keys.learn([])
    assert (keys.has(CALLER), keys.has(OTHER)) == (True, False)
    assert keys.may_call(CALLER, OPERATION)


def test_news_are_what_trax_has_said_of_keys_since() -> None:
    """A key that was never good is no news, and neither is a public call, which needs none."""
    keys = AcceptedKeys()
    keys.record_answer(GetHealth(), OTHER)
    keys.record_refusal("invalid_key", OPERATION, OTHER)
    keys.record_refusal("not_found", OPERATION, OTHER)
    assert keys.take_news() == {}
    keys.record_answer(ListStudios(), CALLER)
    keys.record_refusal("insufficient_scope", OPERATION, OTHER)
    assert keys.take_news() == {CALLER.owner: True, OTHER.owner: True}
    assert keys.take_news() == {}
    keys.record_refusal("invalid_key", OPERATION, CALLER)
    assert keys.take_news() == {CALLER.owner: False}


def test_a_refusal_here_counts_more_than_what_others_have_told_before() -> None:
    keys = AcceptedKeys()
    keys.learn([CALLER.owner])
    keys.record_refusal("invalid_key", OPERATION, CALLER)
    assert not keys.has(CALLER)
    keys.learn([CALLER.owner, OTHER.owner])
    assert (keys.has(CALLER), keys.has(OTHER)) == (False, True)
    assert keys.take_news() == {CALLER.owner: False}


def test_a_list_that_is_closed_to_a_member_takes_no_studio_from_their_key() -> None:
    """Else the order of answers decides in whose record a call goes on."""
    keys, status = AcceptedKeys(), GetStreamStatus(studio_id="studio_42")
    keys.record_answer(OPERATION, CALLER)
    keys.record_refusal("forbidden", ListDestinations(studio_id="studio_42"), CALLER, status=403)
    assert keys.has_access(CALLER, "studio_42")
    keys.record_refusal("forbidden", status, CALLER, status=403)
    assert not keys.has_access(CALLER, "studio_42")
