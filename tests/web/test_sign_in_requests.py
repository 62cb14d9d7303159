"""Which requests the sign-in page refuses, and what it tells browsers that they may do."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.html_forms import text_of
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.sign_in_browser import ServedSignIn, SignInBrowser
from tests.support.sign_in_setup import PUBLIC_URL
from trax_mcp.web.sign_in_screens import Site

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

FOREIGN: Final = "Only the sign-in page itself can do this"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", PUBLIC_URL + ".evil.example"]
)
async def test_a_form_of_another_page_is_refused(served: ServedSignIn, origin: str) -> None:
    browser = await served.opened()
    browser.origin = origin
    refused = await browser.type_key()
    assert refused.status_code == 403
    assert FOREIGN in text_of(refused.text)
    assert not served.sandbox.requests
    browser.origin = PUBLIC_URL
    await browser.open(str(_path_of(served)))
    await browser.type_key()
    shown = browser.page
    for action in ("connect", "cancel", "another-key"):
        browser.origin, browser.page = origin, shown
        assert (await browser.press(f"/sign-in/{action}")).status_code == 403
    assert not served.grants
    assert served.only().ending is None
    assert served.only().accepted is not None


@pytest.mark.parametrize("token", ["", "another"])
async def test_a_form_without_its_token_is_refused(served: ServedSignIn, token: str) -> None:
    browser = await served.opened()
    refused = await browser.type_key(token=token)
    assert refused.status_code == 403
    assert FOREIGN in text_of(refused.text)
    assert not served.sandbox.requests


async def test_cookie_and_token_are_compared_in_constant_time(
    served: ServedSignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the time of an answer does not tell how much of a guess is right."""
    browser = await served.opened()
    compared: list[bytes] = []

    def compare(given: bytes, secret: bytes) -> bool:
        compared.append(secret)
        return given == secret

    monkeypatch.setattr(secrets, "compare_digest", compare)
    await browser.type_key()
    found = served.only()
    assert {found.browser.encode(), found.form_token.encode()} <= set(compared)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"request=a&request=b", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % it for it in range(50)), "application/x-www-form-urlencoded"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b'{"request": "a"}', "application/json"),
        (b"request=a", "text/plain"),
        (b"", ""),
    ],
    ids=["twice", "many fields", "not ASCII", "JSON", "plain text", "nothing"],
)
@pytest.mark.parametrize("path", ["", "/connect", "/cancel", "/another-key"])
async def test_a_body_that_is_no_form_of_ours_is_refused(
    served: ServedSignIn, body: bytes, kind: str, path: str
) -> None:
    browser = await served.opened()
    headers = {"Origin": PUBLIC_URL, "Content-Type": kind}
    refused = await browser.http.post(f"/sign-in{path}", content=body, headers=headers)
    assert refused.status_code == 403
    assert FOREIGN in text_of(refused.text)
    assert served.only().ending is None


async def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(
    served: ServedSignIn, tmp_path: Path
) -> None:
    browser = await served.opened()
    cookie = browser.page.headers["set-cookie"]
    assert cookie.startswith("__Host-trax_sign_in=")
    parts = {it.strip().lower() for it in cookie.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"}
    local = ServedSignIn(tmp_path, site=Site(public_url="http://127.0.0.1:8765"))
    cookie = (await local.opened()).page.headers["set-cookie"]
    local.store.close()
    assert cookie.startswith("trax_sign_in=")
    assert "secure" not in cookie.lower()


@pytest.mark.parametrize("value", ["", "short", "x" * 44, "<b>" + "x" * 40])
async def test_a_cookie_that_is_not_ours_is_replaced(served: ServedSignIn, value: str) -> None:
    browser = SignInBrowser(served)
    path = served.asked()
    page = await browser.http.get(path, headers={"Cookie": f"__Host-trax_sign_in={value}"})
    assert f"={value};" not in page.headers["set-cookie"]
    assert len(served.only().browser) == 43


async def test_every_page_tells_the_browser_what_it_may_do(served: ServedSignIn) -> None:
    browser = await served.opened()
    pages = [browser.page, await browser.type_key(REVOKED_KEY), await browser.type_key()]
    pages += [await browser.press("/sign-in/connect"), await browser.open("/sign-in")]
    pages += [await browser.open(f"/sign-in/{it}.css") for it in ("page", "approval", "sign_in")]
    pages += [await browser.open("/sign-in/sessions")]
    assert [it.status_code for it in pages] == [200, 403, 200, 200, 410, 200, 200, 200, 200]
    for page in pages:
        _assert_safe(page)


def _assert_safe(page: httpx.Response) -> None:
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin", "with no-referrer, Origin is null"
    assert "cross-origin-opener-policy" not in page.headers, "it would cut off a client's window"
    assert "<script" not in page.text


def _path_of(served: ServedSignIn) -> str:
    (request_id,) = served.pending
    return f"/sign-in?request={request_id}"
