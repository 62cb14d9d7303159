"""Generated files are up to date, and no others exist."""

from __future__ import annotations

from tests import ROOT
from tests.support.generated_files import TOOLSNAPS, generated_files
from tests.support.product import tool_schemas
from tests.support.written_files import out_of_date


def test_the_schemas_that_are_served_are_those_of_the_code() -> None:
    """`make docs` writes them."""
    assert out_of_date({tool_schemas.FILE: tool_schemas.content()}) == [], "run `make docs`"


def test_generated_files_are_up_to_date() -> None:
    """`make docs` writes them."""
    assert out_of_date(generated_files()) == [], "run `make docs`"


def test_every_snapshot_belongs_to_an_existing_tool() -> None:
    """The snapshot of a removed tool is removed too."""
    present = {path.relative_to(ROOT) for path in (ROOT / TOOLSNAPS).iterdir()}
    assert present == {path for path in generated_files() if path.parent == TOOLSNAPS}
