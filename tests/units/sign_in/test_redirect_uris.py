"""Where a browser may be sent back to."""

from trax_mcp.sign_in.redirect_uris import is_loopback_uri, is_safe, matches, redirect_host

CLIENTS = (
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/IbUR3zxyNQ16",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://127.0.0.1:33418",
    "http://127.0.0.1:33418/",
    "http://localhost/callback",
    "http://localhost:3118/callback",
    "http://[::1]:6274/oauth/callback",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "claude://oauth/callback",
    "com.example.app:/oauth2redirect",
    "com.example.app://signed-in/here?from=trax",
    "https://app.example.com:8443/cb?tenant=a&b",
    "https://app.example.com/a%20b/@me/(x);y",
)
"""What MCP clients put in their documents and registrations."""

REFUSED = (
    # No address
    *("", "callback", "/callback", "//evil.example/callback", "https:", "https://"),
    *("https:///callback", "https:evil.example", "https:/evil.example/cb", "cursor:"),
    *("cursor:callback", "com.example.app:"),
    # No TLS, and hosts that look like loopback
    *("http://app.example.com/callback", "http://localhost.evil.example/callback"),
    *("http://127.0.0.1.evil.example/callback", "http://127.0.0.2/callback"),
    *("http://2130706433/callback", "http://0x7f.1/callback"),
    "http://[::ffff:127.0.0.1]/callback",
    # Users, fragments, and other hosts than it seems
    *("http://localhost@evil.example/callback", "https://claude.ai@evil.example/callback"),
    *("https://claude.ai:443@evil.example/callback", "cursor://user@host/callback"),
    *("https://app.example.com/callback#", "https://app.example.com/callback#fragment"),
    *("https://app.example.com\\@evil.example/callback", "https://*.example.com/callback"),
    *("https://app.example.com\\.evil.example/callback", "http://localhost:*/callback"),
    *("https://App.example.com/callback", "HTTPS://app.example.com/callback"),
    *("https://app.example.com:0/callback", "https://app.example.com:65536/callback"),
    *("https://app.example.com:443x/callback", "https://app.example.com:/callback"),
    *("https://app.example.com./callback", "https://.app.example.com/callback"),
    *("https://xn--\u0430pp.example.com/callback", "https://\u0430pp.example.com/callback"),
    # Characters and paths
    *("https://app.example.com/\u202ekcabllac", "https://app.example.com/call back"),
    *("https://app.example.com/callback\n", "\thttps://app.example.com/callback"),
    "https://app.example.com/callback\r\nSet-Cookie:a=b",
    *("https://app.exa\tmple.com/callback", "https://app.example.com/<script>"),
    *('https://app.example.com/"onclick=', "https://app.example.com/%zz"),
    *("https://app.example.com/%", "https://app.example.com/a/../callback"),
    *("https://app.example.com/./callback", "https://app.example.com/.."),
    *("https://app.example.com/%2e%2E/callback", "https://app.example.com/" + "a" * 1000),
    # What the server adds
    *("https://app.example.com/*?code=stolen", "https://app.example.com/cb?a=b&state=chosen"),
    *("https://app.example.com/cb?iss=https://other.example", "https://app.example.com/cb?error"),
    "https://app.example.com/cb?%63ode=x",
    # Schemes
    *("javascript:alert(1)", "javascript://app.example.com/%0aalert(1)", "java\nscript:alert(1)"),
    *("data:text/html,hi", "data:/text/html,hi", "vbscript:/x", "file:///etc/passwd"),
    *("blob:https://app.example.com/1", "about:blank", "ftp://app.example.com/cb"),
    *("ws://app.example.com/cb", "intent://scan/#Intent;end", "ms-msdt:/id", "search-ms://query"),
    *("mailto:/a@b.example", "urn:ietf:wg:oauth:2.0:oob", "unknown://callback"),
    "Cursor://anysphere.cursor-mcp/oauth/callback",
)

# The address that is registered, and those that a request names.
MATCHING = {
    "https://claude.ai/api/mcp/auth_callback": ("https://claude.ai/api/mcp/auth_callback",),
    "http://localhost/callback": ("http://localhost:58135/callback",),
    "http://localhost:3118/callback": ("http://localhost/callback",),
    "http://127.0.0.1:33418/": ("http://127.0.0.1:49152/",),
    "http://127.0.0.1:33418": ("http://127.0.0.1:33418/",),
    "http://[::1]/cb?a=b": ("http://[::1]:1/cb?a=b",),
    "https://app.example.com": ("https://app.example.com/",),
    "com.example.app:/cb": ("com.example.app:/cb",),
}
DIFFERENT = {
    "https://claude.ai/api/mcp/auth_callback": (
        "https://claude.ai/api/mcp/auth_callback/",
        "https://claude.ai/api/mcp/Auth_callback",
        "https://claude.ai/api/mcp/auth_callback?x=y",
        "https://claude.ai/api/mcp/auth_callback?",
        "https://claude.ai:443/api/mcp/auth_callback",
        "https://claude.ai:8443/api/mcp/auth_callback",
        "https://claude.ai/api/mcp/auth%5fcallback",
        "https://x.claude.ai/api/mcp/auth_callback",
    ),
    "https://claude.ai/cb": ("https://claude.ai.evil.example/cb",),
    "https://localhost/callback": ("https://localhost:1/callback",),
    "http://localhost/callback": (
        "https://localhost/callback",
        "http://127.0.0.1/callback",
        "http://localhost:1/other",
        "http://localhost:1/callback/../x",
        "http://localhost:1@evil.example/callback",
        "http://localhost:1/callback?next=x",
    ),
    "http://127.0.0.1/callback": ("http://[::1]/callback",),
    "com.example.app:/cb": ("com.example.app:/other",),
    "javascript:alert(1)": ("javascript:alert(1)",),
    "http://app.example.com/cb": ("http://app.example.com/cb",),
}


def test_the_redirect_address_of_a_known_client_may_be_registered() -> None:
    assert [it for it in CLIENTS if not is_safe(it)] == []
    assert [it for it in CLIENTS if not matches(it, it)] == []


def test_an_unsafe_redirect_address_may_not_be_registered() -> None:
    assert [it for it in REFUSED if is_safe(it)] == []
    assert [it for it in REFUSED if matches(it, it)] == []


def test_a_request_may_name_a_registered_redirect_address_and_no_other() -> None:
    """On loopback with any port, and elsewhere exactly."""
    for pairs, expected in ((MATCHING, True), (DIFFERENT, False)):
        for registered, asked in pairs.items():
            assert {it: matches(it, registered) for it in asked} == dict.fromkeys(asked, expected)


def test_a_person_reads_where_a_redirect_address_leads() -> None:
    assert redirect_host("https://claude.ai:8443/cb") == "claude.ai"
    assert redirect_host("http://[::1]:1/cb") == "[::1]"
    assert redirect_host("cursor://anysphere.cursor-mcp/cb") == "cursor:"
    assert redirect_host("https://xn--pple-43d.com/cb") == "xn--pple-43d.com"
    assert is_loopback_uri("http://localhost:3118/callback")
    assert not is_loopback_uri("https://localhost/callback")
    assert not is_loopback_uri("cursor://localhost/callback")
