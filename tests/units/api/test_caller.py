"""A caller is identified by its key, which is never printed."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from trax_mcp.api.caller import ANONYMOUS, Caller

KEY: Final = "sk_live_of_the_owner"


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "ключ", "\x7f", "x" * 513])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="1 to 512 visible ASCII characters") as caught:
        Caller(key)
    assert len(str(caught.value)) < 80


def test_a_caller_shows_its_fingerprint_but_not_its_key() -> None:
    owner = Caller(KEY)
    assert Caller(KEY) == owner
    assert len({owner.fingerprint, Caller("sk_live_other").fingerprint, ANONYMOUS.fingerprint}) == 3
    assert owner.fingerprint == hashlib.sha256(KEY.encode()).hexdigest()[:16]
    assert KEY not in repr(owner) + str(owner)


def test_who_signed_in_is_another_caller_for_each_client_with_the_limits_of_the_key() -> None:
    """What belongs to a caller belongs to key and client; limits are for the key."""
    callers = [Caller(KEY), *(Caller(KEY, client=it) for it in ("one", "two"))]
    assert len({it.fingerprint for it in callers}) == 3
    assert {it.owner for it in callers} == {Caller(KEY).fingerprint}
