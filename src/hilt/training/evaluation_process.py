"""The process of `Helpers`: its order and then seeds come in on standard input, results go out on standard
output, one line each."""

from __future__ import annotations

import json
import os
import sys

import torch

from hilt.build.envs import make_environment
from hilt.build.policies import load_policy
from hilt.config.device import resolve_device
from hilt.config.load import load_config
from hilt.rollout.evaluation import evaluate_policy
from hilt.training.evaluation_helpers import to_line


def main() -> None:
    """Play the episode of each seed until there are no more, or the command that asked is gone."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an environment prints is no answer
    torch.set_num_threads(1)
    order = json.loads(sys.stdin.readline())
    config = load_config(order["config"])
    policy = load_policy(order["folder"], device=resolve_device(config.device_name)[0])
    env = make_environment(config, features=policy.features)
    seeds = (int(line) for line in iter(sys.stdin.readline, ""))
    evaluate_policy(env, policy, seeds, lambda result: print(to_line(result), file=answers, flush=True))
    env.close()


if __name__ == "__main__":
    main()
