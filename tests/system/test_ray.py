"""`hilt sweep --cluster` on a real Ray cluster of two nodes on this machine, one of which dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hilt.training.ray_places import ClusterError, ray_places
from hilt.training.resources import GIB, Needs
from tests.system.runs import Hilt, checkpoint_step, doubled, holes, logged, write_config
from tests.system.test_sweep import CONFIG, NAMES

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hilt[ray]'")
pytestmark = [pytest.mark.timeout(3000), pytest.mark.slow]
NODE: dict[str, Any] = {"num_cpus": 2, "object_store_memory": 100 * 2**20, "memory": 4 * GIB}


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head, which trains, too."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    yield made
    made.shutdown()


def test_a_node_that_dies_costs_no_training_and_no_step(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.PATIENCE_S", 1200.0)
    second = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    file = write_config(tmp_path, CONFIG)
    runs = [tmp_path / "swept" / name for name in NAMES]
    sweep = Hilt(
        tmp_path,
        *("sweep", f"--config_path={file}", "--output_dir=swept", "--seeds=2"),
        f"--cluster={cluster.address}",
    )
    sweep.until(lambda: all(checkpoint_step(run) > 20 for run in runs), "both train")
    logs = [set(logged(run)) for run in runs]
    cluster.remove_node(second, allow_graceful=False)
    assert sweep.wait(1200) == 0
    assert sweep.said.count("died, and goes on from its last checkpoint") == 1
    assert "2 of 2" in sweep.said
    for run, before in zip(runs, logs, strict=True):
        steps = logged(run)
        assert before <= set(steps)
        assert not doubled(steps)
        assert not holes(steps)
    began = [(run / "train.log").read_text().count("run in ") for run in runs]
    assert sorted(began) == [1, 2]


@pytest.mark.parametrize(
    ("needs", "message"),
    [(Needs(64, GIB), "no node has what one training needs: 64 cores"), (Needs(2, GIB, 3), "3 GPUs")],
)
def test_what_no_node_has_is_said(cluster: Any, tmp_path: Path, needs: Needs, message: str) -> None:
    with pytest.raises(ClusterError, match=message), ray_places(cluster.address, needs, tmp_path / "x"):
        raise AssertionError("fit")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("version", "said"), [('"0.0.7"', "has hilt 0.0.7"), ("missing", "has no hilt")])
def test_a_node_with_another_hilt_is_named(cluster: Any, tmp_path: Path, version: str, said: str) -> None:
    other = tmp_path / "site" / "hilt"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text(
        f"__version__ = {version}" if version != "missing" else "raise ImportError('none')"
    )
    cluster.add_node(**NODE, env_vars={"PYTHONPATH": str(other.parent)})
    cluster.wait_for_nodes()
    with pytest.raises(ClusterError, match=said), ray_places(cluster.address, Needs(2, GIB), tmp_path / "x"):
        raise AssertionError("fit")
    assert not (tmp_path / "x").exists()


def test_storage_that_a_node_does_not_see_is_named(cluster: Any, tmp_path: Path) -> None:
    """This process alone sees the folder by that name."""
    opened = os.open(tmp_path, os.O_RDONLY)
    os.dup2(opened, 250)
    folder = Path("/proc/self/fd/250")
    with (
        pytest.raises(ClusterError, match="does not see"),
        ray_places(cluster.address, Needs(2, GIB), folder),
    ):
        raise AssertionError("fit")
    assert not list(tmp_path.iterdir())
    os.close(opened)
    os.close(250)


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    file = write_config(tmp_path, CONFIG)
    for address in ("127.0.0.1:9", "auto"):
        sweep = Hilt(tmp_path, "sweep", f"--config_path={file}", "--output_dir=x", f"--cluster={address}")
        assert sweep.wait() == 2
        (line,) = sweep.said.splitlines()
        assert f"--cluster={address} cannot be reached" in line
        assert not (tmp_path / "x").exists()
