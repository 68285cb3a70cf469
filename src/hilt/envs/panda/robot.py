"""The Franka Panda in simulation."""

from __future__ import annotations

from importlib import resources

from hilt.envs.panda.reach import within_reach
from hilt.envs.physics import Array
from hilt.envs.robot import Robot


class Panda(Robot):
    name = "franka_panda_simulated"
    joints = tuple(f"joint{number}" for number in range(1, 8))
    home = (0.0, 0.195, 0.0, -2.43, 0.0, 2.62, 0.785)
    max_opening = 0.08
    workspace = ((0.2, -0.3, 0.0), (0.6, 0.3, 0.5))

    @classmethod
    def mjcf(cls) -> str:
        return resources.files(__package__).joinpath("panda.xml").read_text()

    def within_reach(self, pos: Array, quat: Array) -> Array:
        return within_reach(pos, quat)
