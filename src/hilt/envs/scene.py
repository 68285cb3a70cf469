"""The scene of a MuJoCo simulation as plain data, to be drawn without MuJoCo."""

from __future__ import annotations

from typing import Any, Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.data.scene import Array, Four, Frame, Kind, RobotBodies, Scene, Solid, Triple

LAST_VISIBLE_GROUP = 2
"""MuJoCo's viewers show the geoms of groups 0 to 2."""

_GEOM = mujoco.mjtGeom
_KINDS: dict[int, Kind] = {
    int(_GEOM.mjGEOM_PLANE): "plane",
    int(_GEOM.mjGEOM_SPHERE): "sphere",
    int(_GEOM.mjGEOM_CAPSULE): "capsule",
    int(_GEOM.mjGEOM_ELLIPSOID): "ellipsoid",
    int(_GEOM.mjGEOM_CYLINDER): "cylinder",
    int(_GEOM.mjGEOM_BOX): "box",
}


class SceneSource(Protocol):
    """An environment that says what it is made of, and where that is."""

    def describe_scene(self) -> Scene | None:
        """What it is made of now; None: there is more in it than primitive shapes."""
        ...

    def scene_frame(self, proposed: NDArray[np.float32] | None = None) -> Frame:
        """Where everything is; `proposed` [A] is the action that the policy would have taken."""
        ...


class MujocoScene:
    """The `SceneSource` of any MuJoCo simulation, of which nothing but the shapes is known."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._model, self._data = model, data

    def describe_scene(self) -> Scene | None:
        return describe(self._model)

    def scene_frame(self, proposed: NDArray[np.float32] | None = None) -> Frame:
        return Frame(body_poses(self._data))


def source_of(env: Any) -> SceneSource | None:
    """How an unwrapped environment describes its scene; None: it is no simulation that could be drawn."""
    if hasattr(env, "describe_scene") and hasattr(env, "scene_frame"):
        source: SceneSource = env
        return source
    model, data = getattr(env, "model", None), getattr(env, "data", None)
    if isinstance(model, mujoco.MjModel) and isinstance(data, mujoco.MjData):
        return MujocoScene(model, data)
    return None


def describe(model: mujoco.MjModel, robot: RobotBodies | None = None) -> Scene | None:
    """What is to be seen of `model`; None if part of it is a mesh, a height field, or another shape."""
    visible = [int(geom) for geom in np.flatnonzero(model.geom_group <= LAST_VISIBLE_GROUP)]
    visible = [geom for geom in visible if _colour(model, geom)[3] > 0]
    if any(int(model.geom_type[geom]) not in _KINDS for geom in visible):
        return None
    return Scene(tuple(_solid(model, geom) for geom in visible), int(model.nbody), robot)


def body_poses(data: mujoco.MjData) -> Array:
    """`[B, 7]`: where each body is."""
    return np.concatenate((data.xpos, data.xquat), axis=1)


def surface_below(model: mujoco.MjModel, data: mujoco.MjData, point: Array, excluded: int = -1) -> float:
    """Height [m] of the visible surface straight under `point` [3]; NaN: there is none.

    `excluded` is a body that does not count.
    """
    groups = np.array([group <= LAST_VISIBLE_GROUP for group in range(6)], np.uint8)
    found = np.zeros(1, np.int32)
    way = mujoco.mj_ray(model, data, point, np.array((0.0, 0.0, -1.0)), groups, True, excluded, found)
    return float(point[2] - way) if way >= 0 else float("nan")


def held_body(model: mujoco.MjModel, data: mujoco.MjData, fingers: tuple[int, ...]) -> int | None:
    """The body that every one of `fingers` touches; None: there is none."""
    pairs = model.geom_bodyid[data.contact.geom].reshape(-1, 2)
    touched = [set(pairs[(pairs == finger).any(axis=1)].ravel().tolist()) for finger in fingers]
    common = set.intersection(*touched) - {0, *fingers}
    return min(common, default=None)


def _solid(model: mujoco.MjModel, geom: int) -> Solid:
    return Solid(
        _KINDS[int(model.geom_type[geom])],
        int(model.geom_bodyid[geom]),
        _triple(model.geom_size[geom]),
        _triple(model.geom_pos[geom]),
        _four(model.geom_quat[geom]),
        _colour(model, geom),
    )


def _colour(model: mujoco.MjModel, geom: int) -> Four:
    """Its material's colour; its own where it has no material."""
    material = int(model.geom_matid[geom])
    return _four(model.geom_rgba[geom] if material < 0 else model.mat_rgba[material])


def _triple(values: NDArray[Any]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _four(values: NDArray[Any]) -> Four:
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])
