"""The sign-in page, from a client's request to the code that it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.oauth_steps import answer_of, sent_back_to
from tests.support.sign_in_browser import DOCUMENT, ServedSignIn
from tests.support.sign_in_setup import PUBLIC_URL
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.grants import Access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedSignIn]:
    """The pages of a server."""
    served = ServedSignIn(tmp_path)
    yield served
    served.store.close()


async def test_a_person_signs_in_and_the_client_gets_a_code(served: ServedSignIn) -> None:
    browser = await served.opened()
    asked = await browser.type_key(access="read")
    assert "Connect" in asked.text
    connected = await browser.press("/sign-in/connect")
    assert connected.status_code == 200
    assert sent_back_to(connected).startswith("https://claude.example/callback?")
    assert answer_of(connected) == {
        "code": "code-1",
        "state": "the client's state",
        "iss": PUBLIC_URL,
    }
    (grant,) = served.grants
    assert (grant.access, grant.caller.key) == (Access.READ, SANDBOX_KEY)
    assert grant.request.client == DOCUMENT


async def test_cancel_tells_the_client_that_the_person_said_no(served: ServedSignIn) -> None:
    browser = await served.opened()
    cancelled = await browser.press("/sign-in/cancel")
    assert answer_of(cancelled) == {
        "error": "access_denied",
        "state": "the client's state",
        "iss": PUBLIC_URL,
    }
    assert not served.grants
