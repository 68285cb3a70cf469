"""ArrangeBoxes: put each of five boxes onto the target of its colour."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.carrying import CarryingExpert
from hilt.envs.control import Controller
from hilt.envs.physics import Array, Physics, body_pose
from hilt.envs.robot import Robot
from hilt.envs.tasks.base import POSE, Flags, Task, TaskExpert, Variation, distance

COLOURS = ((0.85, 0.16, 0.12), (0.95, 0.70, 0.10), (0.20, 0.62, 0.25), (0.12, 0.40, 0.80), (0.50, 0.22, 0.62))
COUNT = len(COLOURS)

HALF = 0.02
"""Half a box's edge, m."""

TOLERANCE = 0.03
"""A box this near to its target is in place, m."""

ROW_X, ROW_Y = 0.52, np.linspace(-0.2, 0.2, COUNT)
"""Where the targets are; which of them is whose is drawn anew, m."""

SPAWN_LOW, SPAWN_HIGH, APART = np.array((0.27, -0.22)), np.array((0.41, 0.22)), 0.095
"""Where the boxes begin, and how far from each other at least: an open finger fits between, m."""

FIXED_X = 0.34
MAX_YAW = np.pi / 4


def _scene() -> str:
    boxes = "".join(_box(i) for i in range(COUNT))
    touches = "".join(
        f'<contact name="{side}_holds_box{i}" body1="{side}_finger" body2="box{i}"/>'
        for i in range(COUNT)
        for side in ("left", "right")
    )
    return f"<mujoco><worldbody>{boxes}</worldbody><sensor>{touches}</sensor></mujoco>"


def _box(i: int) -> str:
    """A box, and its target: a plate of the same colour, darker, moved by mocap."""
    light, dark = (" ".join(f"{part * shade:.2f}" for part in COLOURS[i]) for shade in (1.0, 0.6))
    return f"""<body name="box{i}" pos="{FIXED_X} {ROW_Y[i]} {HALF}">
          <freejoint name="box{i}"/>
          <geom class="object" type="box" size="{HALF} {HALF} {HALF}" mass="0.1" rgba="{light} 1"/>
        </body>
        <body name="target{i}" mocap="true" pos="{ROW_X} {ROW_Y[i]} 0">
          <geom type="box" size="0.03 0.03 0.001" group="2" contype="0" conaffinity="0" rgba="{dark} 1"/>
        </body>"""


