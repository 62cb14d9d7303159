"""A small TRaX for demos and tests, built on the contract document alone.

It shares no model with the rest of the package: a wrong model would be wrong on both sides.
"Sandbox behaviour" marks what TRaX's documents do not define.
"""

from trax_mcp.sandbox.app import Sandbox
from trax_mcp.sandbox.deviations import DEVIATIONS, deviate
from trax_mcp.sandbox.seed import SANDBOX_KEY

__all__ = ["DEVIATIONS", "SANDBOX_KEY", "Sandbox", "deviate"]
