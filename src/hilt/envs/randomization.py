"""What may differ between episodes beside the places of things: looks, physics, latency, noise.

Domain randomisation (Tobin et al., 2017; Peng et al., 2018): what a policy meets in training is varied, so
that it does not lean on what will be otherwise where it is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations

Array = NDArray[np.float64]
Drawn = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Randomization:
    """How far each thing may be from its nominal value; 0 leaves it. Drawn uniformly, once per episode.

    Raises ValueError for a negative number, or a share of 1 or more.
    """

    light: float = 0.0
    """Share by which lights are brighter or darker; their direction turns by as much, rad."""
    colour: float = 0.0
    """Of every geom, each of red, green and blue, of 1."""
    camera_position: float = 0.0
    """Of the cameras that the policy sees through, along each axis, m."""
    camera_rotation: float = 0.0
    """The same, about each axis, rad."""
    friction: float = 0.0
    """Share by which all sliding frictions are more or less."""
    mass: float = 0.0
    """Share by which each object is heavier or lighter."""
    latency_s: float = 0.0
    """Longest time until an action is executed, in whole control steps, s."""
    sensor_noise: float = 0.0
    """Standard deviation of noise on every number observed, in its unit, at every step."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            limit = 1.0 if name in ("light", "friction", "mass") else np.inf
            if not 0 <= value < limit:
                raise ValueError(f"randomization.{name} is {value}: at least 0, and below {limit}")

    @staticmethod
    def of(values: Mapping[str, float] | Randomization | None) -> Randomization:
        """Raises ValueError naming a key that there is not."""
        if isinstance(values, Randomization):
            return values
        known = [field.name for field in fields(Randomization)]
        for name in values or {}:
            if name not in known:
                raise ValueError(f"randomization.{name}: there are {', '.join(known)}")
        return Randomization(**(values or {}))

    def __bool__(self) -> bool:
        return any(asdict(self).values())


VARIED = (
    *("light_diffuse", "light_dir", "geom_rgba", "cam_pos", "cam_quat"),
    *("geom_friction", "body_mass", "body_inertia"),
)
"""Arrays of the model that are written to."""


class Randomizer:
    """Varies one model and what goes in and out of it. `drawn` is what this episode has, by name."""

    def __init__(
        self, model: mujoco.MjModel, ranges: Randomization, cameras: Sequence[str], neutral: Array, fps: float
    ) -> None:
        self.drawn: Drawn = {}
        self._model, self._ranges, self._neutral = model, ranges, neutral
        self._cameras = [model.camera(name).id for name in cameras]
        self._most_latency = round(ranges.latency_s * fps)
        self._objects = np.flatnonzero((model.body_gravcomp == 0) & (model.body_mass > 0))
        self._rng = np.random.default_rng(0)
        self._pending: deque[Array] = deque()
        self._scratch = mujoco.MjData(model)
        self._nominal = {name: getattr(model, name).copy() for name in VARIED}
        self._headlight = model.vis.headlight.diffuse.copy(), model.vis.headlight.ambient.copy()

    def begin(self, rng: np.random.Generator) -> None:
        """A new episode: its values are drawn and written into the model."""
        self._rng = rng
        self.drawn = {
            **self._light(),
            **self._colours(),
            **self._camera_poses(),
            **self._physics(),
            "latency_steps": int(rng.integers(self._most_latency, endpoint=True)),
            "sensor_noise": self._ranges.sensor_noise,
        }
        self._pending = deque([self._neutral] * self.drawn["latency_steps"])

    def delayed(self, action: Array) -> Array:
        """The action `[A]` that is executed now, `action` being the newest."""
        self._pending.append(action)
        return self._pending.popleft()

    def noisy(self, observation: dict[str, Any]) -> dict[str, Any]:
        """The vectors of `observation` as noisy sensors have them; pictures as they are."""
        if not self._ranges.sensor_noise:
            return observation
        return {
            name: value
            if isinstance(value, dict)
            else (value + self._rng.normal(0.0, self._ranges.sensor_noise, value.shape)).astype(value.dtype)
            for name, value in observation.items()
        }

    def _spread(self, width: float, shape: tuple[int, ...] = ()) -> Array:
        return np.asarray(self._rng.uniform(-width, width, shape))

    def _light(self) -> Drawn:
        model, light = self._model, self._ranges.light
        brightness, turn = 1.0 + float(self._spread(light)), self._spread(light, (3,))
        model.light_diffuse[:] = brightness * self._nominal["light_diffuse"]
        model.vis.headlight.diffuse[:], model.vis.headlight.ambient[:] = (
            brightness * nominal for nominal in self._headlight
        )
        model.light_dir[:] = self._nominal["light_dir"] + np.cross(turn, self._nominal["light_dir"])
        model.light_dir[:] /= np.linalg.norm(model.light_dir, axis=-1, keepdims=True)
        return {"light": brightness, "light_turn": turn}

    def _colours(self) -> Drawn:
        nominal = self._nominal["geom_rgba"]
        shift = self._spread(self._ranges.colour, (len(nominal), 3))
        self._model.geom_rgba[:, :3] = np.clip(nominal[:, :3] + shift, 0.0, 1.0)
        return {"colour": self._model.geom_rgba[:, :3].copy()}

    def _camera_poses(self) -> Drawn:
        model, count = self._model, len(self._cameras)
        shift = self._spread(self._ranges.camera_position, (count, 3))
        turn = self._spread(self._ranges.camera_rotation, (count, 3))
        nominal = self._nominal["cam_quat"][self._cameras]
        model.cam_pos[self._cameras] = self._nominal["cam_pos"][self._cameras] + shift
        model.cam_quat[self._cameras] = rotations.multiply(rotations.from_rotation_vector(turn), nominal)
        return {"camera_position": shift, "camera_rotation": turn}

    def _physics(self) -> Drawn:
        model = self._model
        friction = 1.0 + float(self._spread(self._ranges.friction))
        mass = 1.0 + self._spread(self._ranges.mass, (len(self._objects),))
        model.geom_friction[:, 0] = friction * self._nominal["geom_friction"][:, 0]
        model.body_mass[self._objects] = mass * self._nominal["body_mass"][self._objects]
        model.body_inertia[self._objects] = mass[:, None] * self._nominal["body_inertia"][self._objects]
        mujoco.mj_setConst(model, self._scratch)
        return {"friction": friction, "mass": mass}
