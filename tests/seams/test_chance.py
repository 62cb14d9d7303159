"""What must not be guessed and what must not occur twice, as others see it: real random bytes."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Final

from tests.support.guarded_calls import GO_LIVE
from tests.world.sign_in import registered
from tests.world.world import MINE, open_world
from trax_mcp.sealing import seal
from trax_mcp.web.local_server import PageAccess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANY: Final = 24
"""So many samples show every character that varies."""
BITS: Final = 128
NONCE_BYTES: Final = 12


def bits_of(samples: Sequence[str]) -> float:
    """How many bits vary from one sample to the next, by the characters that do."""
    assert len(set(samples)) == MANY
    places = [set(place) for place in zip(*samples, strict=True)]
    varying = [it for it in places if len(it) > 1]
    return len(varying) * log2(len(set().union(*varying)))


def test_no_two_seals_of_one_value_begin_with_the_same_nonce() -> None:
    """A nonce that occurs twice opens AES-GCM. Each of its bytes varies."""
    seals = [seal(b"key", secret=str(MANY), name="name") for _ in range(1000)]
    assert len({it[:NONCE_BYTES] for it in seals}) == len(seals)
    assert all(len({it[place] for it in seals}) > 200 for place in range(NONCE_BYTES))


async def test_a_confirmation_cannot_be_guessed() -> None:
    """The id that a model gets in a preview."""
    async with open_world(MINE) as it:
        confirmations = [await it[MINE].confirmation(GO_LIVE) for _ in range(MANY)]
    assert bits_of(confirmations) >= BITS


async def test_codes_and_tokens_of_a_sign_in_cannot_be_guessed(tmp_path: Path) -> None:
    """What a client gets in the address, and then for it."""
    async with registered(tmp_path) as (_, steps):
        codes, answers = [], []
        for _ in range(MANY):
            codes.append(await steps.code(MINE))
            answers.append((await steps.redeem(codes[-1])).json())
    assert bits_of(codes) >= BITS
    for kind in ("access_token", "refresh_token"):
        assert bits_of([it[kind] for it in answers]) >= BITS


def test_the_address_and_the_session_of_the_approval_page_cannot_be_guessed() -> None:
    """Every other program of this machine may try."""
    accesses = [PageAccess() for _ in range(MANY)]
    secrets = [it.new_secret() for it in accesses]
    sessions = [it.redeem(secret) for it, secret in zip(accesses, secrets, strict=True)]
    assert bits_of(secrets) >= BITS
    assert bits_of([it for it in sessions if it]) >= BITS
