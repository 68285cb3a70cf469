"""An arm: six joints and a parallel gripper, of primitive shapes. `env.robot: "my_robot.arm:SixAxis"`."""

from pathlib import Path

from hilt.envs.robot import Robot


class SixAxis(Robot):
    """Three joints bend it in the plane that the base has turned; the last two lean and turn the tool."""

    name = "six_axis_simulated"
    joints = ("joint1", "joint2", "joint3", "joint4", "joint5", "joint6")
    home = (0.0, 0.313, 1.872, 0.957, 0.0, 0.0)
    max_opening = 0.07
    workspace = ((0.22, -0.3, 0.0), (0.6, 0.3, 0.4))

    @classmethod
    def mjcf(cls):
        return Path(__file__).with_name("arm.xml").read_text()
