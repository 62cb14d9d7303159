"""Switches metrics and traces on where the settings or the standard variables ask for it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Final, NamedTuple

import anyio

from trax_mcp.settings import CannotStart, Settings, how_to_add

_SIGNALS: Final = ("traces", "metrics")
_OTLP: Final = "otlp"
_LOOPBACK: Final = "127.0.0.1"
_FLUSH_SECONDS: Final = 0.3
_LOG: Final = logging.getLogger(__name__)


class Export(NamedTuple):
    """What is exported. `metrics_url` is where Prometheus finds the metrics, if anywhere."""

    metrics_url: str | None = None
    flushes: Sequence[Callable[[], object]] = ()

    async def flush(self) -> None:
        """Send the rest, in a thread that nobody waits for if it takes longer."""
        if self.flushes:
            with anyio.move_on_after(_FLUSH_SECONDS):
                await anyio.to_thread.run_sync(self._flush_all, abandon_on_cancel=True)

    def _flush_all(self) -> None:
        """All at once: one that hangs must not cost another its moment."""
        threads = [Thread(target=flush, daemon=True) for flush in self.flushes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def export_measurements(
    settings: Settings, environment: Mapping[str, str], *, over_http: bool
) -> Export:
    """Begin to export, if anything is asked for. The port for Prometheus is opened over HTTP only.

    Raises:
        CannotStart: TRAX_METRICS_PORT cannot be opened, its extra is not installed, or a standard
            variable is wrong.
    """
    signals = _signals(environment)
    port = settings.metrics_port if over_http else None
    if port is None and not signals:
        return Export()
    address = None if port is None else (settings.metrics_host or _LOOPBACK, port)
    try:
        # Only where it is switched on.
        from trax_mcp.observe.exporters import begin_export  # noqa: PLC0415

        return Export(*begin_export(address=address, signals=signals))
    except ModuleNotFoundError:
        remedy = how_to_add("telemetry")
        if port is not None:
            raise CannotStart(f"TRAX_METRICS_PORT needs an extra. {remedy}") from None
        # On stdio a host may have set them for itself.
        level = logging.WARNING if over_http else logging.INFO
        for signal in signals:
            _LOG.log(level, "%s needs an extra. %s", _variable(signal), remedy)
        return Export()
    except OSError as error:
        raise CannotStart(
            f"TRAX_METRICS_PORT can't be used: {error.strerror}. Choose another, or another"
            " TRAX_METRICS_HOST."
        ) from None
    except ValueError:  # it seldom names the variable, and may quote a value that is a secret
        names = sorted(it for it in environment if it.startswith("OTEL_"))
        which = names[0] if len(names) == 1 else f"One of {', '.join(names)}"
        raise CannotStart(f"{which} has a value that OpenTelemetry can't read.") from None


def _signals(environment: Mapping[str, str]) -> list[str]:
    """What the standard variables send to a collector. Other exporters would write to stdout."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return [it for it in _SIGNALS if _OTLP in _exporters(environment, it)]


def _exporters(environment: Mapping[str, str], signal: str) -> list[str]:
    return [it.strip().lower() for it in environment.get(_variable(signal), "").split(",")]


def _variable(signal: str) -> str:
    return f"OTEL_{signal.upper()}_EXPORTER"
