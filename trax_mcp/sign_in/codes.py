"""Authorization codes: kept in memory, for a minute, and good once. Source: RFC 6749, 4.1.2.

A restart loses them, and the client begins anew.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from trax_mcp.clock import Clock
from trax_mcp.sign_in.grants import AuthorizationRequest, Grant, Tokens

CODE_SECONDS: Final = 60.0
"""How long a code can be used."""
REPEAT_SECONDS: Final = 10.0
"""For so long, a client that sends its code again loses nothing."""
REPLAY_SECONDS: Final = 600.0
"""How long a used code is remembered, so that a replay ends what it gave."""
_MAX_CODES: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Used:
    """A code that has given tokens. `at` is in seconds of the clock."""

    request: AuthorizationRequest
    sign_in_id: str
    at: float


class Codes:
    """The codes that were issued. `revoke` ends a sign-in, by its id.

    If a code is used twice, one of the two clients may have stolen it. So the sign-in that it gave
    ends. Source: RFC 6749, 10.5. It goes on if the same client just sends its code twice, as some
    do whose page or app opens twice: only that client knows the verifier.
    """

    def __init__(self, clock: Clock, revoke: Callable[[str], object]) -> None:
        self._seconds = clock.seconds
        self._revoke = revoke
        self._grants: TTLCache[str, Grant] = TTLCache(_MAX_CODES, CODE_SECONDS, clock.seconds)
        self._used: TTLCache[str, _Used] = TTLCache(_MAX_CODES, REPLAY_SECONDS, clock.seconds)

    def issue(self, grant: Grant) -> str:
        """A code that a client can change for the tokens of this grant."""
        code = secrets.token_urlsafe()
        self._grants[_hashed(code)] = grant
        return code

    def use(
        self,
        code: str,
        issue: Callable[[Grant], Tokens],
        *,
        is_by_client: Callable[[AuthorizationRequest], bool],
    ) -> Tokens | None:
        """Change a code for tokens. `is_by_client`: the client of this request sends the code.

        None: the code is unknown, too old, used, or another client's. If `issue` fails, it stays
        good.

        Raises:
            SignInUnavailable: the sign-in that a used code gave could not be ended.
        """
        name = _hashed(code)
        if (used := self._used.get(name)) is not None:
            is_repeat = self._seconds() < used.at + REPEAT_SECONDS and is_by_client(used.request)
            if not is_repeat:
                self._revoke(used.sign_in_id)
                del self._used[name]
            return None
        grant = self._grants.get(name)
        if grant is None or not is_by_client(grant.request):
            return None
        tokens = issue(grant)
        self._grants.pop(name, None)  # its minute may have ended meanwhile
        self._used[name] = _Used(grant.request, tokens.sign_in_id, self._seconds())
        return tokens

    def expire(self) -> None:
        """Forget the codes that have ended, with the keys that they would give."""
        self._grants.expire()


def _hashed(code: str) -> str:
    """Only the hash is kept, and compared."""
    return hashlib.sha256(code.encode()).hexdigest()
