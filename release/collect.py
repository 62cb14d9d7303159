"""Collects what is released in `build/release`, each file with its checksum, for `make release`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from release.bundle import write_checksum
from release.server_json import repository, server_json
from tests import ROOT

FOLDER: Final = ROOT / "build/release"


def main() -> None:
    """Collect the files that are named, and write `server.json` if there is an address for it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in sys.argv[1:]:
        file = FOLDER / Path(name).name
        shutil.copyfile(name, file)
        checksum = write_checksum(file)
        if file.suffix == ".mcpb" and (address := repository()):
            digest = checksum.read_text(encoding="utf-8").split()[0]
            try:
                entry = server_json(address, file.name, digest)
            except ValueError as error:
                sys.exit(str(error))
            text = json.dumps(entry, indent=2) + "\n"
            (FOLDER / "server.json").write_text(text, encoding="utf-8")
    print(*sorted(it.name for it in FOLDER.iterdir()), sep="\n")
    if not repository():
        print("There is no server.json: pyproject.toml names no address. See docs/publishing.md.")


if __name__ == "__main__":
    main()
