"""Switches metrics and traces on where the settings or the standard variables ask for it."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trax_mcp.settings import CannotStart, Settings, how_to_add

if TYPE_CHECKING:
    from trax_mcp.telemetry.export import Export

_SIGNALS: Final = ("traces", "metrics")
_OTLP: Final = "otlp"
_LOOPBACK: Final = "127.0.0.1"
_LOG: Final = logging.getLogger(__name__)


def export_measurements(
    settings: Settings, environment: Mapping[str, str], *, over_http: bool
) -> "Export | None":
    """Begin to export, if anything is asked for. The port for Prometheus is opened over HTTP only.

    Raises:
        CannotStart: TRAX_METRICS_PORT cannot be opened, its extra is not installed, or a standard
            variable is wrong.
    """
    signals = _signals(environment)
    port = settings.metrics_port if over_http else None
    if port is None and not signals:
        return None
    address = None if port is None else (settings.metrics_host or _LOOPBACK, port)
    try:
        from trax_mcp.telemetry.export import export  # noqa: PLC0415  only where it is switched on

        return export(address=address, signals=signals)
    except ModuleNotFoundError:
        remedy = how_to_add("telemetry")
        if port is not None:
            raise CannotStart(f"TRAX_METRICS_PORT needs an extra. {remedy}") from None
        # On stdio a host may have set them for itself.
        level = logging.WARNING if over_http else logging.INFO
        for signal in signals:
            _LOG.log(level, "%s needs an extra. %s", _variable(signal), remedy)
        return None
    except OSError as error:
        raise CannotStart(
            f"TRAX_METRICS_PORT cannot be listened on: {error.strerror}. Choose another, or another"
            " TRAX_METRICS_HOST."
        ) from None
    except ValueError:  # it seldom names the variable, and may quote a value that is a secret
        names = sorted(it for it in environment if it.startswith("OTEL_"))
        which = names[0] if len(names) == 1 else f"One of {', '.join(names)}"
        raise CannotStart(f"{which} has a value that OpenTelemetry cannot read.") from None


def _signals(environment: Mapping[str, str]) -> list[str]:
    """What the standard variables send to a collector. Other exporters would write to stdout."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return [it for it in _SIGNALS if _OTLP in _exporters(environment, it)]


def _exporters(environment: Mapping[str, str], signal: str) -> list[str]:
    return [it.strip().lower() for it in environment.get(_variable(signal), "").split(",")]


def _variable(signal: str) -> str:
    return f"OTEL_{signal.upper()}_EXPORTER"
