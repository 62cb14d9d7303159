"""The proof: every promise of the package as a sentence that runs."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""The repository."""
