"""What learner, actor and checkpoints know of an algorithm, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hilt.algorithms.optimizer import Optimizer
from hilt.algorithms.spec import PolicySpec
from hilt.config.learning import LearningPolicy, PolicyBase
from hilt.config.write import to_dict
from hilt.data.batch import Batch, ObservationBatch
from hilt.errors import UserError
from hilt.networks.pretrained import PretrainedEncoder

Sampler = Callable[[], Batch]
"""A fresh batch at every call, on the device of the algorithm."""

Range = tuple[float, float]
"""(lowest, highest)."""

Metrics = dict[str, Tensor]
"""Name -> detached scalar. Left on the device: reading one (`.item()`) waits for the computation."""


class StateError(UserError, ValueError):
    """Saved tensors do not fit the algorithm that they are loaded into."""


class Policy(nn.Module, ABC):
    """Observations to actions in environment units.

    Its `state_dict()`, normalisation and action scaling included, and its `config` (plain JSON) are all that
    `hilt.algorithms.registry.policy_from_config` needs to rebuild it.
    """

    config: dict[str, Any]

    def __init__(self, settings: LearningPolicy, spec: PolicySpec, backbone: nn.Module | None = None) -> None:
        super().__init__()
        self.config = {
            "type": settings.type,
            "policy": keys_of(settings),
            "backbone": backbone.to_json() if isinstance(backbone, PretrainedEncoder) else None,
            **spec.to_json(),
        }

    @abstractmethod
    def act(
        self,
        observation: ObservationBatch,
        *,
        deterministic: bool,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Actions (B, A), float32, in environment units; all noise comes from `generator`."""

    def reset(self) -> None:
        """An episode begins. Policies that plan ahead drop their plan."""

    def interrupt(self) -> None:
        """The operator takes over, or lets go. Policies that plan ahead drop their plan."""

    @property
    def frozen(self) -> set[str]:
        """Names in `state_dict()` that training never changes: statistics, a frozen pretrained encoder."""
        learned = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return self.state_dict().keys() - learned

    @property
    def is_mid_plan(self) -> bool:
        """Actions planned earlier are still to be executed; new weights wait until they are."""
        return False


class Algorithm(ABC):
    """A policy and the updates that improve it.

    It is made by `cls(settings, spec, backbone, target_range=..., seed=..., device=...)`, see
    `hilt.algorithms.registry.make_algorithm`. Subclasses fill `modules`, `optimizers` and `generator`; with
    the number of `updates` these are everything that an update depends on, so that saving and loading them
    equals never having stopped.
    """

    config_class: ClassVar[type[LearningPolicy]]
    """The keys of `policy` that it has."""
    policy: Policy
    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    generator: torch.Generator
    updates: int = 0
    """Calls of `update` so far."""

    @staticmethod
    @abstractmethod
    def make_policy(settings: Any, spec: PolicySpec, backbone: PretrainedEncoder | None) -> Policy:
        """The policy, untrained, of a saved one's `settings`, which are of `config_class`."""

    @abstractmethod
    def update(self, sample: Sampler) -> Metrics:
        """One optimisation step; draws as many batches as it needs from `sample`."""

    def state_tensors(self) -> dict[str, Tensor]:
        """Copies on the CPU of everything that an exact resume needs, flat, ready for safetensors."""
        state = {"updates": torch.tensor(self.updates), "generator": self.generator.get_state()}
        for name, module in self.modules.items():
            state |= _prefixed(f"module.{name}", module.state_dict())
        for name, optimizer in self.optimizers.items():
            state |= _prefixed(f"optimizer.{name}", optimizer.state_tensors())
        return {key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in state.items()}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `state_tensors`; raises StateError when `state` is of another algorithm or size."""
        try:
            for name, module in self.modules.items():
                module.load_state_dict(_under(f"module.{name}", state))
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_tensors(_under(f"optimizer.{name}", state))
            self.generator.set_state(state["generator"])
            self.updates = int(state["updates"])
        except (IndexError, KeyError, RuntimeError) as error:
            raise StateError(
                f"this training state was saved by an algorithm of another kind or size: {error}"
            ) from error


_ELSEWHERE = PolicyBase.model_fields.keys() - {"use_amp"} | {"actor_learner_config", "vision_encoder_name"}
"""Keys that a policy is not made of: where it came from, where it goes, what `PolicySpec` says."""


def keys_of(settings: LearningPolicy) -> dict[str, Any]:
    """The keys of `policy` that a saved policy holds."""
    return {key: value for key, value in to_dict(settings).items() if key not in _ELSEWHERE}


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
