"""Authorization codes: kept in memory, for a minute, and good once. Source: RFC 6749, 4.1.2.

A restart loses them, and the client begins anew.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from trax_mcp.clock import Clock
from trax_mcp.sign_in.grants import Grant, Tokens

CODE_SECONDS: Final = 60.0
"""How long a code can be used."""
REPLAY_SECONDS: Final = 600.0
"""How long a used code is remembered, so that a replay ends what it gave."""
_MAX_CODES: Final = 1_000


class Codes:
    """The codes that were issued. `revoke` ends a sign-in, by its id.

    If a code is used twice, one of the two clients has stolen it. So the sign-in that it gave ends.
    Source: RFC 6749, 10.5.
    """

    def __init__(self, clock: Clock, revoke: Callable[[str], object]) -> None:
        self._revoke = revoke
        self._grants: TTLCache[str, Grant] = TTLCache(_MAX_CODES, CODE_SECONDS, clock.seconds)
        self._used: TTLCache[str, str] = TTLCache(_MAX_CODES, REPLAY_SECONDS, clock.seconds)

    def issue(self, grant: Grant) -> str:
        """A code that a client can change for the tokens of this grant."""
        code = secrets.token_urlsafe()
        self._grants[_hashed(code)] = grant
        return code

    def find(self, code: str) -> Grant | None:
        """The grant of a code. None: unknown, too old, or used.

        Raises:
            SignInUnavailable: the sign-in that a used code gave could not be ended.
        """
        name = _hashed(code)
        if (sign_in_id := self._used.get(name)) is not None:
            self._revoke(sign_in_id)
            del self._used[name]
        return self._grants.get(name)

    def use(self, code: str, issue: Callable[[Grant], Tokens]) -> Tokens | None:
        """Change a code for tokens. None as in `find`. If `issue` fails, the code stays good."""
        if (grant := self.find(code)) is None:
            return None
        tokens = issue(grant)
        name = _hashed(code)
        del self._grants[name]
        self._used[name] = tokens.sign_in_id
        return tokens


def _hashed(code: str) -> str:
    """Only the hash is kept, and compared."""
    return hashlib.sha256(code.encode()).hexdigest()
