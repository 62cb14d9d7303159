"""What Helm makes of the chart, as data."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Object = dict[str, Any]

CHART: Final = ROOT / "deploy/chart"
RELEASE: Final = "trax-mcp"
NAMESPACE: Final = "live"
FULL: Final = ("--values", "proof/chart/full.yaml")
_SELECTED: Final = "app.kubernetes.io/component"


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Helm at the top of the repository: see `make chart`."""
    return subprocess.run(
        ["helm", *arguments],  # noqa: S607
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one release."""

    objects: list[Object]

    def find(self, kind: str, name: str) -> Object:
        """The object of this kind and name."""
        (found,) = (
            it for it in self.objects if (it["kind"], it["metadata"]["name"]) == (kind, name)
        )
        return found

    def workloads(self) -> Iterator[tuple[str, Object]]:
        """The StatefulSet and the Deployments, each with the name of its part."""
        for it in self.objects:
            if it["kind"] in {"StatefulSet", "Deployment"}:
                yield it["spec"]["template"]["metadata"]["labels"][_SELECTED], it

    def pod(self, part: str) -> Object:
        """The pods of a part: `replica`, `proxy` or `valkey`."""
        pod: Object = dict(self.workloads())[part]["spec"]["template"]["spec"]
        return pod

    def container(self, part: str) -> Object:
        """The only container of a part."""
        (container,) = self.pod(part)["containers"]
        return dict(container)

    def environment(self, part: str) -> dict[str, str]:
        """The variables of a part. None comes from elsewhere."""
        variables = self.container(part)["env"]
        assert all(set(it) == {"name", "value"} for it in variables)
        found = {it["name"]: it["value"] for it in variables}
        assert len(found) == len(variables)
        return found

    def labels(self) -> dict[str, dict[str, str]]:
        """The labels of the pods of each part."""
        return {part: it["spec"]["template"]["metadata"]["labels"] for part, it in self.workloads()}


def rendered(*options: str, chart: Path = CHART) -> Rendered:
    """The chart with these options, as it is installed."""
    done = helm("template", RELEASE, chart, "--namespace", NAMESPACE, *options)
    assert done.returncode == 0, done.stderr
    return Rendered([it for it in yaml.safe_load_all(done.stdout) if it])
