"""Made-up episodes whose observations say which frame they are: `observation.state` is [episode, step]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hilt.data.transition import IMAGES, STATE, Controller, Feature, Observation, Schema, Transition

IMAGE = f"{IMAGES}.front"
STATE_SCHEMA = Schema({STATE: Feature((2,))}, Feature((4,)))
PIXEL_SCHEMA = Schema({STATE: Feature((2,)), IMAGE: Feature((3, 6, 5), "uint8")}, Feature((4,)))


def frame(episode: int, step: int, schema: Schema = STATE_SCHEMA) -> Observation:
    observation: Observation = {STATE: np.array([episode, step], np.float32)}
    if IMAGE in schema.observation:
        noise = np.random.default_rng([episode, step])
        observation[IMAGE] = noise.integers(256, size=schema.observation[IMAGE].shape, dtype=np.uint8)
    return observation


def transition(
    episode: int,
    step: int,
    *,
    terminated: bool = False,
    truncated: bool = False,
    success: bool = False,
    intervention: bool = False,
    schema: Schema = STATE_SCHEMA,
) -> Transition:
    """Step `step` of `episode`; reward, penalty and action follow from the two numbers."""
    action = np.array([step % 7, episode % 5, -step, 2], np.float32) / 8
    return Transition(
        observation=frame(episode, step, schema),
        action=action,
        policy_action=-action,
        controller=Controller.OPERATOR if intervention else Controller.POLICY,
        reward=float((3 * episode + 5 * step) % 11) / 4,
        terminated=terminated,
        truncated=truncated,
        next_observation=frame(episode, step + 1, schema),
        discrete_penalty=-float((episode + step) % 3) / 16,
        episode_id=episode,
        step=step,
        is_success=success,
    )


def episode(
    number: int, length: int, *, truncated: bool = False, schema: Schema = STATE_SCHEMA
) -> list[Transition]:
    """A whole episode that ends in success, or by its time limit."""
    return [
        transition(
            number,
            step,
            terminated=step == length - 1 and not truncated,
            truncated=step == length - 1 and truncated,
            success=step == length - 1 and not truncated,
            schema=schema,
        )
        for step in range(length)
    ]


def interleaved(
    rng: np.random.Generator, count: int, actors: int, *, loss: float = 0.0, schema: Schema = STATE_SCHEMA
) -> Iterator[Transition]:
    """`count` transitions of several actors of different speeds, a share `loss` of them missing."""
    speed = rng.dirichlet(np.full(actors, 0.5))
    next_episode, places = actors, [(actor, 0) for actor in range(actors)]
    produced = 0
    while produced < count:
        actor = rng.choice(actors, p=speed)
        number, step = places[actor]
        ends = rng.random() < 0.15
        terminal = ends and rng.random() < 0.5
        places[actor] = (number, step + 1)
        if ends:
            places[actor], next_episode = (next_episode, 0), next_episode + 1
        if rng.random() < loss:
            continue
        produced += 1
        yield transition(
            number,
            step,
            terminated=terminal,
            truncated=ends and not terminal,
            success=terminal and rng.random() < 0.5,
            intervention=rng.random() < 0.3,
            schema=schema,
        )
