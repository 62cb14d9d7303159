"""The store of sign-ins beside a plain model of its rules, through invented histories."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import examples
from tests.support.sign_in_setup import CLIENT, KEY, OTHER_KEY, WallClock, grant_of, store_in

if TYPE_CHECKING:
    from trax_mcp.sign_in.grants import Tokens
    from trax_mcp.sign_in.store import SignInStore

CLIENTS: Final = (CLIENT, replace(CLIENT, id="https://other.example/"))
PAUSES: Final = (
    timedelta(seconds=30),
    timedelta(seconds=61),
    timedelta(minutes=59),
    timedelta(days=6),
    timedelta(days=14),
    timedelta(days=31),
    timedelta(days=89),
)


@dataclass
class ModelSignIn:
    """What the rules say of a sign-in."""

    key: str
    client: str
    is_revoked: bool = False


@dataclass
class ModelToken:
    """What the rules say of a token of either kind."""

    sign_in: ModelSignIn
    issued: datetime
    used: datetime | None = None


@dataclass
class Model:
    """The rules of the design, in plain words of Python."""

    clock: WallClock
    access: dict[str, ModelToken] = field(default_factory=dict)
    refresh: dict[str, ModelToken] = field(default_factory=dict)

    def add(self, tokens: Tokens, sign_in: ModelSignIn) -> None:
        """A pair was issued."""
        now = self.clock.now()
        self.access[tokens.access_token] = ModelToken(sign_in, now, now)
        self.refresh[tokens.refresh_token] = ModelToken(sign_in, now)

    def find(self, token: str) -> str | None:
        """The key that a token opens."""
        it, now = self.access[token], self.clock.now()
        assert it.used is not None
        ends = min(it.used + timedelta(days=14), it.issued + timedelta(days=30))
        if it.sign_in.is_revoked or now >= ends:
            return None
        if now - it.used >= timedelta(hours=1):
            it.used = now
        return it.sign_in.key

    def may_refresh(self, token: str, client: str) -> bool:
        """Whether a refresh token gives a pair. A theft revokes its sign-in."""
        it, now = self.refresh[token], self.clock.now()
        if it.sign_in.is_revoked or it.sign_in.client != client:
            return False
        if it.used is not None and now - it.used > timedelta(seconds=60):
            it.sign_in.is_revoked = True
            return False
        if now >= it.issued + timedelta(days=90):
            return False
        it.used = it.used or now
        return True


def step(store: SignInStore, model: Model, draw: st.DataObject) -> None:
    """One step of a history, in the store and in the model."""
    tokens = [*zip(model.access, model.refresh, strict=True)]
    actions = ["issue", "pause", *(["find", "refresh", "refresh", "revoke"] if tokens else [])]
    action = draw.draw(st.sampled_from(actions))
    if action == "pause":
        model.clock.move(seconds=draw.draw(st.sampled_from(PAUSES)).total_seconds())
        return
    client = draw.draw(st.sampled_from(CLIENTS))
    if action == "issue":
        key = draw.draw(st.sampled_from((KEY, OTHER_KEY)))
        model.add(store.issue(grant_of(key, client=client)), ModelSignIn(key, client.id))
        return
    access, refresh = draw.draw(st.sampled_from(tokens))
    sign_in = model.access[access].sign_in
    match action:
        case "find":
            found = store.find(access)
            assert (found[1].key if found else None) == model.find(access)
        case "refresh":
            given_back = store.refresh(refresh, client_id=client.id)
            assert (given_back is not None) == model.may_refresh(refresh, client.id)
            if given_back is not None:
                model.add(given_back, sign_in)
        case _:
            store.revoke_token(draw.draw(st.sampled_from((access, refresh))), client_id=client.id)
            sign_in.is_revoked |= sign_in.client == client.id


@pytest.mark.fuzz
@settings(max_examples=examples(30))
@given(draw=st.data())
def test_the_store_follows_its_rules_in_any_order_of_steps(draw: st.DataObject) -> None:
    """At its end each token opens what the rules say, and only living sign-ins are listed."""
    clock = WallClock()
    with tempfile.TemporaryDirectory() as folder, closing(store_in(Path(folder), clock)) as store:
        model = Model(clock)
        for _step in range(draw.draw(st.integers(4, 20))):
            step(store, model, draw)
        for token in model.access:
            found = store.find(token)
            assert (found[1].key if found else None) == model.find(token)
        opened = {it for it in model.access if model.find(it)}
        listed = {it.id for it in store.all()}
        assert {found[0].id for it in opened if (found := store.find(it))} <= listed
        assert len(listed) <= len({id(it.sign_in) for it in model.access.values()})
