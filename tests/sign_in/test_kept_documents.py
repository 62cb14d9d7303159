"""How long a client's document counts, and which clients are known without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import pytest

from tests.support.document_server import (
    HOST,
    PERSON,
    DocumentServer,
    document,
    json_answer,
    refusal,
)
from tests.support.product.still_clock import StillClock
from trax_mcp.sign_in import client_documents
from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.client_documents import STALE_SECONDS, ClientDocuments
from trax_mcp.sign_in.document_fetch import Withdrawn
from trax_mcp.sign_in.redirect_uris import is_loopback_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

CLAUDE: Final = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CLAUDE_CODE: Final = "https://claude.ai/oauth/claude-code-client-metadata"


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", 300),
        ("no-store", 300),
        ("max-age=0", 300),
        ("public, max-age=1000", 1000),
        ("Max-Age=1000", 1000),
        ("max-age=999999999", 3600),
        ("max-age=99999999999999999999", 3600),
        ("max-age=-1", 300),
    ],
)
async def test_a_document_is_read_again_after_the_time_that_it_names_within_bounds(
    server: DocumentServer, cache_control: str, seconds: int
) -> None:
    server.answers[HOST] = json_answer(
        document(server.client_id()), headers={"Cache-Control": cache_control}
    )
    clock = StillClock()
    documents = server.documents(clock)
    await documents.find(server.client_id(), PERSON)

    clock.at += seconds - 1
    await documents.find(server.client_id(), PERSON)
    assert len(server.requests) == 1

    clock.at += 1
    changed = document(server.client_id(), client_name="New Name")
    server.answers[HOST] = json_answer(changed)
    assert (await documents.find(server.client_id(), PERSON)).name == "New Name"


async def test_a_document_that_cannot_be_read_again_counts_for_a_day(
    server: DocumentServer,
) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    read_at = clock.at
    client = await documents.find(server.client_id(), PERSON)

    server.answers[HOST] = json_answer({}, status="503 No")
    clock.at += 300
    assert await documents.find(server.client_id(), PERSON) == client
    assert await documents.find(server.client_id(), PERSON) == client
    assert len(server.requests) == 2, "for a minute, nobody waits for a host that is down"
    while clock.at < read_at + STALE_SECONDS - 3600:
        clock.at += 3600
        assert await documents.find(server.client_id(), PERSON) == client

    clock.at = read_at + STALE_SECONDS
    await refusal(documents, server.client_id())


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({}, status="404 Not Found"),
        json_answer({}, status="410 Gone"),
        json_answer({}),
        json_answer(document("https://other.example/client.json")),
    ],
)
async def test_a_document_that_was_withdrawn_counts_no_more(
    server: DocumentServer, answer: bytes
) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    await documents.find(server.client_id(), PERSON)
    clock.at += 3600

    server.answers[HOST] = answer
    await refusal(documents, server.client_id())
    server.answers[HOST] = json_answer({}, status="503 No")
    await refusal(documents, server.client_id())


async def test_claude_is_known_where_its_host_turns_this_server_away() -> None:
    """Its document has another port here, so the read fails as it does behind such a host."""

    async def resolve(_host: str) -> Sequence[str]:
        return ("127.0.0.2",)

    documents = ClientDocuments(StillClock(), resolve=resolve, is_public=bool)

    claude, claude_code = [await documents.find(it, PERSON) for it in (CLAUDE, CLAUDE_CODE)]

    assert (claude.name, claude_code.name) == ("Claude", "Claude Code")
    assert claude.redirect_uris == ("https://claude.ai/api/mcp/auth_callback",)
    assert [claude.host, claude_code.host] == ["claude.ai", "claude.ai"]
    for redirect_uri in claude_code.redirect_uris:
        assert is_loopback_uri(redirect_uri)


async def test_a_known_client_counts_no_more_once_its_document_is_withdrawn() -> None:
    async def fetch(*_arguments: object, **_options: object) -> tuple[bytes, str]:
        raise Withdrawn

    with patch.object(client_documents, "fetch_document", fetch):
        await refusal(ClientDocuments(StillClock()), CLAUDE)


async def test_the_document_of_a_known_client_counts_if_it_can_be_read() -> None:
    async def fetch(*_arguments: object, **_options: object) -> tuple[bytes, str]:
        return json.dumps(document(CLAUDE, client_name="Claude of today")).encode(), ""

    with patch.object(client_documents, "fetch_document", fetch):
        found = await ClientDocuments(StillClock()).find(CLAUDE, PERSON)

    assert found.name == "Claude of today"


async def test_a_failed_read_of_a_document_is_not_kept(server: DocumentServer) -> None:
    documents = server.documents(StillClock())
    server.answers[HOST] = json_answer({}, status="503 No")
    await refusal(documents, server.client_id())

    del server.answers[HOST]
    await documents.find(server.client_id(), PERSON)


async def test_a_limit_does_not_end_a_client_that_is_known(server: DocumentServer) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    client = await documents.find(server.client_id(), PERSON)
    clock.at += 300
    for number in range(29):
        await documents.find(server.client_id(path=f"/{number}"), PERSON)

    assert await documents.find(server.client_id(), PERSON) == client
    clock.at += 60
    with pytest.raises(TooManyAttempts):
        await documents.find(server.client_id(path="/new"), PERSON)
    assert await documents.find(server.client_id(), PERSON) == client


async def test_each_id_is_a_client_of_its_own(server: DocumentServer) -> None:
    """Ids that differ by a slash, or by the case of a letter, share nothing that is kept."""
    documents = server.documents()
    ids = [server.client_id(path=path) for path in ("/client", "/client/", "/Client", "/clien%74")]

    found = [await documents.find(client_id, PERSON) for client_id in ids]

    assert [it.id for it in found] == ids
    assert len(server.requests) == 4


async def test_the_same_document_under_another_id_is_refused(server: DocumentServer) -> None:
    server.answers[HOST] = json_answer(document(server.client_id()))
    documents = server.documents()
    await documents.find(server.client_id(), PERSON)

    for path in ("/oauth/client.json/", "/oauth/Client.json", "/oauth/client%2ejson"):
        assert "another client" in await refusal(documents, server.client_id(path=path))
