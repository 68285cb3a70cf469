"""What the learner sees of its actors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from hilt.transport.messages import Directive
from hilt.transport.weights import Weights


class Actors(Protocol):
    """All actors of one learner; `hilt.transport.server.TransitionServer` is one."""

    def publish(self, weights: Weights, frozen: Collection[str]) -> None:
        """These are the newest weights; `frozen` names those that never change."""
        ...

    @property
    def weights_wanted(self) -> bool:
        """Some actor would get weights at once if they were published now."""
        ...

    def direct(self, directive: Directive) -> None:
        """Tell every actor, now and later ones, what goes on."""
        ...

    def reports(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """What actors have reported since the last call, with their ids."""
        ...

    @property
    def actors(self) -> Sequence[object]:
        """The actors that are there."""
        ...

    @property
    def local_actors(self) -> int:
        """Those among them that take a core of this machine."""
        ...
