"""`trax-mcp sign-in`: the operator sees who is signed in, and ends it while the server serves."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.hosted_process import FILE
from tests.support.product.commands import Outcome, run_command
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY
from tests.support.product.sign_in import sign_in_command
from tests.world.sign_in import registered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.sign_in import SignInWorld

HOSTILE: Final = 'Nice\u202e" [bold red]\x1b[31m\nx'
TO_END: Final = ". To end one:\ntrax-mcp sign-in revoke ID\n"
UNKNOWN: Final = "One id is not of a sign-in: trax-mcp sign-in list shows them.\n"
REVOKED: Final = 'Revoked: "The tests" (127.0.0.1).\n'


class Serving:
    """A server at which Anna and Ben have signed in, and its operator's command."""

    def __init__(self, world: SignInWorld, anna: dict[str, Any], ben: dict[str, Any]) -> None:
        self.world, self.anna, self.ben = world, anna, ben

    def run(self, *arguments: str) -> Outcome:
        """Run the command, which shows no key and no token."""
        done = sign_in_command(self.world.product, *arguments)
        secrets = [SANDBOX_KEY, MODERATOR_KEY]
        secrets += [it[f"{kind}_token"] for it in (self.anna, self.ben) for kind in TOKENS]
        assert [it for it in secrets if it in done.out + done.err] == []
        return done

    async def statuses(self) -> list[int]:
        """The status of a call of each."""
        return [await self.world.status_of(it) for it in (self.anna, self.ben)]


TOKENS: Final = ("access", "refresh")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Serving]:
    """Ben may only look, and signs in a second later."""
    async with registered(folder) as (world, steps), world.steps(steps.client_id) as others:
        anna = await steps.sign_in(SANDBOX_KEY)
        world.hand_clock.advance(1)
        ben = await others.sign_in(MODERATOR_KEY, access="read")
        yield Serving(world, anna, ben)


async def test_the_list_says_who_is_signed_in_and_what_they_may_do(tmp_path: Path) -> None:
    """In lines that fit a terminal, the last used first, and as JSON with whole values."""
    async with serving(tmp_path) as it:
        listed, (ben, anna) = it.run("list"), it.world.sign_ins()
    expected = ""
    for signed_in, may in ((ben, "look only"), (anna, "run shows")):
        since, used = (signed_in[name] for name in ("created", "lastUsed"))
        expected += (
            f'{signed_in["id"]}  "The tests" (127.0.0.1): {may}\n'
            f"{' ' * 18}person {signed_in['person'][:8]}, since {since[:10]},"
            f" used {used[:10]} {used[11:16]} UTC\n"
        )
    assert listed == Outcome(0, f"{expected}\n2 sign-ins{TO_END}", "")
    assert max(map(len, listed.out.splitlines())) <= 80
    assert (ben["access"], ben["clientName"], ben["redirectHost"]) == (
        "read",
        "The tests",
        "127.0.0.1",
    )
    assert anna["person"] != ben["person"]


async def test_a_hostile_name_of_a_client_stays_text_on_a_terminal(tmp_path: Path) -> None:
    """It can neither colour nor turn around what the operator reads."""
    async with registered(tmp_path) as (world, steps):
        await steps.register(client_name=HOSTILE)
        await steps.sign_in(SANDBOX_KEY)
        output = sign_in_command(world.product, "list").out
    flowing = re.sub(r"\n +", " ", output)
    assert '"Nice\ufffd\\u0022 [bold red]\ufffd[31m x" (127.0.0.1): run shows' in flowing


async def test_a_revoked_client_is_out_at_once_while_the_server_serves(tmp_path: Path) -> None:
    """Others stay."""
    async with serving(tmp_path) as it:
        assert await it.statuses() == [200, 200]
        anna = next(one for one in it.world.sign_ins() if one["access"] == "run")
        assert it.run("revoke", anna["id"]) == Outcome(0, REVOKED, "")
        assert await it.statuses() == [401, 200]
        async with it.world.steps(anna["clientId"]) as steps:
            assert (await steps.refresh(it.anna["refresh_token"])).status_code == 400


async def test_an_unknown_id_revokes_nothing_and_is_not_repeated(tmp_path: Path) -> None:
    """Somebody may have given a token. The known ones among several are revoked."""
    async with serving(tmp_path) as it:
        assert it.run("revoke", it.anna["access_token"]) == Outcome(1, UNKNOWN, "")
        assert await it.statuses() == [200, 200]
        ben = next(one for one in it.world.sign_ins() if one["access"] == "read")
        assert it.run("revoke", "x", ben["id"]) == Outcome(1, f"{REVOKED}{UNKNOWN}", "")
        assert await it.statuses() == [200, 401]


@pytest.mark.parametrize(
    "step", ["list x", "list --all", "revoke --json", "revoke", "revoke x --all"]
)
def test_what_a_step_does_not_take_is_refused(step: str) -> None:
    """Nobody thinks that a list has revoked something, and nothing is guessed."""
    done = run_command("sign-in", *step.split())
    assert (done.code, done.out) == (2, "")


def test_a_list_without_a_file_says_that_there_is_none(tmp_path: Path) -> None:
    """The path is named, since the settings of the operator may differ from the server's."""
    file = tmp_path / "sign-in.sqlite"
    done = run_command("sign-in", "list", settings={"TRAX_SIGN_IN_FILE": str(file)})
    assert done.code == 0
    assert "".join(done.out.split()) == (
        f"Thereisnofile{file},sonobodyhassignedinwiththesesettings.Iftheserverhasothers,set"
        "TRAX_SIGN_IN_FILEasitdoes."
    )
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_others_can_open_is_refused_by_the_command_too(tmp_path: Path) -> None:
    """With the same sentence as at the start of a server."""
    async with registered(tmp_path) as (world, _):
        (world.folder / FILE).chmod(0o644)
        done = sign_in_command(world.product, "list")
    assert done == Outcome(
        1,
        "",
        "trax-mcp: TRAX_SIGN_IN_FILE names a file that others can open. Run chmod 600 on it.\n",
    )
