"""Clients that describe themselves on the web, from their document to their tokens."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.document_server import (
    HOST,
    LOOK_ALIKE,
    DocumentServer,
    document,
    json_answer,
    serving_documents,
)
from tests.support.published_documents import CHATGPT, CLAUDE, CLAUDE_CODE, VSCODE
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.oauth_steps import OAuthSteps
    from tests.support.served_sign_in import SignInFront

pytestmark = pytest.mark.slow

CANARY = "canary-7f3a"


@asynccontextmanager
async def steps_of(
    folder: Path, *, host: str = HOST, path: str = "/oauth/client.json"
) -> AsyncIterator[tuple[DocumentServer, SignInFront, OAuthSteps]]:
    """A server of documents, ours, and a client with the document at `host` and `path`."""
    async with (
        serving_documents() as server,
        signing_in(folder, documents=server.documents()) as front,
        front.steps(server.client_id(host, path)) as steps,
    ):
        yield server, front, steps


@pytest.mark.parametrize(
    ("published", "redirect_uri"),
    [
        (CLAUDE, "https://claude.ai/api/mcp/auth_callback"),
        (CHATGPT, "https://chatgpt.com/connector_platform_oauth_redirect"),
        (CLAUDE_CODE, "http://localhost:3118/callback"),
        (CLAUDE_CODE, "http://127.0.0.1:58135/callback"),
        (VSCODE, "http://127.0.0.1:33418/"),
        (VSCODE, "https://vscode.dev/redirect"),
    ],
)
async def test_known_clients_sign_in_with_what_they_publish(
    published: dict[str, Any], redirect_uri: str, tmp_path: Path
) -> None:
    async with steps_of(tmp_path) as (server, front, steps):
        server.answers[HOST] = json_answer({**published, "client_id": steps.client_id})
        steps.redirect_uri = redirect_uri

        tokens = await steps.sign_in(SANDBOX_KEY)

        assert (await steps.refresh(tokens["refresh_token"])).status_code == 200
        (sign_in,) = front.store.all()
        assert sign_in.client_name == published["client_name"]
        assert len(server.requests) == 1


async def test_a_client_that_proves_itself_all_the_same_gets_its_tokens(tmp_path: Path) -> None:
    """This server checks no such proof, and says so in its metadata."""
    async with steps_of(tmp_path) as (server, _, steps):
        server.answers[HOST] = json_answer({**CHATGPT, "client_id": steps.client_id})
        steps.redirect_uri = "https://chatgpt.com/connector_platform_oauth_redirect"
        answer = await steps.redeem(
            await steps.code(SANDBOX_KEY),
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            client_assertion="e30.e30.e30",
        )

    assert answer.status_code == 200


async def test_the_page_names_the_host_of_the_document_in_ascii(tmp_path: Path) -> None:
    async with steps_of(tmp_path, host=LOOK_ALIKE) as (_, _, steps):
        steps.redirect_uri = "https://client.example/callback"
        page = await steps.page()

    assert LOOK_ALIKE in page.text
    assert "cliént" not in page.text
    assert f"client.example, which is not {LOOK_ALIKE}" in page.text


async def test_a_redirect_address_of_another_client_leads_nowhere(tmp_path: Path) -> None:
    async with steps_of(tmp_path) as (_, _, steps):
        for other in ("https://claude.ai/api/mcp/auth_callback", "https://client.example/other"):
            answer = await steps.authorize(redirect_uri=other)

            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert other not in answer.text


async def test_a_refused_client_is_explained_to_the_person_and_nowhere_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """No word of a document gets onto the page, into the log, or back to the client."""
    caplog.set_level(logging.DEBUG, logger="trax_mcp")
    caplog.set_level(logging.DEBUG, logger="mcp")
    async with steps_of(tmp_path) as (server, _, steps):
        body = document(steps.client_id, client_secret=CANARY, client_name=CANARY)
        server.answers[HOST] = json_answer(body)
        answer = await steps.authorize()

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert f"The description of this client at {HOST} holds a secret." in answer.text
    written = capfd.readouterr()
    for place in (answer.text, str(answer.headers), caplog.text, written.out, written.err):
        assert CANARY not in place


async def test_a_client_of_a_private_network_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    """By the rule that is built in: the one that a test puts in its place is not there."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        for client_id in (
            "https://127.0.0.1/client.json",
            "https://[::1]/client.json",
            "https://169.254.169.254/latest/meta-data/",
            "https://localhost/client.json",
            "https://metadata/computeMetadata/v1/",
            f"{front.address}/client.json",
        ):
            answer = await steps.authorize(client_id=client_id)

            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert client_id not in answer.text


async def test_an_address_that_has_too_many_documents_read_is_told_when_to_go_on(
    tmp_path: Path,
) -> None:
    async with steps_of(tmp_path) as (server, _, steps):
        steps.redirect_uri = "https://client.example/callback"
        for number in range(30):
            answer = await steps.authorize(client_id=server.client_id(path=f"/{number}"))
            assert answer.status_code == 302
        refused = await steps.authorize(client_id=server.client_id(path="/30"))
        known = await steps.authorize(client_id=server.client_id(path="/29"))

    assert refused.status_code == 429
    assert 590 < int(refused.headers["retry-after"]) <= 600
    assert known.status_code == 302
