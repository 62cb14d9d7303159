"""The life of a token, whatever happens in whatever order, held against a model of four facts.

Sign-ins are begun, used, refreshed at once and again, given to others, revoked and left alone, and
servers are started anew on the same file.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tests.support.hypothesis_profiles import examples
from tests.units.sign_in.sign_in_files import CLIENTS, SECRETS, Files
from trax_mcp.sign_in.sign_ins import Scope, SignInFile, SignIns, TokenPair

MINUTE, DAY = 60, 86_400


@dataclass
class Life:
    """What must be so of one sign-in."""

    key: str
    access: Scope
    client: str
    pairs: list[TokenPair]
    """Of each refresh, in order: a retry gives the last one again."""
    issued: list[datetime]
    used: datetime
    is_over: bool = False
    ids: set[str] = field(default_factory=set)


class TokenLife(RuleBasedStateMachine):
    """One file, and the servers that use it."""

    lives = Bundle("lives")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.files = Files(Path(self.stack.enter_context(TemporaryDirectory())))
        self.clock = self.files.clock
        self.all: list[Life] = []
        self.server: SignIns

    def teardown(self) -> None:
        self.server.close()
        self.stack.close()

    @initialize()
    def start(self) -> None:
        """The first start."""
        self.server = self.files.opened()

    @rule(
        target=lives,
        key=st.sampled_from("ab"),
        client=st.sampled_from(CLIENTS),
        access=st.sampled_from(Scope),
    )
    def begin(self, key: str, client: str, access: Scope) -> Life:
        tokens = self.server.begin(
            f"sk_live_{key}", access, client_id=client, client_name="It", redirect_host="here"
        )
        now = self.clock.at
        life = Life(f"sk_live_{key}", access, client, [tokens], [now], now)
        self.all.append(life)
        return life

    @rule(life=lives, at=st.integers(0, 3))
    def use(self, life: Life, at: int) -> None:
        """A token is used, the newest or an older one."""
        at = max(0, len(life.pairs) - 1 - at)
        found = self.server.find(life.pairs[at].access_token)
        assert (found is not None) is self.opens(life, at)
        if found is not None:
            sign_in, caller = found
            life.ids.add(sign_in.id)
            assert (caller.key, caller.client) == (life.key, life.client)
            assert caller.read_only is (life.access is Scope.READ)
            assert sign_in.access is life.access
            if self.clock.at - life.used >= timedelta(hours=1):
                life.used = self.clock.at

    @rule(life=lives, times=st.integers(1, 5))
    def refresh(self, life: Life, times: int) -> None:
        """Workers of one client refresh at once, or one retries: all get the same pair."""
        was_alive = self.refreshes(life)
        given = life.pairs[-1].refresh_token
        got = [self.server.refresh(given, client_id=life.client) for _ in range(times)]
        assert len(set(got)) == 1
        assert (got[0] is not None) is was_alive
        if got[0] is not None:
            assert got[0] not in life.pairs
            assert got[0].access is life.access
            life.pairs.append(got[0])
            life.issued.append(self.clock.at)
            life.used = self.clock.at

    @rule(life=lives, at=st.integers(1, 4))
    def refresh_with_an_older_one(self, life: Life, at: int) -> None:
        """Within a minute of its use it is a retry. Later, one of the two is a thief."""
        if at >= len(life.pairs):
            return
        is_retry = at == 1 and self.clock.at - life.issued[-1] <= timedelta(minutes=1)
        got = self.server.refresh(life.pairs[-1 - at].refresh_token, client_id=life.client)
        assert got == (life.pairs[-1] if is_retry and not life.is_over else None)
        life.is_over = life.is_over or not is_retry

    @rule(life=lives)
    def give_to_another_client(self, life: Life) -> None:
        """It gets nothing, and ends nothing."""
        for tokens in life.pairs:
            for token in (tokens.refresh_token, tokens.access_token):
                assert self.server.refresh(token, client_id="client three") is None
                self.server.revoke_token(token, client_id="client three")

    @rule(life=lives)
    def exchange_kinds(self, life: Life) -> None:
        """Neither kind stands for the other, under either name, nor does a changed one."""
        access, refresh = life.pairs[-1].access_token, life.pairs[-1].refresh_token
        for text in (refresh, refresh.replace("_rt_", "_at_"), access[:-1], access.swapcase()):
            assert self.server.find(text) is None
        for text in (access, access.replace("_at_", "_rt_"), refresh + "A"):
            assert self.server.refresh(text, client_id=life.client) is None

    @rule(life=lives)
    def take_elsewhere(self, life: Life) -> None:
        """A server with another address on the same file knows no token."""
        with closing(self.files.opened(audience="https://other.example.com")) as other:
            for tokens in life.pairs:
                assert other.find(tokens.access_token) is None
                assert other.refresh(tokens.refresh_token, client_id=life.client) is None
                other.revoke_token(tokens.refresh_token, client_id=life.client)

    @rule(life=lives, kind=st.sampled_from(["access", "refresh", "command"]))
    def revoke(self, life: Life, kind: str) -> None:
        """Its client, its person or the operator ends it."""
        if kind == "command":
            with closing(SignInFile(self.files.path, self.clock)) as file:
                for sign_in_id in life.ids:
                    file.revoke(sign_in_id)
            life.is_over = life.is_over or bool(life.ids)
            return
        tokens = life.pairs[0] if kind == "access" else life.pairs[-1]
        token = tokens.access_token if kind == "access" else tokens.refresh_token
        self.server.revoke_token(token, client_id=life.client)
        life.is_over = True

    @rule(seconds=st.sampled_from([1, 30, MINUTE, MINUTE + 1, DAY, 14 * DAY, 29 * DAY, 90 * DAY]))
    def let_time_pass(self, seconds: int) -> None:
        self.clock.at += timedelta(seconds=seconds)

    @rule()
    def start_anew(self) -> None:
        self.server.close()
        self.server = self.files.opened()

    @rule()
    def start_with_another_secret(self) -> None:
        """Everybody signs in again."""
        self.server.close()
        self.files.opened(secret=SECRETS[1]).close()
        self.server = self.files.opened()
        for life in self.all:
            life.is_over = True

    @invariant()
    def who_is_listed_can_go_on(self) -> None:
        alive = [it for it in self.all if self.refreshes(it)]
        assert len(self.server.all()) == len(alive)
        for key in ("sk_live_a", "sk_live_b"):
            own = self.server.all(person=self.server.person(key))
            assert len(own) == len([it for it in alive if it.key == key])

    @invariant()
    def the_file_opens_nothing(self) -> None:
        """It has no key, no token and no part of one."""
        content = self.files.content
        assert b"sk_live_" not in content
        assert b"trax_" not in content

    def refreshes(self, life: Life) -> bool:
        age = self.clock.at - life.issued[-1]
        return not life.is_over and age < timedelta(days=90)

    def opens(self, life: Life, at: int) -> bool:
        is_young = self.clock.at - life.issued[at] < timedelta(days=30)
        is_used = self.clock.at - life.used < timedelta(days=14)
        return not life.is_over and is_young and is_used


test_the_life_of_a_token = TokenLife.TestCase
test_the_life_of_a_token.settings = settings(
    max_examples=examples(200), stateful_step_count=40, deadline=None
)
