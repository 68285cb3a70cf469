"""Policy weights: what the learner publishes, how they are cut into messages and put together again.

Tensors travel as safetensors, in chunks. Those that never change (a frozen encoder) travel once per call.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from hilt.transport.hilt_pb2 import FromLearner, WeightsBegin

CHUNK_BYTES = 512 * 1024
"""Small enough that acknowledgements need not wait long behind a chunk on a slow link."""


class ProtocolError(RuntimeError):
    """The other side breaks the rules of the conversation; the call has to be given up."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The parameters of a policy, and the configuration to build that policy from nothing else."""

    version: int
    """1 or more; actors take what comes last, whatever its number."""
    tensors: Mapping[str, torch.Tensor]
    config: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only."""


def _to_cpu(tensors: Mapping[str, torch.Tensor], names: Collection[str]) -> dict[str, torch.Tensor]:
    """Copies, so that the optimiser may go on writing into the originals."""
    return {name: tensors[name].detach().to("cpu", copy=True).contiguous() for name in names}


@dataclass(frozen=True)
class FrozenTensors:
    """Tensors that stay as they are for a whole run."""

    tensors: Mapping[str, torch.Tensor]

    @cached_property
    def data(self) -> bytes:
        return bytes(save(dict(self.tensors)))


class Publication:
    """One version of the weights, copied when it was made and serialised when the first actor wants it."""

    def __init__(self, weights: Weights, frozen: Collection[str], previous: Publication | None) -> None:
        """Raises KeyError when `frozen` names a tensor that is not there, ValueError for a bad version."""
        if weights.version < 1:
            raise ValueError(f"weights have version {weights.version}: it must be 1 or more")
        self.version = weights.version
        self.config = json.dumps(weights.config)
        unchanged = previous is not None and previous.frozen.tensors.keys() == set(frozen)
        self.frozen: FrozenTensors = (
            previous.frozen if previous and unchanged else FrozenTensors(_to_cpu(weights.tensors, frozen))
        )
        self._live = _to_cpu(weights.tensors, weights.tensors.keys() - set(frozen))
        self._data: bytes | None = None
        self._lock = threading.Lock()

    def _live_data(self) -> bytes:
        with self._lock:
            if self._data is None:
                self._data = save(self._live)
                self._live = {}
            return self._data

    def messages(self, known: FrozenTensors | None) -> Iterator[FromLearner]:
        """The transfer to an actor that already has the frozen tensors `known`."""
        frozen = b"" if known is self.frozen or not self.frozen.tensors else self.frozen.data
        live = self._live_data()
        yield FromLearner(
            weights=WeightsBegin(
                version=self.version, config=self.config, frozen_nbytes=len(frozen), nbytes=len(live)
            )
        )
        for data in (frozen, live):
            for start in range(0, len(data), CHUNK_BYTES):
                yield FromLearner(chunk=data[start : start + CHUNK_BYTES])


def _to_tensors(data: bytes) -> dict[str, torch.Tensor]:
    try:
        return dict(load(data))
    except (SafetensorError, KeyError, AssertionError, RuntimeError, ValueError) as error:
        raise ProtocolError(f"the weights are not readable: {error}") from error


def _to_config(text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the policy's configuration is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ProtocolError(f"the policy's configuration is a {type(config).__name__}, not an object")
    return config


class Assembly:
    """Puts the transfers of one call together. A transfer that breaks off leaves nothing behind."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._frozen: dict[str, torch.Tensor] = {}
        self._begin: WeightsBegin | None = None
        self._chunks: list[bytes] = []
        self._missing = 0

    def begin(self, begin: WeightsBegin) -> None:
        """Raises ProtocolError on a transfer inside a transfer, or on one that is empty or too large."""
        if self._begin is not None:
            raise ProtocolError(f"weights {begin.version} began inside weights {self._begin.version}")
        size = begin.frozen_nbytes + begin.nbytes
        if not 0 < begin.nbytes <= size <= self._max_bytes:
            raise ProtocolError(f"weights of {size} bytes: 1 to {self._max_bytes} are taken")
        self._begin, self._chunks, self._missing = begin, [], size

    def chunk(self, data: bytes) -> Weights | None:
        """The weights, once `data` completes them. Raises ProtocolError when it does not fit."""
        if self._begin is None or not 0 < len(data) <= self._missing:
            raise ProtocolError(f"{len(data)} bytes of weights where {self._missing} were due")
        self._chunks.append(data)
        self._missing -= len(data)
        return self._complete(self._begin) if self._missing == 0 else None

    def _complete(self, begin: WeightsBegin) -> Weights:
        data = b"".join(self._chunks)
        self._begin, self._chunks = None, []
        if begin.frozen_nbytes:
            self._frozen = _to_tensors(data[: begin.frozen_nbytes])
        live = _to_tensors(data[begin.frozen_nbytes :])
        return Weights(begin.version, self._frozen | live, _to_config(begin.config))