class ArrangeBoxes(Task):
    """Success: every box is within 3 cm of its target."""

    time_limit_s = 60.0

    @classmethod
    def scene(cls) -> str:
        return _scene()

    def __init__(self, robot: Robot, variation: Variation) -> None:
        super().__init__(robot, variation)
        model, every = robot.model, range(COUNT)
        self._boxes = [model.body(f"box{i}").id for i in every]
        self._targets = [model.body(f"target{i}").id for i in every]
        self._mocap = [model.body(f"target{i}").mocapid[0] for i in every]
        self._qpos = [model.joint(f"box{i}").qposadr[0] for i in every]
        self._touch = [
            [model.sensor(f"{side}_holds_box{i}").adr[0] for side in ("left", "right")] for i in every
        ]

    def reset(self, rng: np.random.Generator, data: mujoco.MjData) -> None:
        randomize = self.variation.randomize
        row = rng.permutation(ROW_Y) if randomize else ROW_Y
        places = _apart(rng) if randomize else np.stack((np.full(COUNT, FIXED_X), ROW_Y[::-1]), axis=-1)
        turned = randomize and self.variation.turned
        yaws = rng.uniform(-MAX_YAW, MAX_YAW, COUNT) if turned else np.zeros(COUNT)
        for i, (xy, yaw) in enumerate(zip(places, yaws, strict=True)):
            pose = (*xy, HALF, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
            data.qpos[self._qpos[i] : self._qpos[i] + 7] = pose
            data.mocap_pos[self._mocap[i]] = (ROW_X, row[i], 0.0)

    def box_pos(self, data: Physics) -> Array:
        """`[..., 5, 3]` m."""
        return np.asarray(data.xpos[..., self._boxes, :])

    def box_yaw(self, data: Physics) -> Array:
        """`[..., 5]` rad."""
        return rotations.yaw(data.xquat[..., self._boxes, :])

    def target_pos(self, data: Physics) -> Array:
        """Where the middle of each box belongs, `[..., 5, 3]` m."""
        return np.asarray(data.xpos[..., self._targets, :] + np.array((0.0, 0.0, HALF)))

    def misplacement(self, data: Physics) -> Array:
        """Distance of each box from its target, `[..., 5]` m."""
        return distance(self.box_pos(data), self.target_pos(data))

    def is_held(self, data: Physics) -> Flags:
        """`[..., 5]`: both fingers touch the box."""
        return np.asarray((data.sensordata[..., self._touch] > 0).all(axis=-1))

    def environment_state(self, data: Physics) -> Array:
        """Poses of the five boxes, then the five positions where they belong, `[..., 50]`."""
        poses = [body_pose(data, box) for box in self._boxes]
        targets = self.target_pos(data)
        return np.concatenate((*poses, targets.reshape(*targets.shape[:-2], 3 * COUNT)), axis=-1)

    @property
    def environment_names(self) -> list[str]:
        poses = [f"box_{number}.{part}" for number in range(1, COUNT + 1) for part in POSE]
        return poses + [f"target_{number}.{axis}" for number in range(1, COUNT + 1) for axis in "xyz"]

    def is_success(self, data: Physics) -> Flags:
        return np.asarray((self.misplacement(data) <= TOLERANCE).all(axis=-1))

    def is_lost(self, data: Physics) -> Flags:
        return np.asarray(self.is_away(self.box_pos(data)).any(axis=-1))

    def dense_reward(self, data: Physics) -> Array:
        """Mean nearness of the boxes to their targets."""
        return np.asarray((1.0 - np.tanh(5.0 * self.misplacement(data))).mean(axis=-1))

    def accomplished(self, data: Physics) -> Array:
        """A fifth for each box that is in place."""
        return np.asarray((self.misplacement(data) <= TOLERANCE).mean(axis=-1))

    def expert(self, data: mujoco.MjData, controller: Controller) -> TaskExpert:
        return ArrangeBoxesExpert(self, data, controller)


PLACED, SETTLED = 0.015, 0.022
"""How near to its target the expert lets go of a box, and from where on it fetches it once more, m."""


class ArrangeBoxesExpert(CarryingExpert):
    """Carries what is in the hand to its target; else fetches the nearest box that is not in place."""

    task: ArrangeBoxes
    placed = PLACED

    def action(self) -> NDArray[np.float32]:
        tcp = self.robot.tcp_pos(self.data)
        boxes, targets = self.task.box_pos(self.data), self.task.target_pos(self.data)
        near = distance(boxes, tcp) < 0.02
        held = np.flatnonzero(self.task.is_held(self.data) & near)
        if len(held) and not self._is_down(boxes[held[0]], targets[held[0]]):
            return self.carry(boxes[held[0]], targets[held[0]] - np.array((0.0, 0.0, 0.002)))
        astray = np.flatnonzero(self.task.misplacement(self.data) > SETTLED)
        if not len(astray):
            return self.retreat()
        nearest = astray[np.argmin(distance(boxes[astray], tcp))]
        return self.fetch(boxes[nearest], float(self.task.box_yaw(self.data)[nearest]))

    def in_danger(self) -> bool:
        boxes = self.task.box_pos(self.data)
        near_edge = self.task.is_near_edge(boxes, 0.03)
        dropped = (boxes[:, 2] > HALF + 0.015) & ~self.task.is_held(self.data)
        return bool((near_edge | dropped).any())

    def _is_down(self, box: Array, target: Array) -> bool:
        return float(distance(box[:2], target[:2])) < PLACED and float(box[2]) < HALF + 0.006


def _apart(rng: np.random.Generator) -> Array:
    """Random places for the boxes, `[5, 2]` m, no two too near to each other."""
    while True:
        places = rng.uniform(SPAWN_LOW, SPAWN_HIGH, (COUNT, 2))
        gaps = distance(places[:, None], places[None])[np.triu_indices(COUNT, 1)]
        if gaps.min() >= APART:
            return places
