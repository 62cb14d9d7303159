"""Which keys count as accepted by TRaX, and which studios they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import OWNER
from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetHealth, GetStudio, ListMedia, ListStudios
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client

UNACCEPTED = Caller("sk_live_of_somebody_else")


async def refused(trax: Client, operation: GetStudio | ListMedia, caller: Caller) -> str:
    """Send a call that TRaX refuses. Return the code."""
    with pytest.raises(TraxError) as caught:
        await trax.send(operation, caller)
    return caught.value.failure.code


async def test_a_key_is_accepted_after_a_call_that_needs_one(trax: Client) -> None:
    """It counts for itself then, and reaches the studios where it was accepted."""
    keys = trax.accepted_keys
    await trax.send(ListStudios(), OWNER)
    assert keys.has(OWNER)
    assert keys.owner(OWNER) == OWNER.fingerprint
    assert not keys.has_access(OWNER, "studio_42")
    await trax.send(GetStudio(studio_id="studio_42"), OWNER)
    assert keys.has_access(OWNER, "studio_42")
    assert not keys.has_access(OWNER, "studio_43")


async def test_a_public_call_accepts_no_key(trax: Client) -> None:
    """TRaX does not look at the key there."""
    await trax.send(GetHealth(), UNACCEPTED)
    assert not trax.accepted_keys.has(UNACCEPTED)
    assert trax.accepted_keys.owner(UNACCEPTED) == NOT_ACCEPTED


async def test_a_refused_key_is_not_accepted_and_no_longer_accepted(
    trax: Client, sandbox: Sandbox
) -> None:
    """A key can be revoked."""
    keys, studio = trax.accepted_keys, GetStudio(studio_id="studio_42")
    assert await refused(trax, studio, UNACCEPTED) == "invalid_key"
    assert not keys.has(UNACCEPTED)
    await trax.send(studio, OWNER)
    sandbox.world.keys.clear()
    assert await refused(trax, studio, OWNER) == "invalid_key"
    assert not keys.has(OWNER)
    assert not keys.has_access(OWNER, "studio_42")


async def test_a_missing_scope_proves_a_key_but_reaches_no_studio(
    trax: Client, sandbox: Sandbox
) -> None:
    """TRaX knows the key, and has accepted nothing in the studio."""
    sandbox.world.keys["sk_live_x"] = Key("sk_live_x", "narrow", ACCOUNT, frozenset())
    narrow = Caller("sk_live_x")
    assert await refused(trax, GetStudio(studio_id="studio_42"), narrow) == "insufficient_scope"
    assert trax.accepted_keys.has(narrow)
    assert not trax.accepted_keys.has_access(narrow, "studio_42")


async def test_a_studio_of_another_account_is_not_reached(trax: Client, sandbox: Sandbox) -> None:
    """TRaX answers that there is no such studio."""
    scopes = frozenset({"studios:read"})
    sandbox.world.keys["sk_live_y"] = Key("sk_live_y", "other", "another account", scopes)
    other = Caller("sk_live_y")
    assert await refused(trax, GetStudio(studio_id="studio_42"), other) == "not_found"
    assert not trax.accepted_keys.has_access(other, "studio_42")
