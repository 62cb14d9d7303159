"""People sign in with their TRaX key, and their client gets tokens of this server, by OAuth 2.1.

A room of its own: on the day TRaX itself has OAuth, it can be deleted whole. Here stands what the
door needs of it, where nobody signs in either.
"""

from typing import Final

ACCESS_PREFIX: Final = "trax_at_"
REFRESH_PREFIX: Final = "trax_rt_"


class SignInUnavailable(Exception):
    """The file of sign-ins cannot be read or written now. Nothing has changed.

    The message is for a person, and holds no path and no value.
    """
