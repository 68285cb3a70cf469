"""How many packages an installation of hilt brings with it, beyond torch and what torch needs."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def measure(seconds: float = 0.0, peer: bool = False) -> dict[str, Any]:
    """`beyond_torch` is the number; `packages` their names. LeRobot 0.6.1 with `hilserl` installs 148."""
    packages = sorted(closure("hilt") - closure("torch") - {"hilt"})
    return {"beyond_torch": len(packages), "target": 40, "packages": " ".join(packages)}


def closure(name: str) -> set[str]:
    """`name` and everything that it requires here, without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = _normal(waiting.pop())
        if current in found:
            continue
        try:
            requirements = distribution(current).requires or []
        except PackageNotFoundError:
            continue
        found.add(current)
        waiting += [
            match[0] for text in requirements if "extra ==" not in text and (match := _NAME.match(text))
        ]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
