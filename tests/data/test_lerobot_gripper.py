"""gym-hil says 2 for "close" and stores the gripper's command; hilt says 2 for "open" and stores metres."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hilt.commands.inspect_dataset import summarise
from hilt.data.lerobot import DatasetError, DatasetReader, DatasetWriter
from hilt.data.transition import Controller, Feature, Schema, Transition

STATE = "observation.state"
SCHEMA = Schema({STATE: Feature((18,))}, Feature((4,)))


def foreign(root: Path, gripper_state: np.ndarray, schema: Schema = SCHEMA) -> np.ndarray:
    """A dataset as another program would leave it, without hilt's sidecar; returns the actions."""
    rng = np.random.default_rng(0)
    states = rng.normal(size=(len(gripper_state) + 1, schema.observation[STATE].shape[0])).astype(np.float32)
    if states.shape[1] > 14:
        states[:-1, 14] = gripper_state
        states[-1, 14] = gripper_state[-1]
    actions = rng.uniform(0, 2, (len(gripper_state), schema.action_dim)).astype(np.float32)
    with DatasetWriter(root, schema, fps=10, task="pick") as writer:
        for k, action in enumerate(actions):
            writer.add(
                Transition(
                    observation={STATE: states[k]},
                    action=action,
                    policy_action=action,
                    controller=Controller.OPERATOR,
                    reward=0.0,
                    terminated=False,
                    truncated=k == len(actions) - 1,
                    next_observation={STATE: states[k + 1]},
                    discrete_penalty=0.0,
                    episode_id=0,
                    step=k,
                )
            )
        writer.finish_episode()
    (root / "meta/hilt.jsonl").unlink()
    return actions


COMMANDS = np.array([0, 0, 255, 255, 127.5], np.float32)


@pytest.mark.parametrize("convention", ["auto", "gym_hil"])
def test_gym_hil_is_converted_in_actions_states_and_statistics(tmp_path: Path, convention: str) -> None:
    actions = foreign(tmp_path / "set", COMMANDS)
    reader = DatasetReader(tmp_path / "set", gripper_convention=convention)
    steps = list(reader.transitions())
    assert reader.gripper_convention == "gym_hil"
    got = np.array([step.action for step in steps])
    np.testing.assert_array_equal(got[:, :3], actions[:, :3])
    np.testing.assert_allclose(got[:, 3], 2 - actions[:, 3], atol=1e-6)
    openings = np.array([step.observation[STATE][14] for step in steps])
    np.testing.assert_allclose(openings, [0.08, 0.08, 0, 0, 0.04], atol=1e-6)
    for name, values in (("action", got), (STATE, np.array([step.observation[STATE] for step in steps]))):
        for statistic in ("min", "max", "mean", "std"):
            np.testing.assert_allclose(
                reader.stats[name][statistic], getattr(values.astype(np.float64), statistic)(0), atol=1e-6
            )
        quantiles = np.stack([reader.stats[name][q] for q in ("q01", "q10", "q50", "q90", "q99")])
        assert (np.diff(quantiles, axis=0) >= -1e-9).all()


def test_metres_are_recognised_and_left_alone(tmp_path: Path) -> None:
    actions = foreign(tmp_path / "set", np.array([0.08, 0.04, 0.0], np.float32))
    reader = DatasetReader(tmp_path / "set")
    assert reader.gripper_convention == "hilt"
    np.testing.assert_array_equal([step.action for step in reader.transitions()], actions)


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_what_cannot_be_decided_is_an_error(tmp_path: Path, constant: float) -> None:
    foreign(tmp_path / "set", np.full(4, constant, np.float32))
    with pytest.raises(DatasetError, match="set dataset.gripper_convention to hilt"):
        DatasetReader(tmp_path / "set")
    assert DatasetReader(tmp_path / "set", gripper_convention="hilt").gripper_convention == "hilt"


@pytest.mark.parametrize("commands", [COMMANDS, COMMANDS / 255 * 0.08, np.zeros(4, np.float32)])
@pytest.mark.parametrize("has_state", [True, False])
def test_info_says_what_training_decides(tmp_path: Path, commands: np.ndarray, has_state: bool) -> None:
    """Whether the policy looks at the state or not."""
    foreign(tmp_path / "set", commands.astype(np.float32))
    schema = SCHEMA if has_state else Schema({}, SCHEMA.action)
    told = summarise(tmp_path / "set")
    try:
        decided = DatasetReader(tmp_path / "set", schema=schema).gripper_convention
    except DatasetError:
        decided = "undecided"
    assert told.gripper.startswith(decided)
    assert any("training refuses" in remark for remark in told.warnings) == (decided == "undecided")


def test_info_says_what_an_edit_has_lost(tmp_path: Path) -> None:
    foreign(tmp_path / "set", COMMANDS)
    (remark,) = [text for text in summarise(tmp_path / "set").warnings if "hilt.jsonl" in text]
    for lost in ("after each last action", "time limit", "replay begins", "recorded into"):
        assert lost in remark


def test_robots_without_this_gripper_need_no_convention(tmp_path: Path) -> None:
    schema = Schema({STATE: Feature((3,))}, Feature((2,)))
    actions = foreign(tmp_path / "set", np.zeros(4, np.float32), schema)
    np.testing.assert_array_equal(
        [step.action for step in DatasetReader(tmp_path / "set").transitions()], actions
    )


def test_what_others_leave_out_is_filled_in(tmp_path: Path) -> None:
    root = tmp_path / "set"
    actions = foreign(root, np.array([0.08, 0.04, 0.0], np.float32))
    info = json.loads((root / "meta/info.json").read_text())
    for name in list(info["features"]):
        if name.startswith("complementary_info.") or name in ("next.truncated", "next.done"):
            del info["features"][name]
    (root / "meta/info.json").write_text(json.dumps(info))
    steps = list(DatasetReader(root).transitions())
    assert all(step.controller is Controller.OPERATOR and step.discrete_penalty == 0 for step in steps)
    np.testing.assert_array_equal([step.policy_action for step in steps], actions)
    assert [(step.terminated, step.truncated) for step in steps] == [(False, False)] * 2 + [(False, True)]
    np.testing.assert_array_equal(steps[-1].next_observation[STATE], steps[-1].observation[STATE])
