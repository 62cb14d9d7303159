"""Authorization codes: good for a minute and once, and a replay ends what was given."""

from __future__ import annotations

import pytest

from tests.support.sign_in_setup import WallClock, grant_of
from trax_mcp.sign_in.codes import CODE_SECONDS, REPEAT_SECONDS, REPLAY_SECONDS, Codes
from trax_mcp.sign_in.grants import Access, Grant, SignInUnavailable, Tokens


class Setup:
    """Codes on a clock that a test moves. `ended` is what was revoked, unless that `fails`."""

    def __init__(self) -> None:
        self.clock = WallClock()
        self.ended: list[str] = []
        self.issued: list[Grant] = []
        self.fails = False
        self.issue_seconds = 0
        self.codes = Codes(self.clock, self._revoke)

    def _revoke(self, sign_in_id: str) -> None:
        if self.fails:
            raise SignInUnavailable("Not now.")
        self.ended.append(sign_in_id)

    def use(self, code: str, *, is_by_client: bool = True) -> Tokens | None:
        """Change a code for tokens of a new sign-in."""
        return self.codes.use(code, self._issue, is_by_client=lambda _request: is_by_client)

    def _issue(self, grant: Grant) -> Tokens:
        if self.fails:
            raise SignInUnavailable("Not now.")
        self.issued.append(grant)
        self.clock.move(seconds=self.issue_seconds)
        return Tokens(
            sign_in_id=f"sign-in-{len(self.issued)}",
            access_token="a",  # noqa: S106  as the next one, of nobody
            refresh_token="r",  # noqa: S106
            access=Access.RUN,
            expires_in=1,
        )


@pytest.fixture
def setup() -> Setup:
    """No code was issued yet."""
    return Setup()


def test_a_code_gives_the_tokens_of_its_grant(setup: Setup) -> None:
    grants = [grant_of("sk_live_one"), grant_of("sk_live_two")]
    first, second = (setup.codes.issue(it) for it in grants)
    assert setup.use(second) is not None
    assert setup.use(first) is not None
    assert setup.issued == [grants[1], grants[0]]
    assert first != second
    assert len(first) >= 43


def test_a_code_is_good_for_a_minute(setup: Setup) -> None:
    early, late = setup.codes.issue(grant_of()), setup.codes.issue(grant_of())
    setup.clock.move(seconds=CODE_SECONDS - 1)
    assert setup.use(early) is not None
    setup.clock.move(seconds=1)
    assert setup.use(late) is None
    assert setup.ended == []


def test_a_code_whose_minute_ends_while_its_tokens_are_made_gives_them(setup: Setup) -> None:
    code = setup.codes.issue(grant_of())
    setup.clock.move(seconds=CODE_SECONDS - 1)
    setup.issue_seconds = 2
    assert setup.use(code) is not None


def test_a_code_is_good_for_its_client_alone(setup: Setup) -> None:
    """The request of another one takes nothing from it."""
    code = setup.codes.issue(grant_of())
    assert setup.use(code, is_by_client=False) is None
    assert setup.use(code) is not None
    assert setup.ended == []


@pytest.mark.parametrize(
    ("seconds", "is_by_client"), [(REPLAY_SECONDS - 1, True), (REPEAT_SECONDS, True), (0, False)]
)
def test_a_code_that_comes_again_ends_the_sign_in_that_it_gave(
    setup: Setup, seconds: float, *, is_by_client: bool
) -> None:
    """From another client at once, and from its own one later."""
    other, code = setup.codes.issue(grant_of()), setup.codes.issue(grant_of())
    setup.use(other)
    setup.use(code)
    setup.clock.move(seconds=seconds)
    assert setup.use(code, is_by_client=is_by_client) is None
    assert setup.ended == ["sign-in-2"]
    assert len(setup.issued) == 2


def test_a_client_that_sends_its_code_twice_gets_tokens_once_and_keeps_them(setup: Setup) -> None:
    """Some redirects open twice. RFC 6749 only demands to refuse the second request."""
    code = setup.codes.issue(grant_of())
    assert setup.use(code) is not None
    setup.clock.move(seconds=REPEAT_SECONDS - 1)
    assert setup.use(code) is None
    assert setup.ended == []
    assert len(setup.issued) == 1


def test_a_code_stays_good_while_nothing_can_be_kept(setup: Setup) -> None:
    code = setup.codes.issue(grant_of())
    setup.fails = True
    with pytest.raises(SignInUnavailable):
        setup.use(code)
    setup.fails = False
    assert setup.use(code) is not None
    assert setup.ended == []


def test_an_unknown_code_gives_and_ends_nothing(setup: Setup) -> None:
    setup.use(setup.codes.issue(grant_of()))
    for code in ("", "x", "\u20ac", "x" * 10_000):
        assert setup.use(code) is None
    assert setup.ended == []


def test_a_replay_counts_again_if_the_sign_in_could_not_be_ended(setup: Setup) -> None:
    code = setup.codes.issue(grant_of())
    setup.use(code)
    setup.fails = True
    with pytest.raises(SignInUnavailable):
        setup.use(code, is_by_client=False)
    setup.fails = False
    assert setup.use(code, is_by_client=False) is None
    assert setup.ended == ["sign-in-1"]


def test_no_code_and_no_used_grant_is_kept(setup: Setup) -> None:
    """Reads private state: nothing else shows what is kept."""
    code = setup.codes.issue(grant_of())
    assert code not in repr(vars(setup.codes))
    setup.use(code)
    assert len(setup.codes._grants) == 0
