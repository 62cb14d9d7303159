"""Generated files are up to date."""

from __future__ import annotations

from tests.support.generated_files import generated_files
from tests.support.product import tool_schemas
from tests.support.written_files import out_of_date


def test_the_schemas_that_are_served_are_those_of_the_code() -> None:
    """`make docs` writes them."""
    assert out_of_date({tool_schemas.FILE: tool_schemas.content()}) == [], "run `make docs`"


def test_generated_files_are_up_to_date() -> None:
    """`make docs` writes them."""
    assert out_of_date(generated_files()) == [], "run `make docs`"
