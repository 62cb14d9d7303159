"""What says that a server is on practice studios, wherever a person or a model reads."""

from typing import Final

PRACTICE: Final = "Practice: "
"""Before the act, in a question."""
NOTHING_IS_REAL: Final = "Practice studios: nothing is real."
