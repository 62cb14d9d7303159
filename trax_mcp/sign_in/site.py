"""The site on which people sign in."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from trax_mcp.consent.ways import WaysToAsk


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What this server is: its address, and what its operator allows."""

    public_url: str
    path: str
    """Of the MCP endpoint, below `public_url`."""
    ask: WaysToAsk
    """How a person is asked before a show goes on air."""
    may_run: bool
    """Whether more is offered than reading."""
    may_register: bool
    """Whether clients without a document may register."""
    sandbox_key: str | None
    """The key of the embedded sandbox, if the server is on it."""

    @property
    def resource(self) -> str:
        """What tokens are for. Source: RFC 8707."""
        return self.public_url + self.path

    @property
    def list_address(self) -> str:
        """The address of the page that ends sign-ins."""
        return f"{self.public_url}/sign-in/sessions"

    @property
    def host(self) -> str:
        """The host, and the port if it has one, in the address of each page."""
        return urlsplit(self.public_url).netloc
