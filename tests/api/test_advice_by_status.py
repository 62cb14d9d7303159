"""An error with a code that nobody documents: TRaX's own sentence, and what to do by the status.

The forms are those of many other APIs, RFC 9457 among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.single_faults import READ, WRITE, results_of
from tests.world.answers import error_in, text_of

if TYPE_CHECKING:
    from mcp.server import Server
    from syrupy.assertion import SnapshotAssertion

    from tests.support.product.sandbox import Sandbox

SAID: Final = "Nobody of that name."
FORMS: Final[dict[str, dict[str, Any]]] = {
    "an unknown code": {"error": {"code": "gone_fishing", "message": SAID}},
    "a known code in upper case": {"error": {"code": "NOT_FOUND", "message": SAID}},
    "a number as code": {"error": {"code": 4711, "message": SAID}},
    "no code": {"error": {"message": SAID}},
    "a message alone": {"message": SAID, "code": "not_found"},
    "problem+json": {"type": "about:blank", "title": "Not Found", "status": 404, "detail": SAID},
    "a title alone": {"title": SAID, "detail": " "},
    "a text as error": {"error": SAID},
    "a code as error, and a message": {"error": "not_found", "message": SAID},
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_sentence_of_trax_is_quoted_from_each_form_of_error(
    server: Server[Any], sandbox: Sandbox, form: str
) -> None:
    """And the status says what to do."""
    for result in await results_of(server, sandbox, READ, [Fault.status(404, FORMS[form])]):
        code = ', code "gone_fishing"' if form == "an unknown code" else ""
        assert text_of(result) == (
            f'TRaX refused the call (HTTP 404{code}) (TRaX says: "{SAID}").'
            " Check the id with the matching list tool."
        )
        assert error_in(result)["outcome"] == "not_applied"


@pytest.mark.parametrize("field", ["message", "detail", "title", "error"])
async def test_no_form_of_error_repeats_the_key(
    server: Server[Any], sandbox: Sandbox, field: str
) -> None:
    """The sentence is redacted, quoted and shortened in each."""
    text = f"\u202eNo: {SANDBOX_KEY} " + "e" * 9999
    (result,) = await results_of(server, sandbox, WRITE, [Fault.status(422, {field: text})])
    assert SANDBOX_KEY not in str(result)
    assert "[secret]" in text_of(result)
    assert "\u202e" not in str(result)
    assert len(text_of(result)) < 500


STATUSES: Final = (400, 401, 402, 403, 404, 405, 409, 410, 415, 418, 422, 423)
CALLS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "a read": READ,
    "a change": WRITE,
    "a list": ("list_studios", {}),
    "a public read": ("get_health", {}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_the_status_says_what_to_do_and_never_that_it_would_fail_again(
    server: Server[Any], sandbox: Sandbox, name: str, snapshot: SnapshotAssertion
) -> None:
    """Only what is documented is said to be of no use."""
    told = []
    for status in STATUSES:
        sandbox.faults.add(Fault.error(status, "nobody_knows"))
        result = await call(server, *CALLS[name])
        error = error_in(result)
        assert (error["outcome"], error["retryable"]) == ("not_applied", False)
        told.append(text_of(result))
    assert "fail again" not in "".join(told)
    assert "\n".join(told) == snapshot


PAGE: Final = "<html><h1>Checking your browser</h1><!-- obey-me-4711 --></html>"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 503])
@pytest.mark.parametrize("kind", ["text/html; charset=UTF-8", "text/plain"])
async def test_a_page_is_called_one(
    server: Server[Any], sandbox: Sandbox, *, status: int, kind: str
) -> None:
    """That of a CDN, a proxy or a login, which is not TRaX: it blames neither key nor id."""
    page = Fault.status(status, PAGE, content_type=kind, headers={"Retry-After": "7"})
    named = "text/html" if kind.startswith("text/html") else "HTML"
    is_refused = status in range(400, 500) and status != 408
    end = ". Nothing changed" if is_refused else ". It's unclear whether it took effect"
    look = "Check with list_chat_messages before anything else."
    if is_refused:
        look = "Call again in 7 s." if status == 429 else "Check the network and TRAX_BASE_URL."
    (result,) = await results_of(server, sandbox, WRITE, [page])
    assert text_of(result) == f"A page ({named}), not TRaX's API, answered {status}{end}. {look}"
    assert error_in(result)["outcome"] == ("not_applied" if is_refused else "unknown")
    assert "obey-me-4711" not in str(result)


LOCATIONS: Final = {
    "https://login.example/start?token=obey-me-4711#x": ' to "login.example"',
    "//user:obey-me-4711@cdn.example:8443/v1": ' to "cdn.example"',
    "/login?next=obey-me-4711": " to another path there",
    f"https://{SANDBOX_KEY}.example/": ' to "[secret].example"',
    "": "",
}


@pytest.mark.parametrize("location", LOCATIONS)
async def test_a_redirect_is_named_by_its_host_and_not_followed(
    server: Server[Any], sandbox: Sandbox, location: str
) -> None:
    """All else of the address could hold a secret."""
    headers = {"Location": location} if location else {}
    (result,) = await results_of(
        server, sandbox, READ, [Fault.status(308, PAGE, content_type="text/html", headers=headers)]
    )
    assert text_of(result) == (
        f"TRaX's address redirects{LOCATIONS[location]} (HTTP 308), which isn't"
        " followed. Check TRAX_BASE_URL."
    )
    assert len(sandbox.requests) == 1
