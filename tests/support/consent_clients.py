"""What `proof` still asks for by its older names."""

from typing import Final

from tests.world.answers import has_run
from tests.world.answers import outcome as status_and_reason

__all__ = ["SECOND_KEY", "has_run", "status_and_reason"]

SECOND_KEY: Final = "sk_live_sandbox_second"
"""Another key of the same account, with the same access."""
