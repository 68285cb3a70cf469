"""Watch a policy that grows better from episode to episode, and take over from it in a browser.

Run it, and open the link that it prints. An expert whose hand shakes less and less stands in for a policy; a
simulated human helps it, as you can.
"""

import numpy as np

from hilt.data.transition import IMAGES
from hilt.envs import make
from hilt.envs.feature_env import Environment
from hilt.operators import Habits, ScriptedOperator
from hilt.operators.browser import BrowserOperator
from hilt.operators.compose import FirstOf
from hilt.rollout.rollout import Clock, Observer, Rollout
from hilt.webui import Seat, Telemetry, View, heading_of

FAST_EPISODES = 30
"""These are over in a moment; the rest is in real time."""


class ShakyExpert:
    """Knows what to do, and learns to do it with a calm hand."""

    def __init__(self, env, rng):
        self._env, self._rng, self.skill = env, rng, 0.0

    def reset(self, seed):
        self.skill = min(0.95, self.skill + 0.032)
        self._slip = np.zeros(3)

    def interrupt(self):
        self._slip[:] = 0

    def __call__(self, observation):
        action = self._env.expert.action().copy()
        self._slip = 0.97 * self._slip + self._rng.normal(0, 0.33 * (1 - self.skill), 3)
        action[:3] = 0.8 * action[:3] + self._slip
        return self._env.clip(action)


class Figures:
    """What the page shows of the run, from the accounts of its episodes."""

    def __init__(self, fps, time_limit_s):
        self.fps, self.time_limit_s = fps, time_limit_s
        self.done = []

    def telemetry(self, episode, transition):
        recent, every = self.done[-10:], [*self.done, episode]
        return Telemetry(
            phase="practising",
            controller="operator" if transition.is_intervention else "policy",
            episode=len(every),
            step=transition.step,
            time_s=transition.step / self.fps,
            time_limit_s=self.time_limit_s,
            outcome=("success" if episode.is_success else "timeout") if transition.done else None,
            success_rate=share(past.is_success for past in recent),
            intervention_rate=share(past.intervention_steps / past.length for past in recent),
            human_seconds=sum(one.intervention_steps for one in every) / self.fps,
            human_seconds_episode=episode.intervention_steps / self.fps,
            takeovers=sum(one.takeovers for one in every),
            takeovers_episode=episode.takeovers,
        )


def share(values):
    values = list(values)
    return float(np.mean(values)) if values else None


def pictures(observation):
    """Camera -> [H, W, 3]."""
    prefix = f"{IMAGES}."
    return {
        name.removeprefix(prefix): image.transpose(1, 2, 0)
        for name, image in observation.items()
        if name.startswith(prefix)
    }


class Show(Observer):
    """Every step to the page; in real time after the first episodes."""

    def __init__(self, env, seat, figures):
        self.env, self.seat, self.figures, self.clock = env, seat, figures, Clock(env.fps)

    def on_step(self, episode, transition, outcome):
        live = len(self.figures.done) >= FAST_EPISODES
        view = self.env.render() if live and self.seat.watching else None
        telemetry = self.figures.telemetry(episode, transition)
        self.seat.show(View(telemetry, pictures(outcome.observation), view))
        if live:
            self.clock.wait()


def main():
    env = Environment(make("PickCube", obs_type="pixels", render_size=(360, 480)))
    env.reset(0)
    seat = Seat(heading=heading_of(env.gym.data.camera("view").xmat.reshape(3, 3)))
    print(seat.url, flush=True)
    limits = {"fps": env.fps, "action_low": env.action_low, "action_high": env.action_high}
    helper = ScriptedOperator(seed=0, habits=Habits(attention=0.8, trust=0.6), **limits)
    operator = FirstOf(BrowserOperator(seat, **limits), helper)
    figures = Figures(env.fps, env.gym.max_steps / env.fps)
    policy = ShakyExpert(env, np.random.default_rng(0))
    rollout = Rollout(env, policy, operator, lambda transition: None, [Show(env, seat, figures)])
    while not seat.requests.stopped:
        number = len(figures.done)
        figures.done.append(rollout.run_episode(number, number, lambda: seat.requests.stopped))
    seat.close()


if __name__ == "__main__":
    main()
