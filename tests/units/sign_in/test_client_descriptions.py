"""How a client may describe itself, under which id, and at which address."""

from __future__ import annotations

import hashlib
import json
from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.document_server import document
from tests.support.published_documents import PUBLISHED
from trax_mcp.sign_in.client_descriptions import (
    DOCUMENT_HOSTS,
    ClientRefused,
    OAuthClient,
    OAuthError,
    check_document_id,
    read_document,
    read_registered_id,
    registered_client,
)

ID = "https://client.example/oauth/client.json"
CANARY = "canary-7f3a"


def read(value: object, client_id: str = ID) -> OAuthClient:
    return read_document(json.dumps(value).encode(), client_id)


def refusal(body: bytes, client_id: str = ID) -> str:
    """What a person reads when a document is refused."""
    with pytest.raises(ClientRefused) as refused:
        read_document(body, client_id)
    sentence = str(refused.value)
    assert CANARY not in sentence
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "Nothing was allowed." in sentence
    return sentence


def changed(**members: object) -> bytes:
    return json.dumps(document(ID, **members)).encode()


def test_the_documents_of_known_clients_are_read() -> None:
    """As these clients publish them, but for the id, which is that of another host here."""
    for known in PUBLISHED:
        client = read({**known, "client_id": ID})
        assert client.name == known["client_name"]
        assert list(client.redirect_uris) == known["redirect_uris"]
        assert client.host == "client.example"


IDS: Final = """
https://claude.ai/oauth/mcp-oauth-client-metadata
https://chatgpt.com/oauth/client.json https://chatgpt.com/oauth/codex/BQgHKJnC/client.json
https://vscode.dev/oauth/client-metadata.json https://github.com/copilot/cli/client-metadata.json
https://xn--bcher-kva.example/client.json https://client.example/
https://client.example:8443/client.json https://client.example/a..b/...
"""
HOSTS: Final = (*DOCUMENT_HOSTS, "xn--bcher-kva.example", "client.example", "client.example:8443/")
NO_IDS: Final = """
client.example/client.json http://client.example/client.json https://
HTTPS://client.example/client.json https:///client.json https:client.example/client.json
https:/client.example/client.json https://client.example https://Client.example/client.json
https://client_a.example/client.json https://[::1]/client.json
https://user@client.example/client.json https://user:password@client.example/client.json
https://client.example#@127.0.0.1/client.json https://client.example:/client.json
https://client.example:8443x/client.json https://client.example:443:443/client.json
https://client.example/client.json?to=evil https://client.example/client.json#
https://client.example/client.json? https://client.example/a/./client.json
https://client.example/a/.. https://client.example/a/%2e%2E/client.json
https://client.example/a%2fb https://client.example/a% https://client.example/a@b
"""
ODD_IDS: Final = (
    *("", " https://client.example/a", "https://client.example/a b", "https://client.example/a\n"),
    *("https://client.example/a\\b", "https://client.example\\@127.0.0.1/client.json"),
    "https://client.example/a\r\nHost: 127.0.0.1",
    *("https://client.example/\u00e4", "https://cl\u0456ent.example/client.json"),
    *("https://client\u3002example/client.json", "https://client.example\u2024/client.json"),
    *("https://client.example/\u202egnp", "https://client.example/\x00"),
    "https://client.example/" + "x" * 600,
)
ELSEWHERE: Final = """
https://other.example/client.json https://client.example.evil.example/client.json
https://a.client.example/client.json https://client.example./client.json
https://client.example:443/client.json https://client.example:84430/client.json
https://127.0.0.1/client.json https://127.1/client.json https://0x7f000001/client.json
https://claude.ai/ https://claude.ai/public/client.json https://claude.ai/oauthx/client.json
https://github.com/copilot/cli/client-metadata.jsonx https://github.com/copilot/cli/other.json
"""


def test_the_address_of_a_document_on_a_host_of_the_list_is_an_id() -> None:
    for client_id in IDS.split():
        check_document_id(client_id, HOSTS)


def test_another_id_is_refused_before_anything_is_read() -> None:
    for client_id in (*NO_IDS.split(), *ODD_IDS):
        with pytest.raises(ClientRefused, match=r"Nothing was allowed\. Only the maker") as refused:
            check_document_id(client_id, HOSTS)
        assert client_id.removeprefix("https://") == "" or client_id not in str(refused.value)


def test_an_id_on_another_host_or_path_says_who_can_allow_it() -> None:
    for client_id in ELSEWHERE.split():
        with pytest.raises(ClientRefused, match="Its operator can add that host") as refused:
            check_document_id(client_id, HOSTS)
        assert str(urlsplit(client_id).hostname) in str(refused.value)


def demanding(method: str, supported: list[str] | None) -> bytes:
    """A document of a client that wants to be checked so."""
    return changed(
        token_endpoint_auth_method=method, token_endpoint_auth_methods_supported=supported
    )


