"""Which torch device a name means on this machine."""

from __future__ import annotations


def resolve_device(name: str) -> tuple[str, str | None]:
    """(device, warning): `auto` is the best there is; one that is not there becomes cpu, with a warning."""
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return ("cuda" if cuda else "mps" if mps else "cpu"), None
    kind, _, index = name.partition(":")
    if kind == "cuda" and (not cuda or int(index or 0) >= torch.cuda.device_count()):
        return "cpu", f"device {name}: not on this machine, using the CPU (--policy.device=cpu says so)"
    if kind == "mps" and not mps:
        return "cpu", f"device {name}: not on this machine, using the CPU (--policy.device=cpu says so)"
    return name, None
