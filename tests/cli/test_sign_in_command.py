"""`trax-mcp sign-in`: the operator sees who is signed in, and ends it while the server serves."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.sign_in_setup import (
    CLIENT,
    FILE,
    KEY,
    OTHER_KEY,
    grant_of,
    key_of,
    store_in,
)
from trax_mcp.cli import main
from trax_mcp.clock import Clock, iso
from trax_mcp.sign_in.grants import Access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trax_mcp.sign_in.store import SignInStore

HOSTILE: Final = replace(CLIENT, name='Nice\u202e" [bold red]\x1b[31m\nx', host=None)
TO_END: Final = ". To end one:\ntrax-mcp sign-in revoke ID\n"


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignInStore]:
    """The store of a server that runs, with the settings of its operator."""
    monkeypatch.setenv("TRAX_SIGN_IN_FILE", str(tmp_path / FILE))
    with closing(store_in(tmp_path, Clock())) as store:
        yield store


def run(*arguments: str) -> object:
    """Run the command, and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["sign-in", *arguments])
    return caught.value.code


def test_the_list_says_who_is_signed_in_and_what_they_may_do(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """In lines that fit a terminal. The same person is told by the same name."""
    anna = serving.issue(grant_of())
    ben = serving.issue(grant_of(OTHER_KEY, access=Access.READ))
    assert run("list") == 0
    output = capsys.readouterr()
    by_id = {it.id: it for it in serving.all()}
    for tokens, may in ((anna, "run shows"), (ben, "look only")):
        it = by_id[tokens.sign_in_id]
        assert (
            f'{it.id}  "Example Client" (client.example): {may}\n'
            f"{' ' * 18}person {it.person[:8]}, since {it.created:%Y-%m-%d}, used"
            f" {it.last_used:%Y-%m-%d %H:%M} UTC\n"
        ) in output.out
    assert output.out.endswith(f"\n\n2 sign-ins{TO_END}")
    assert output.err == ""
    assert max(map(len, output.out.splitlines())) <= 80


def test_the_list_is_also_json(serving: SignInStore, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs, with whole values."""
    tokens = serving.issue(grant_of(access=Access.READ))
    assert run("list", "--json") == 0
    (it,) = serving.all()
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": tokens.sign_in_id,
            "person": it.person,
            "clientId": CLIENT.id,
            "clientName": "Example Client",
            "redirectHost": "client.example",
            "access": "read",
            "created": iso(it.created),
            "lastUsed": iso(it.last_used),
        }
    ]


def test_the_list_shows_no_key_and_no_token(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """In neither form."""
    tokens = serving.issue(grant_of())
    for arguments in (["list"], ["list", "--json"]):
        run(*arguments)
        output = capsys.readouterr()
        for secret in (KEY, tokens.access_token, tokens.refresh_token):
            assert secret not in output.out + output.err


def test_a_hostile_name_of_a_client_stays_text_on_a_terminal(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can neither colour nor turn around what the operator reads."""
    serving.issue(grant_of(client=HOSTILE))
    run("list")
    output = capsys.readouterr().out
    assert r'"Nice\u202e\u0022 [bold red]\u001b[31m\u000ax" (client.example): run shows' in (
        re.sub(r"\n +", " ", output)
    )
    assert "\x1b" not in output


def test_a_revoked_client_is_out_at_once_while_the_server_serves(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others stay."""
    anna, ben = serving.issue(grant_of()), serving.issue(grant_of(OTHER_KEY))
    assert run("revoke", anna.sign_in_id) == 0
    assert capsys.readouterr().out == 'Revoked: "Example Client" (client.example).\n'
    assert serving.find(anna.access_token) is None
    assert serving.refresh(anna.refresh_token, client_id=CLIENT.id) is None
    assert key_of(serving, ben.access_token) == OTHER_KEY


def test_everybody_can_be_revoked_after_a_theft(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one command."""
    pairs = [serving.issue(grant_of(it)) for it in (KEY, OTHER_KEY)]
    assert run("revoke", "--all") == 0
    assert capsys.readouterr().out.count("Revoked: ") == 2
    assert [serving.find(it.access_token) for it in pairs] == [None, None]
    assert run("revoke", "--all") == 0
    assert capsys.readouterr().out == "Nobody is signed in.\n"


def test_an_unknown_id_revokes_nothing_and_is_not_repeated(
    serving: SignInStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may have given a token. The known ones among several are revoked."""
    anna, ben = serving.issue(grant_of()), serving.issue(grant_of(OTHER_KEY))
    assert run("revoke", anna.access_token) == 1
    unknown = "One id is not of a sign-in: trax-mcp sign-in list shows them.\n"
    assert capsys.readouterr().out == unknown
    assert run("revoke", "x", ben.sign_in_id) == 1
    output = capsys.readouterr().out
    assert output == f'Revoked: "Example Client" (client.example).\n{unknown}'
    assert key_of(serving, anna.access_token) == KEY
    assert serving.find(ben.access_token) is None


@pytest.mark.parametrize("arguments", [[], ["x", "--all"]])
def test_either_ids_or_all_are_revoked(
    serving: SignInStore, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Nothing is guessed."""
    tokens = serving.issue(grant_of())
    assert run("revoke", *arguments) == 2
    assert capsys.readouterr().err == "trax-mcp: give ids, or --all.\n"
    assert key_of(serving, tokens.access_token) == KEY


def test_without_a_file_nobody_is_signed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path is named, since the settings of the operator may differ from the server's."""
    monkeypatch.setenv("TRAX_SIGN_IN_FILE", str(tmp_path / FILE))
    assert run("list") == 0
    output = "".join(capsys.readouterr().out.split())
    assert output == f"Nobodyissignedin.Thiswasreadfrom{tmp_path / FILE}."
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_others_can_open_is_refused_by_the_command_too(
    serving: SignInStore, tmp_path: Path
) -> None:
    """With the same sentence as at the start of a server."""
    serving.issue(grant_of())
    (tmp_path / FILE).chmod(0o644)
    assert run("list") == (
        "trax-mcp: TRAX_SIGN_IN_FILE names a file that others can open. Run chmod 600 on it."
    )
