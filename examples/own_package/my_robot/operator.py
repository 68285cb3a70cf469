"""An operator: helps in every second episode. `operator: "my_robot.operator:Nudge"`."""

import numpy as np

from hilt.operators.base import NOTHING, Command


class Nudge:
    """Takes the controls in every second episode, and does what the task's expert would, more slowly."""

    interactive = False

    def __init__(self, seed, fps, action_low, action_high, speed=0.5):
        self.speed, self.low, self.high = speed, np.asarray(action_low), np.asarray(action_high)
        self.episode, self.expert = 0, None

    def reset(self, expert):
        self.episode, self.expert = self.episode + 1, expert

    def command(self, policy_action):
        if self.episode % 2 == 0:
            return NOTHING
        action = np.asarray(self.expert.action(), np.float32)
        action[:3] *= self.speed
        return Command(np.clip(action, self.low, self.high).astype(np.float32))

    def close(self):
        pass
