"""Trainings of a sweep on the nodes of a Ray cluster (extra `[ray]`), each where its resources are.

Ray places them and says when a node has died; what a training learns lies in a folder that all nodes share.
"""

from __future__ import annotations

import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hilt.errors import UserError
from hilt.training.ray_worker import RemoteTraining
from hilt.training.resources import GIB, Needs

_REACH_S = 5.0
_ANSWER_S = 60.0
_KILLED = -signal.SIGKILL
_CALLS = 4
"""Of a training at once: one waits for its end."""


class ClusterError(UserError, RuntimeError):
    """A cluster cannot be used; the message says what is missing where."""


class RayJob:
    """A `hilt train` that Ray has placed on a node, or will."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor
        self._end, self._node = actor.run.remote(), actor.node.remote()
        self._where = ""

    @property
    def where(self) -> str:
        """The node's name; "" until it has one."""
        if not self._where and self._is_known(self._node):
            with suppress(self._ray.exceptions.RayError):
                self._where = self._ray.get(self._node)
        return self._where

    @property
    def exit_code(self) -> int | None:
        """Of the training; -9 when its node has died."""
        if not self._is_known(self._end):
            return None
        try:
            return int(self._ray.get(self._end))
        except self._ray.exceptions.RayError:
            return _KILLED

    def terminate(self) -> None:
        """Ask it to end; what waits for a node is withdrawn."""
        if self.where:
            self._actor.terminate.remote()
        else:
            self.kill()

    def kill(self) -> None:
        """End the process that watches it, and it with that."""
        self._ray.kill(self._actor)

    def _is_known(self, promise: Any) -> bool:
        return bool(self._ray.wait([promise], timeout=0)[0])


class RayPlaces:
    """Room for trainings that each need `needs`, on all nodes of a cluster; Ray lets them queue."""

    def __init__(self, ray: Any, needs: Needs) -> None:
        self._ray = ray
        self._remote = ray.remote(RemoteTraining).options(
            num_cpus=needs.cores,
            num_gpus=needs.gpus,
            memory=needs.memory,
            max_concurrency=_CALLS,
            max_restarts=0,
        )
        self._cores = needs.cores

    def start(self, folder: Path) -> RayJob:
        """Begin, or go on with, the run in `folder`."""
        return RayJob(self._ray, self._remote.remote(str(folder), str(Path.cwd()), self._cores))


@contextmanager
def ray_places(address: str, needs: Needs, folder: Path) -> Iterator[RayPlaces]:
    """The cluster at `address` ("auto": the one that this machine belongs to), fit for a sweep in `folder`.

    Raises:
        ClusterError: it cannot be reached, has no node with what a training needs, or a node lacks hilt, has
            another version of it, or does not see `folder`. Nothing was started then.
    """
    try:
        import ray
    except ImportError:
        raise ClusterError("--cluster needs Ray, which is not installed: pip install 'hilt[ray]'") from None
    _connect(ray, address)
    try:
        nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]
        _require_room(nodes, needs)
        _require_fit(ray, nodes, folder)
        yield RayPlaces(ray, needs)
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        if port.isdecimal():
            socket.create_connection((host, int(port)), _REACH_S).close()
        with _same_signals():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ClusterError(
            f"--cluster={address} cannot be reached ({reason}): `ray start --head` begins a cluster, "
            "`ray status` tells of one"
        ) from None


@contextmanager
def _same_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM mean afterwards what they meant before: Ray has ideas of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_room(nodes: list[Any], needs: Needs) -> None:
    wanted = {"CPU": needs.cores, "GPU": needs.gpus, "memory": needs.memory}
    if not any(all(node["Resources"].get(key, 0) >= n for key, n in wanted.items()) for node in nodes):
        memory = f"{needs.memory / GIB:.1f} GiB of memory"
        raise ClusterError(
            f"no node has what one training needs: {needs.cores} cores, {needs.gpus} GPUs, {memory}"
        )


def _require_fit(ray: Any, nodes: list[Any], folder: Path) -> None:
    """Every node has this hilt and sees `folder`."""
    import hilt

    token, is_new = secrets.token_hex(16), not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f".shared-{token}"
    mark.write_text(token)
    try:
        for node, (version, seen) in _answers(ray, nodes, str(mark)):
            if version != hilt.__version__:
                has = "no hilt" if version is None else f"hilt {version}"
                raise ClusterError(f"node {node} has {has}: install hilt {hilt.__version__} there, as here")
            if seen != token:
                raise ClusterError(
                    f"node {node} does not see {folder}: --output_dir must be on storage that all nodes share"
                )
    finally:
        mark.unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):
                folder.rmdir()


def _answers(ray: Any, nodes: list[Any], mark: str) -> Iterator[tuple[str, tuple[str | None, str]]]:
    """(node, (its version of hilt, what it reads in the file `mark`)); None and "" where it has neither."""

    def look(mark: str) -> tuple[str | None, str]:  # inside, so that Ray sends it whole: hilt may be missing
        from pathlib import Path

        try:
            import hilt

            version = str(hilt.__version__)
        except ImportError:
            version = None
        return version, Path(mark).read_text() if Path(mark).is_file() else ""

    pinned = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    remote = ray.remote(look)
    asked = [
        remote.options(num_cpus=0, scheduling_strategy=pinned(node["NodeID"], soft=False)).remote(mark)
        for node in nodes
    ]
    for node, promise in zip(nodes, asked, strict=True):
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}:{node['NodeManagerPort']})"
        try:
            yield name, ray.get(promise, timeout=_ANSWER_S)
        except ray.exceptions.RayError as error:
            raise ClusterError(f"node {name} does not answer: {type(error).__name__}") from None
