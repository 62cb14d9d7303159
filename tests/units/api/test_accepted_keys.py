"""In which studios a key counts."""

from __future__ import annotations

from typing import Final

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.reads import GetStreamStatus, GetStudio, ListDestinations

CALLER: Final = Caller("sk_live_of_the_owner")
OPERATION: Final = GetStudio(studio_id="studio_42")


def test_a_list_that_is_closed_to_a_member_takes_no_studio_from_their_key() -> None:
    """Else the order of answers decides in whose record a call goes on."""
    keys, status = AcceptedKeys(), GetStreamStatus(studio_id="studio_42")
    keys.record_answer(OPERATION, CALLER)
    keys.record_refusal("forbidden", ListDestinations(studio_id="studio_42"), CALLER, status=403)
    assert keys.has_access(CALLER, "studio_42")
    keys.record_refusal("forbidden", status, CALLER, status=403)
    assert not keys.has_access(CALLER, "studio_42")
