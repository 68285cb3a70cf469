"""The checkpoints that a run left on its way, judged afterwards: the policy alone, on the same episodes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from hilt.runs.checkpoints import read_counters
from hilt.runs.layout import CHECKPOINTS


def judge_checkpoints(run: Path, episodes: int, *, offline: bool = False) -> list[Mapping[str, Any]]:
    """Of each checkpoint, oldest first: when it was written, and the share of `episodes` that succeed.

    With `offline` only of the last that had seen demonstrations alone, if there is one. A process a core,
    each on one thread. The environment's own success counts, whatever pays in training.
    """
    folders = sorted((run / CHECKPOINTS).glob("[0-9]*"))
    if offline:
        folders = [folder for folder in folders if read_counters(folder)["env_steps"] == 0][-1:]
    if not folders:
        return []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(folders), os.cpu_count() or 1), mp_context=spawn) as pool:
        return list(pool.map(partial(_judge, run / "config.json", episodes), folders))


def _judge(config_file: Path, episodes: int, folder: Path) -> Mapping[str, Any]:
    import torch

    from hilt.build.envs import make_environment
    from hilt.build.policies import load_policy
    from hilt.config.load import load_config
    from hilt.rollout.evaluation import evaluate_policy, evaluation_seeds

    torch.set_num_threads(1)
    config = load_config(config_file)
    env = make_environment(config, learned_reward=False)
    results = evaluate_policy(env, load_policy(folder), evaluation_seeds(config.eval.seed, episodes))
    env.close()
    counters = read_counters(folder)
    return {
        "seconds": round(counters["elapsed_s"], 1),
        "env_steps": counters["env_steps"],
        "updates": counters["step"],
        "success": sum(result.is_success for result in results) / episodes,
    }
