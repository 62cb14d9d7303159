"""Clients that describe themselves on the web, from their document to their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.sign_in.described_client import described_client
from tests.support.document_server import HOST, LOOK_ALIKE, document, json_answer
from tests.support.html_forms import text_of
from tests.support.published_documents import CHATGPT, CLAUDE, CLAUDE_CODE, VSCODE
from tests.world.oauth import key_form
from tests.world.sign_in import CLAUDE as CLAUDE_ID
from tests.world.sign_in import CLAUDE_CALLBACK, signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

CHATGPT_CALLBACK: Final = "https://chatgpt.com/connector_platform_oauth_redirect"
PROOF: Final = {
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": "e30.e30.e30",
}
"""A client's proof of itself. This server checks none, and says so in its metadata."""


@pytest.mark.parametrize(
    ("published", "redirect_uri"),
    [
        (CLAUDE, CLAUDE_CALLBACK),
        (CHATGPT, CHATGPT_CALLBACK),
        (CLAUDE_CODE, "http://localhost:3118/callback"),
        (VSCODE, "http://127.0.0.1:33418/"),
    ],
)
async def test_known_clients_sign_in_with_what_they_publish(
    published: dict[str, Any], redirect_uri: str, tmp_path: Path
) -> None:
    """The document is read where the person comes in, and never at the token endpoint."""
    async with described_client(tmp_path) as (server, it, steps):
        server.answers[HOST] = json_answer({**published, "client_id": steps.client_id})
        steps.redirect_uri = redirect_uri
        tokens = (await steps.redeem(await steps.code(MINE), **PROOF)).json()
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 200
        (sign_in,) = it.sign_ins()
        known = sign_in["clientName"], sign_in["clientId"]
        assert known == (published["client_name"], steps.client_id)
        assert len(server.requests) == 1


async def test_a_document_is_asked_for_by_its_exact_path_and_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uncompressed, under the name of its host, and through no proxy of the environment."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    path = "/a/~user/_-.json"
    async with described_client(tmp_path, path=path) as (server, _, steps):
        assert key_form(await steps.page())
    [request] = server.requests
    lines = request.split("\r\n")
    assert lines[0] == f"GET {path} HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (it.partition(": ") for it in lines[1:])}
    assert headers["host"] == f"{HOST}:{server.port}"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert not headers.keys() & {"cookie", "authorization", "referer", "x-forwarded-for"}
    assert server.server_names == [HOST]


async def test_each_spelling_of_json_is_read(tmp_path: Path) -> None:
    async with described_client(tmp_path) as (server, _, steps):
        for kind in ("application/json; charset=utf-8", "application/oauth-client+json"):
            path = f"/{len(kind)}"
            content = document(server.client_id(path=path))
            server.answers[f"{HOST}{path}"] = json_answer(content, headers={"Content-Type": kind})
            assert key_form(await steps.page(client_id=server.client_id(path=path)))


async def test_a_document_is_read_again_after_an_hour(tmp_path: Path) -> None:
    """One that could not be read is read at once again, so that nobody waits for its client."""
    async with described_client(tmp_path) as (server, it, steps):
        server.answers[HOST] = json_answer({}, status="503 No")
        assert (await steps.authorize()).status_code == 400
        server.answers[HOST] = json_answer(document(steps.client_id))
        for _ in range(3):
            assert key_form(await steps.page())
        assert len(server.requests) == 2
        it.hand_clock.advance(3601)
        server.answers[HOST] = json_answer(document(steps.client_id, client_name="New Name"))
        assert 'Connect "New Name" to your TRaX account' in text_of((await steps.page()).text)


async def test_a_document_that_cannot_be_read_again_counts_for_a_day(tmp_path: Path) -> None:
    """People can sign in while its host is down."""
    async with described_client(tmp_path) as (server, it, steps):
        assert key_form(await steps.page())
        server.answers[HOST] = json_answer({}, status="503 No")
        it.hand_clock.advance(86_399)
        assert key_form(await steps.page())
        assert len(server.requests) == 2
        it.hand_clock.advance(3_601)
        assert "answers with HTTP 503" in (await steps.authorize()).text


async def test_a_document_that_its_maker_has_withdrawn_counts_no_more(tmp_path: Path) -> None:
    async with described_client(tmp_path) as (server, it, steps):
        assert key_form(await steps.page())
        server.answers[HOST] = json_answer({}, status="404 Gone")
        it.hand_clock.advance(3_601)
        assert "has no description of it any more" in (await steps.authorize()).text


async def test_claude_is_known_where_its_host_turns_this_server_away(tmp_path: Path) -> None:
    """Its host has a test for browsers in place of the document, at some hosters."""
    claude_code = "https://claude.ai/oauth/claude-code-client-metadata"
    async with signing_in(tmp_path) as it, it.steps() as steps:
        for name, client_id, redirect_uri in (
            ("Claude", CLAUDE_ID, CLAUDE_CALLBACK),
            ("Claude Code", claude_code, "http://localhost:3118/callback"),
        ):
            page = await steps.page(client_id=client_id, redirect_uri=redirect_uri)
            assert f'Connect "{name}" to your TRaX account' in text_of(page.text)
            assert "Verified: this is claude.ai." in text_of(page.text)
        answer = await steps.authorize(client_id=CLAUDE_ID, redirect_uri="https://claude.ai/x")
        assert answer.status_code == 400


async def test_the_page_names_the_host_of_the_document_in_ascii(tmp_path: Path) -> None:
    """And warns of an address to go back to that is another one."""
    async with described_client(tmp_path, host=LOOK_ALIKE) as (_, _, steps):
        said = text_of((await steps.page()).text)
    assert f"Verified: this is {LOOK_ALIKE}." in said
    assert "cliént" not in said
    assert "Warning" in said
    assert f"You'll return to client.example, which isn't {LOOK_ALIKE}." in said


async def test_each_id_is_a_client_of_its_own(tmp_path: Path) -> None:
    """Ids that differ by a slash, or by the case of a letter, share nothing that is kept."""
    async with described_client(tmp_path) as (server, _, steps):
        assert key_form(await steps.page())
        server.answers[HOST] = json_answer(document(steps.client_id))
        for path in ("/oauth/client.json/", "/oauth/Client.json"):
            refused = await steps.authorize(client_id=server.client_id(path=path))
            assert refused.status_code == 400
            assert "about another app" in refused.text
