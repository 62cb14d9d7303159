"""Authorization codes: good for a minute and once, and a replay ends what was given."""

from __future__ import annotations

import pytest

from tests.support.sign_in_setup import WallClock, grant_of
from trax_mcp.sign_in.codes import CODE_SECONDS, REPLAY_SECONDS, Codes
from trax_mcp.sign_in.grants import Access, Grant, SignInUnavailable, Tokens


class Setup:
    """Codes on a clock that a test moves. `issue` gives tokens, and `ended` is what was revoked."""

    def __init__(self) -> None:
        self.clock = WallClock()
        self.ended: list[str] = []
        self.issued: list[Grant] = []
        self.codes = Codes(self.clock, self.ended.append)

    def issue(self, grant: Grant) -> Tokens:
        """Tokens of a new sign-in."""
        self.issued.append(grant)
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
    assert setup.codes.find(second) is grants[1]
    assert setup.codes.use(first, setup.issue) is not None
    assert setup.issued == [grants[0]]
    assert first != second
    assert len(first) >= 43


def test_a_code_is_good_for_a_minute(setup: Setup) -> None:
    code = setup.codes.issue(grant_of())
    setup.clock.move(seconds=CODE_SECONDS - 1)
    assert setup.codes.find(code) is not None
    setup.clock.move(seconds=1)
    assert setup.codes.find(code) is None
    assert setup.codes.use(code, setup.issue) is None
    assert setup.ended == []


@pytest.mark.parametrize("replayed", ["find", "use"])
def test_a_code_that_comes_again_ends_the_sign_in_that_it_gave(setup: Setup, replayed: str) -> None:
    other, code = setup.codes.issue(grant_of()), setup.codes.issue(grant_of())
    setup.codes.use(other, setup.issue)
    setup.codes.use(code, setup.issue)
    setup.clock.move(seconds=REPLAY_SECONDS - 1)
    again = setup.codes.find(code) if replayed == "find" else setup.codes.use(code, setup.issue)
    assert again is None
    assert setup.ended == ["sign-in-2"]
    assert len(setup.issued) == 2


def test_a_code_stays_good_while_nothing_can_be_kept(setup: Setup) -> None:
    def fail(_grant: Grant) -> Tokens:
        raise SignInUnavailable("Not now.")

    code = setup.codes.issue(grant_of())
    with pytest.raises(SignInUnavailable):
        setup.codes.use(code, fail)
    assert setup.codes.use(code, setup.issue) is not None
    assert setup.ended == []


def test_an_unknown_code_gives_and_ends_nothing(setup: Setup) -> None:
    setup.codes.use(setup.codes.issue(grant_of()), setup.issue)
    for code in ("", "x", "\u20ac", "x" * 10_000):
        assert setup.codes.find(code) is None
        assert setup.codes.use(code, setup.issue) is None
    assert setup.ended == []


def test_a_replay_counts_again_if_the_sign_in_could_not_be_ended() -> None:
    failures = [SignInUnavailable("Not now.")]
    ended: list[str] = []

    def revoke(sign_in_id: str) -> None:
        if failures:
            raise failures.pop()
        ended.append(sign_in_id)

    setup = Setup()
    codes = Codes(setup.clock, revoke)
    code = codes.issue(grant_of())
    codes.use(code, setup.issue)
    with pytest.raises(SignInUnavailable):
        codes.find(code)
    assert codes.find(code) is None
    assert ended == ["sign-in-1"]


def test_no_code_and_no_used_grant_is_kept(setup: Setup) -> None:
    """Reads private state: nothing else shows what is kept."""
    code = setup.codes.issue(grant_of())
    assert code not in repr(vars(setup.codes))
    setup.codes.use(code, setup.issue)
    assert len(setup.codes._grants) == 0
