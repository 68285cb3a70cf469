"""`hilt bench NAME... [--peer] [--json] [--seconds S]`: figures as a table, or as JSON."""

from __future__ import annotations

import importlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from hilt.config.errors import ConfigError

BENCHMARKS = {
    "env": "control steps per second",
    "learner": "SAC updates per second, bytes per transition",
    "acfql": "ACFQL updates per second beside the GEMM rate, time to plan a chunk",
    "transport": "bytes on the wire, age of the weights",
    "actors": "rates of 1, 2 and 4 actors beside their learner, lateness of control steps",
    "seat": "latency and cost of the operator's page",
    "data": "cost of recording, time to load what was recorded",
    "packages": "what an installation brings with it",
}
"""Each is a module here with `measure(seconds, peer) -> dict`."""


def main(arguments: Sequence[str]) -> int:
    """Measure what `arguments` name (all without a name) and print it; the exit code."""
    words = [part for word in arguments for part in word.split("=", 1)]
    seconds = _seconds(_value(words, "--seconds") or "5")
    peer, as_json = _flag(words, "--peer"), _flag(words, "--json")
    unknown = [word for word in words if word not in BENCHMARKS]
    if unknown:
        raise ConfigError(
            "bench", f"{unknown[0]!r} is unknown: {', '.join(BENCHMARKS)}, --peer, --json, --seconds S"
        )
    results: dict[str, Any] = {"machine": machine()}
    for name in words or BENCHMARKS:
        print(f"measuring {name}: {BENCHMARKS[name]} ...", file=sys.stderr, flush=True)
        results[name] = importlib.import_module(f"hilt.benchmarks.{name}").measure(seconds, peer)
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        _print_table(results)
    return 0


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError("bench", f"--seconds {text}: must be a number") from None


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    from hilt.training.resources import cores

    return {
        "processor": _processor(),
        "cores": cores(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _value(words: list[str], option: str) -> str | None:
    if option not in words or words.index(option) + 1 >= len(words):
        return None
    place = words.index(option)
    return words.pop(place) and words.pop(place)


def _flag(words: list[str], option: str) -> bool:
    found = option in words
    if found:
        words.remove(option)
    return found


def _print_table(results: Mapping[str, Any]) -> None:
    table = Table("figure", "value")
    for name, value in _flatten(results):
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console().print(table)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        rows += _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(prefix + key, value)]
    return rows