NOT_VALID: Final[dict[str, tuple[object, ...]]] = {
    "client_id": (["https://client.example/oauth/client.json"], None),
    "client_name": (["canary-7f3a"], 7),
    "redirect_uris": (
        "https://client.example/callback",
        {"https://client.example/callback": 1},
        [],
        None,
        ["https://client.example/callback", 7],
        ["https://client.example/callback", None],
        ["https://client.example/a"] * 101,
    ),
    "grant_types": ("authorization_code",),
    "token_endpoint_auth_method": (True,),
    "token_endpoint_auth_methods_supported": ({"none": 1},),
}
REFUSED: Final[dict[str, tuple[bytes, ...]]] = {
    "isn't valid": (
        *(b"", b" ", b"null", b"[]", b'"canary-7f3a"', b"1", b"{}", b"<html>canary-7f3a</html>"),
        *(b"\xff\xfe{}", b"\xef\xbb\xbf" + changed(), changed() + changed(), changed()[:-1]),
        changed().replace(b"Example", b"\xc3\x28"),
        changed().replace(b"Example", b"\x00"),
        changed(client_name=1.5).replace(b"1.5", b"NaN"),
        *(b"[" * 5000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"client_id": ' + b"1" * 5000 + b"}"),
        *(changed(**{name: it}) for name, values in NOT_VALID.items() for it in values),
    ),
    "about another app": tuple(
        changed(client_id=it)
        for it in (
            "https://client.example/oauth/client.json/",
            "https://client.example/oauth/Client.json",
            "https://client.example:443/oauth/client.json",
            "https://client.example/oauth/client%2Ejson",
            "https://CLIENT.example/oauth/client.json",
            "https://claude.ai/oauth/mcp-oauth-client-metadata",
            " https://client.example/oauth/client.json",
            "canary-7f3a",
        )
    ),
    "which this server doesn't check": (
        *(demanding("private_key_jwt", it) for it in (None, [], ["private_key_jwt"])),
        *(demanding(it, None) for it in ("client_secret_basic", "client_secret_jwt")),
        *(demanding(it, None) for it in ("tls_client_auth", "None", "")),
        demanding("client_secret_post", ["none", "client_secret_post"]),
    ),
    "contains a secret": (changed(client_secret=CANARY),),
    "leaves out signing in by code": (
        changed(grant_types=["client_credentials"]),
        changed(response_types=["token"]),
    ),
    "no safe address to return to": (
        changed(redirect_uris=["javascript:alert('canary-7f3a')", "http://client.example/"]),
    ),
}
"""What a person reads, and the documents."""


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_document_that_is_not_as_it_must_be_is_refused(sentence: str) -> None:
    for body in REFUSED[sentence]:
        assert sentence in refusal(body), body[:200]


def test_a_client_that_says_nothing_of_a_check_is_public() -> None:
    """The default of RFC 7591 is a secret, which no document can hold."""
    assert read_document(changed(token_endpoint_auth_method=None), ID).id == ID


def test_an_unsafe_redirect_address_is_left_out() -> None:
    """Some clients list one among good ones, and are used with a good one."""
    good = "https://client.example/callback"
    addresses = ["javascript:alert(1)", "http://client.example/cb", good, "data:text/html,x", good]

    assert read_document(changed(redirect_uris=addresses), ID).redirect_uris == (good,)


def test_a_client_without_a_name_has_that_of_its_host() -> None:
    for name in (None, "", "  \n "):
        assert read_document(changed(client_name=name), ID).name == "client.example"


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_either_a_document_or_refused(body: bytes) -> None:
    with pytest.raises(ClientRefused):
        read_document(body, ID)


@given(
    st.dictionaries(
        st.sampled_from([*document(ID), "grant_types", "response_types", "client_secret", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_any_members_make_a_client_of_this_id_or_none(members: dict[str, object]) -> None:
    try:
        client = read({**document(ID), **members})
    except ClientRefused:
        return
    assert (client.id, client.host) == (ID, "client.example")
    assert client.redirect_uris


# Clients that register

METADATA: Final = {"client_name": "Example", "redirect_uris": ["http://127.0.0.1/callback"]}


def registered(nonce: str = "n", **members: object) -> OAuthClient:
    return registered_client(json.dumps({**METADATA, **members}).encode(), nonce=nonce, mac=mac)


def mac(description: str) -> str:
    """What stands for that of the server."""
    return hashlib.sha256(description.encode()).hexdigest()


@given(st.text(max_size=80), st.text(max_size=20))
def test_the_id_of_a_registered_client_is_all_that_is_kept_of_it(name: str, nonce: str) -> None:
    client = registered(nonce, client_name=name)
    assert read_registered_id(client.id, mac=mac) == client
    assert registered(f"{nonce}x", client_name=name).id != client.id


@given(st.text() | st.text(alphabet="abcXYZ019-_=").map("registered-".__add__))
def test_any_other_id_is_of_nobody(client_id: str) -> None:
    with pytest.raises(ClientRefused, match="doesn't know the app"):
        read_registered_id(client_id, mac=mac)


def test_an_id_that_was_changed_is_of_nobody() -> None:
    good = registered().id
    for at in range(len(good)):
        with pytest.raises(ClientRefused, match="doesn't know the app"):
            read_registered_id(
                f"{good[:at]}{'A' if good[at] != 'A' else 'B'}{good[at + 1 :]}", mac=mac
            )


def test_a_description_that_is_too_long_is_not_registered() -> None:
    uris = [f"https://client.example/{'x' * 900}{number}" for number in range(4)]
    with pytest.raises(OAuthError, match="too long"):
        registered(redirect_uris=uris)
