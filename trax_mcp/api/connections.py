"""The connections to TRaX: ordinary ones, and urgent ones, which a stop and its reads have.

httpx is imported on first use: with its TLS context it takes a tenth of the time to the first
tools/list, which needs neither.
"""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import anyio

from trax_mcp import __version__
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.errors import NotSent
from trax_mcp.open_files import max_open_files

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

_CONNECT_SHARE: Final = 0.5
"""The part of the time-out in which a request must get a connection. It is shorter than the whole,
so `timeout` always means that the request was sent."""
_IDLE_SECONDS: Final = 3.0
"""How long an unused connection is kept. Many servers close theirs after 5 s, and a request that
meets that moment is lost."""
_MAX_IDLE: Final = 10
"""How many unused connections are kept. With each request, httpcore 1.0.9 looks at all of them for
each of them: with 20, a call among 50 callers takes half as many steps more."""
_MAX_IN_FLIGHT: Final = 16
"""The most requests of one caller at the same time; the others wait in order."""
_MAX_OF_OTHERS: Final = 64
"""The same of all together whose key TRaX has not accepted: after a restart, many are tried."""
_MAX_URGENT: Final = 64
"""The same for urgent requests, which are the reads of a stop. The stop itself needs no slot."""


class Connections:
    """Connections, and slots for the requests that each caller may have in flight on them."""

    def __init__(self, http: "httpx.AsyncClient", *, of_each: int, in_all: int) -> None:
        self.http = http
        self.in_all = anyio.Semaphore(in_all, fast_acquire=True)
        self._of_each = of_each
        self._slots: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    def slots(self, name: str) -> anyio.Semaphore:
        """The slots of a caller. Requests that wait for one get it in order."""
        if (slots := self._slots.get(name)) is None:
            most = _MAX_OF_OTHERS if name == ANONYMOUS.owner else self._of_each
            slots = self._slots[name] = anyio.Semaphore(most, fast_acquire=True)
        return slots


def open_connections(
    base_url: str, timeout_seconds: float, transport: "httpx.AsyncBaseTransport | None"
) -> tuple[Connections, Connections]:
    """Prepare the ordinary connections and the urgent ones. A given transport is used for both.

    Raises:
        NotSent: a certificate file or a proxy variable is of no use.
    """
    import httpx  # noqa: PLC0415  see above

    # Over plain HTTP, a proxy could read the key.
    trust_env = base_url.startswith("https")
    connect_seconds = timeout_seconds * _CONNECT_SHARE

    def new_http(tls: "SSLContext | bool", *, max_idle: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            verify=tls,
            trust_env=trust_env,
            follow_redirects=False,
            # No cookie is kept: it would come from one caller and be sent for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(timeout_seconds, connect=connect_seconds, pool=connect_seconds),
            headers={
                "User-Agent": f"trax-mcp/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            # The slots limit the requests. A limited pool can lose connections for ever: httpcore
            # 1.0.9 keeps the place of a request that is cancelled after it got a connection.
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=max_idle,
                keepalive_expiry=_IDLE_SECONDS,
            ),
        )

    try:
        # To read the certificates takes long. A given transport needs none.
        tls = True if transport else httpx.create_ssl_context(trust_env=trust_env)
        ordinary, urgent = new_http(tls, max_idle=_MAX_IDLE), new_http(tls, max_idle=0)
    except Exception:  # noqa: BLE001  httpx raises many types for a wrong environment
        raise NotSent(
            "unreachable",
            "The connection to TRaX couldn't be set up",
            "Check TRAX_BASE_URL, SSL_CERT_FILE and the proxy variables (HTTPS_PROXY,"
            " ALL_PROXY, NO_PROXY).",
        ) from None
    most = max_open_files()
    return (
        Connections(ordinary, of_each=_MAX_IN_FLIGHT, in_all=most // 3),
        # A stop reuses no connection, which an earlier answer could have spoilt.
        Connections(urgent, of_each=_MAX_URGENT, in_all=most),
    )
