"""The pictures of docs/tasks.md: how each task begins, goes on and ends in the expert's hands.

python -m benchmarks.task_pictures docs/images/tasks
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from hilt.envs import make, task_names

SIZE, CUT = (300, 400), (slice(50, 280), slice(100, 330))
"""(height, width) of what is drawn, pixels, and the part of it that is kept."""
MOMENTS = (0.0, 0.55, 1.0)
"""Of the episode."""


def strip(task: str, seed: int) -> np.ndarray:
    """Three pictures beside each other, uint8 `[230, 690, 3]`."""
    env = make(task, action_mode="ee_delta_pose", number_of_steps_after_success=3)
    env.reset(seed=seed)
    frames, over = [env.live_view(SIZE)], False
    while not over:
        _, _, terminated, truncated, _ = env.step(env.expert.action())
        over = terminated or truncated
        frames.append(env.live_view(SIZE))
    env.close()
    return np.concatenate([frames[round(moment * (len(frames) - 1))][CUT] for moment in MOMENTS], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for task in task_names():
        picture = Image.fromarray(strip(task, arguments.seed)).quantize(128)
        picture.save(arguments.folder / f"{task}.png", optimize=True)


if __name__ == "__main__":
    main()
