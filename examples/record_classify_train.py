"""The whole road on a CPU: record, learn a reward from the pictures, train a policy on that reward, evaluate.

A simulated human stands in for you: OPERATOR "keyboard" (or gamepad, browser, quest) puts you at the
controls. Nobody tells the policy when it succeeds, only the classifier does. It judges the evaluation at
the end, too, and `eval.json` says how often it differed from the simulator (when last measured, on two cores:
100 of 100 after three minutes of training, no difference).

A classifier that has only ever seen a raised gripper with the cube in it rewards a raised gripper. So
failures are recorded, too: reaching for the cube, and rising without it.

    python examples/record_classify_train.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hilt

OPERATOR, FUMBLER = "scripted", "hilt.operators.fumbling:Fumbler"
SUCCESSES, FAILURES = 40, 40
"""From these, three of three classifiers saw all held-out successes; one from 20 and 30 saw few of them."""
TASK: dict[str, Any] = {"task": "hilt/PickCube-v0", "obs_type": "pixels"}


def main(folder: Path) -> None:
    dataset, classifier, policy = folder / "dataset", folder / "classifier", folder / "policy"

    print(f"1. Record {SUCCESSES} episodes that go on after success, and {FAILURES} that show failure.")
    recording: dict[str, Any] = {"env": {**TASK, "number_of_steps_after_success": 10}, "operator": OPERATOR}
    shown = {"root": str(dataset), "task": "pick up the cube", "num_episodes_to_record": SUCCESSES}
    hilt.record({**recording, "dataset": shown})
    recording["env"]["processor"] = {"reset": {"control_time_s": 4.0}}
    failures = {**shown, "num_episodes_to_record": FAILURES}
    hilt.record({**recording, "dataset": failures, "operator": FUMBLER, "resume": True})

    print("2. Learn to tell success from the pictures; a fifth of the episodes is kept back to say how well.")
    judge = hilt.train(
        {
            "dataset": {"root": str(dataset)},
            "policy": {"type": "reward_classifier", "learning_rate": 3e-4},
            "batch_size": 64,
            "steps": 1000,
            "output_dir": str(classifier),
        }
    )

    report = judge.result
    quality = report.clear
    print(f"   Recall {quality.recall:.0%}, precision {quality.precision:.0%} at its threshold.")
    if not report.reaches_recall:
        sys.exit(
            "   A policy would get no reward for too many of its successes. Record more of them "
            f"(SUCCESSES), or look at {judge.run / 'report'} and choose another policy.precision_target."
        )

    print("3. Train a policy from pictures on the reward of the classifier, with a human who takes over.")
    judged_by = {"pretrained_path": str(judge.model), "debounce": 3}
    training = hilt.train(
        {
            "env": {**TASK, "processor": {"reward_classifier": judged_by}},
            "dataset": {"root": str(dataset), "episodes": list(range(SUCCESSES))},
            "policy": {"type": "sac", "pretrain_updates": 400, "online_steps": 20_000},
            "batch_size": 128,
            "target_success_rate": 0.99,
            "operator": OPERATOR,
            "eval": {"n_episodes": 100},
            "output_dir": str(policy),
        }
    )
    evaluation = training.result
    judged, true = evaluation.success_rate, evaluation.ground_truth_success_rate
    print(f"4. {judged:.0%} by the classifier, {true:.0%} by the simulator. All is in {training.run}.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/record_classify_train"))
