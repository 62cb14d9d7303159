"""The breaks of the promises: what it is, and how it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from proof.breaks.changes import Changes, Edit, put, swap
from trax_mcp.api import (
    contract_check,
)
from trax_mcp.cli import doctor_answers
from trax_mcp.cli.doctor import run as run_doctor
from trax_mcp.cli.install import configuration
from trax_mcp.cli.refused_start import answer_requests
from trax_mcp.key_file import chosen_key, read_key
from trax_mcp.observe import messages
from trax_mcp.private_files import key_path
from trax_mcp.sandbox.contract import Call
from trax_mcp.server.errors import handle_errors
from trax_mcp.server.offer import Offer
from trax_mcp.settings import Settings, read_settings
from trax_mcp.studio import reading
from trax_mcp.studio.names import likely_match
from trax_mcp.studio.readiness import judge_readiness
from trax_mcp.uploads import files, storage, upload

if TYPE_CHECKING:
    from opentelemetry.context import Context

_kinds = Offer.kinds


_KNOWN: Final = {f"TRAX_{it.upper()}" for it in Settings.model_fields}

_parent = messages._parent


def _parent_or_failure(traceparent: object) -> Context | None:
    if (found := _parent(traceparent)) is None and traceparent is not None:
        raise ValueError(traceparent)
    return found


CHANGES: Final[Changes] = {
    "Claude, your editor or your chat bot": [
        ("tests/server/test_tools.py", swap(_kinds).by(lambda self: _kinds(self)[1:])),
    ],
    "Yes or no, what's in the way": [
        (
            "tests/studio/test_check_studio.py",
            swap(judge_readiness).by(
                lambda facts, *, now: judge_readiness(facts, now=now)._replace(ready=True)
            ),
        ),
        (
            "tests/studio/test_find_studio.py",
            swap(likely_match).by(lambda matches: matches[0] if matches else None),
        ),
    ],
    "trax-mcp is an MCP server": [
        (
            "tests/fuzz/test_fuzz_stdio.py",
            swap(_parent).by(_parent_or_failure),
        ),
        (
            "tests/server/test_stdio.py",
            swap(handle_errors).by(lambda answer: answer),
        ),
    ],
    "It's a small TRaX of our own with practice studios": [
        ("tests/sandbox/test_sandbox_contract.py", swap(Call.find_error).by(lambda *_: None)),
    ],
    "a whole show on practice studios": [
        (
            "tests/seams/test_wheel.py",
            Edit("pyproject.toml", "\npackages =", '\nexclude = ["*.js"]\npackages ='),
        ),
    ],
    "Everything else in it stays": [
        ("tests/cli/test_install.py", swap(configuration._members).by(lambda *_: {})),
    ],
    "A key is sent only to the address": [
        ("tests/cli/test_key_file.py", swap(chosen_key).by(lambda *_: read_key(key_path()))),
    ],
    "It changes nothing, prints no key": [
        (
            "tests/cli/test_doctor.py",
            swap(run_doctor).by(lambda *given, **more: run_doctor(*given, **more) and 0),
        ),
    ],
    "If an answer from TRaX doesn't match its reference": [
        ("tests/cli/test_doctor.py", swap(doctor_answers.differences).by(lambda *_: ())),
        (
            "tests/cli/test_doctor_contract.py",
            swap(contract_check.fold).by(lambda differences: (*differences,)),
        ),
    ],
    "from the folders in `TRAX_MEDIA_DIRS`": [
        (
            "tests/uploads/test_media_files_outside.py",
            swap(files._resolve).by(
                lambda path, folder: (Path("/"), (folder / path).resolve().parts[1:])
            ),
        ),
        ("tests/uploads/test_media_files_outside.py", put(files, "_OPENS_IN_FOLDERS", value=False)),
    ],
    "After a brief failure of the storage": [
        ("tests/uploads/test_storage_failures.py", swap(storage._may_pass).by(lambda *_: False)),
        ("tests/uploads/test_storage_failures.py", swap(storage._may_pass).by(lambda *_: True)),
    ],
    "waits until it is READY": [
        ("tests/uploads/test_upload_tool.py", put(upload, "LONGEST_WAIT_SECONDS", 600.0)),
    ],
    "Where TRaX refuses a page of 200 items": [
        (
            "tests/studio/test_pages_of_lists.py",
            put(reading, "_CURSOR_REFUSED", frozenset[int]()),
        ),
        ("tests/studio/test_pages_of_lists.py", put(reading, "LARGEST_PAGE", None)),
    ],
    "If one is wrong": [
        (
            "tests/cli/test_settings.py",
            swap(read_settings).by(
                lambda environment: read_settings(
                    {it: environment[it] for it in _KNOWN & environment.keys()}
                )
            ),
        ),
        ("tests/server/test_refused_start.py", swap(answer_requests).by(lambda *_, **__: None)),
    ],
    "`make image` does what": [
        ("tests/docs/test_image.py", Edit("Dockerfile", "USER 65532:65532", "USER 0:0")),
    ],
    "**Each package in it": [
        (
            "tests/docs/test_locks.py",
            Edit("Dockerfile", "--require-hashes --requirement deploy/r", "--requirement deploy/r"),
        ),
    ],
}
