"""People sign in with their TRaX key, and their client gets tokens of this server, by OAuth 2.1.

A package of its own: when TRaX itself has OAuth, it can be deleted whole. This module has what
authentication needs of it on any server.
"""

from typing import Final

ACCESS_PREFIX: Final = "trax_at_"
REFRESH_PREFIX: Final = "trax_rt_"


class SignInUnavailable(Exception):
    """The file of sign-ins cannot be read or written now. Nothing has changed.

    The message is for a person, and holds no path and no value.
    """
