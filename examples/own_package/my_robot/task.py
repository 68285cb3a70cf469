"""A task: touch a ball with the tool. `env.task: "my_robot.task:TouchBall"`."""

import numpy as np

from hilt.envs.control import DOWN, STAY
from hilt.envs.tasks.base import Task, TaskExpert, distance, inside

RADIUS = 0.02
NEAR = 0.035
"""How close the tool must come, m."""
LOW, HIGH = np.array((0.3, -0.15, -0.05)), np.array((0.55, 0.15, 1.0))


class TouchBall(Task):
    """Success: the tool is within 35 mm of the ball, which lies still."""

    @classmethod
    def scene(cls):
        return f"""<mujoco>
          <worldbody>
            <body name="ball" pos="0.45 0 {RADIUS}" mocap="true">
              <geom type="sphere" size="{RADIUS}" contype="0" conaffinity="0" rgba="0.1 0.5 0.9 1"/>
            </body>
          </worldbody>
        </mujoco>"""

    def reset(self, rng, data):
        xy = rng.uniform(LOW[:2], HIGH[:2]) if self.variation.randomize else (0.45, 0.0)
        data.mocap_pos[0] = (*xy, RADIUS)

    def ball(self, data):
        """`[..., 3]` m."""
        return data.mocap_pos[..., 0, :]

    def environment_state(self, data):
        return np.asarray(self.ball(data))

    @property
    def environment_names(self):
        return ["ball.x", "ball.y", "ball.z"]

    def is_success(self, data):
        return np.asarray(distance(self.robot.tcp_pos(data), self.ball(data)) < NEAR)

    def is_lost(self, data):
        return np.asarray(~inside(self.ball(data), LOW, HIGH))

    def dense_reward(self, data):
        return np.asarray(1.0 - np.tanh(5.0 * distance(self.robot.tcp_pos(data), self.ball(data))))

    def expert(self, data, controller):
        return TouchBallExpert(self, data, controller)


class TouchBallExpert(TaskExpert):
    """Straight to the ball."""

    def action(self):
        return self.steer(self.task.ball(self.data), DOWN, STAY)

    def in_danger(self):
        return False
