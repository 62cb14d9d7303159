"""Snapshots as text files: one for each case of a test, named after it, where reviewers read them.

`pytest --snapshot-update` writes them, and a test that differs shows its difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests import ROOT

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation
    from syrupy.types import SnapshotIndex


class _TextFile(SingleFileSnapshotExtension):
    """The text of a case: "no key" is in `no-key.txt`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"
    folder = ""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:  # noqa: ARG003  one for all
        return str(ROOT / cls.folder)

    @classmethod
    def get_snapshot_name(
        cls,
        *,
        test_location: PyTestLocation,
        index: SnapshotIndex = 0,  # noqa: ARG003  a case has one snapshot
    ) -> str:
        _, _, case = test_location.testname.partition("[")
        return case.removesuffix("]").replace(" ", "-")

    @classmethod
    def matches_test_location(
        cls,
        *,
        test_location: PyTestLocation,  # noqa: ARG003  its module is elsewhere
        snapshot_location: str,
    ) -> bool:
        return cls.folder in snapshot_location


class ToolListing(_TextFile):
    """What a client reads of a tool before it calls it."""

    folder = "tests/toolsnaps"
    file_extension = "json"


class Answers(_TextFile):
    """What a model reads of answers and previews."""

    folder = "tests/answers"


class AnswersWhileBroken(_TextFile):
    """What a model reads while TRaX is broken in one way."""

    folder = "tests/answers/trax-is-broken"


class DoctorStates(_TextFile):
    """What `trax-mcp doctor` says."""

    folder = "tests/cli/doctor_states"


class InstallStates(_TextFile):
    """What `trax-mcp install` and `uninstall` say."""

    folder = "tests/cli/install_states"
