"""Training, saving, loading and using a classifier."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from hilt.commands.relabel import main
from hilt.commands.relabel import relabel as relabel_command
from hilt.commands.train import train
from hilt.config.errors import ConfigError
from hilt.config.load import load_config
from hilt.config.run import RunConfig
from hilt.config.write import to_dict
from hilt.data.lerobot import DatasetError, DatasetReader
from hilt.envs.feature_env import Outcome
from hilt.errors import UserError
from hilt.networks.resnet import ResNet, ResNetConfig
from hilt.processors.observation import to_batch
from hilt.rewards.calibration import Quality
from hilt.rewards.frames import LabelledFrames, load_frames
from hilt.rewards.model import RewardClassifier, load_classifier
from hilt.rewards.relabel import relabel
from hilt.rewards.report import Report
from hilt.rewards.reward_function import ClassifierMonitor, ClassifierReward
from hilt.runs.checkpoints import CheckpointError
from hilt.training.classifier_parts import build_classifier, encode_once, open_frames
from hilt.training.reward_classifier import split, train_classifier
from tests.rewards import lamps


def configure(root: Path, steps: int = 100, **policy: Any) -> RunConfig:
    sizes = {"hidden_dim": 32, "latent_dim": 32, "learning_rate": 1e-3, "image_size_encoder": 32}
    return load_config(
        {
            "dataset": {"root": str(root)},
            "policy": {"type": "reward_classifier", **sizes, **policy},
            "batch_size": 32,
            "steps": steps,
            "seed": 1,
        }
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lamps") / "set"
    return lamps.write(root, [lamps.episode(k, succeeds=k % 4 > 0) for k in range(12)])


@pytest.fixture(scope="module")
def run(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    report = train_classifier(configure(dataset), folder)
    assert report.clear.accuracy >= 0.95
    return folder


@pytest.fixture(scope="module")
def classifier(run: Path) -> RewardClassifier:
    return load_classifier(run / "checkpoints" / "last")


def frames_of(dataset: Path, **policy: Any) -> LabelledFrames:
    config = configure(dataset, **policy)
    reader = open_frames(config)
    return load_frames(reader, list(reader.schema.observation), 2)


def resnet_folder(folder: Path) -> str:
    """A tiny ResNet in the layout of Hugging Face, random but real."""
    config = ResNetConfig(embedding_size=4, hidden_sizes=(4, 8), depths=(1, 1))
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    save_file(ResNet(config).state_dict(), folder / "model.safetensors")
    return str(folder)


def test_success_on_fresh_episodes_is_told(classifier: RewardClassifier) -> None:
    steps = [step for number in range(100, 120) for step in lamps.episode(number)]
    said = [
        float(classifier.success_probability(to_batch(_cameras(step.next_observation))))
        >= classifier.spec.threshold
        for step in steps
    ]
    heights = [step.step for step in steps]
    clear = [index for index, height in enumerate(heights) if height not in (5, 6)]
    right = [said[index] == steps[index].is_success for index in clear]
    assert np.mean(right) >= 0.95


def _cameras(observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in observation.items() if array.ndim == 3}


def test_the_run_leaves_a_report_with_pictures(run: Path) -> None:
    report = json.loads((run / "report" / "report.json").read_text())
    assert {"accuracy", "precision", "recall"} <= report["clear"].keys()
    assert 0 < report["threshold"] < 1
    assert report["clear"]["false_positives"] == 0
    assert report["edge"]["accuracy"] >= 0.75  # a step from the change of label, either word may be right
    for name in ("precision_recall.png", "mistakes.png"):
        assert (run / "report" / name).stat().st_size > 5_000
    assert "train/loss_classifier" in json.loads((run / "metrics.jsonl").read_text().splitlines()[0])


@pytest.mark.parametrize("pretrained", [False, True])
def test_every_trainable_parameter_gets_a_gradient(dataset: Path, tmp_path: Path, pretrained: bool) -> None:
    name = resnet_folder(tmp_path / "resnet") if pretrained else None
    frames = frames_of(dataset)
    model = build_classifier(configure(dataset, model_name=name).policy, frames).train()  # type: ignore[arg-type]
    seen = encode_once(model, frames)
    noise = model.encoder.draw_noise(len(seen), torch.Generator().manual_seed(0))
    F.cross_entropy(model(seen.observations, noise), seen.labels).backward()
    trainable = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in trainable.values())
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert all("backbone" in name for name in frozen)
    assert bool(frozen) == pretrained


def test_a_saved_classifier_needs_neither_the_network_nor_the_encoder_it_came_from(
    dataset: Path, tmp_path: Path
) -> None:
    name = resnet_folder(tmp_path / "resnet")
    config = configure(dataset, 5, model_name=name, num_cameras=1)
    train_classifier(config, tmp_path / "run")
    (tmp_path / "resnet" / "model.safetensors").unlink()
    observation = _cameras(lamps.episode(50)[3].observation)
    here = load_classifier(tmp_path / "run/checkpoints/last").success_probability(to_batch(observation))
    np.save(tmp_path / "front.npy", observation[lamps.FRONT])
    script = f"""
import socket
socket.socket.connect = None
import numpy as np
from hilt.processors.observation import to_batch
from hilt.rewards.model import load_classifier
picture = np.load({str(tmp_path / "front.npy")!r})
classifier = load_classifier({str(tmp_path / "run/checkpoints/last")!r})
print(float(classifier.success_probability(to_batch({{{lamps.FRONT!r}: picture}}))))
"""
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(there.stdout) == pytest.approx(float(here), abs=1e-6)


def test_resuming_goes_on_with_the_weights(dataset: Path, run: Path, classifier: RewardClassifier) -> None:
    before = classifier.state_dict()
    config = configure(dataset, 1).model_copy(update={"resume": True})
    train_classifier(config, run)
    after = load_classifier(run / "checkpoints" / "last").state_dict()
    for name, value in after.items():
        assert (value - before[name]).abs().max() < 0.01, name


def test_the_same_seed_gives_the_same_classifier(dataset: Path, tmp_path: Path) -> None:
    weights = []
    for number in range(2):
        torch.rand(number + 1)  # whatever else was drawn before
        train_classifier(configure(dataset, 3), tmp_path / str(number))
        weights.append(load_classifier(tmp_path / str(number) / "checkpoints/last").state_dict())
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_state_can_be_looked_at_too_and_classes_can_be_more(tmp_path: Path) -> None:
    root = tmp_path / "set"
    episodes = [lamps.episode(number) for number in range(6)]
    thirds = [
        [_with_reward(step, float(step.step * 3 // len(steps))) for step in steps] for steps in episodes
    ]
    lamps.write(root, thirds)
    features = {
        lamps.WRIST: {"type": "VISUAL", "shape": [3, lamps.SIZE, lamps.SIZE]},
        lamps.STATE: {"type": "STATE", "shape": [3]},
    }
    config = configure(root, 5, num_classes=3, input_features=features)
    train_classifier(config, tmp_path / "run")
    model = load_classifier(tmp_path / "run/checkpoints/last")
    assert model.spec.features == [lamps.WRIST, lamps.STATE]
    assert model.spec.success_classes == (2,)
    logits = model(to_batch(episodes[0][0].observation))
    assert logits.shape == (1, 3)


def in_thirds(number: int) -> list[Any]:
    """The square low, in the middle, high: labels 0, 1, 2."""
    steps = lamps.episode(number, length=18)
    return [replace(step, reward=float(step.step * 3 // 18)) for step in steps]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned to tell three classes, the upper two of which are success."""
    folder = tmp_path_factory.mktemp("three")
    lamps.write(folder / "set", [in_thirds(number) for number in range(10)])
    keys = {"num_classes": 3, "success_class": [1, 2], "class_rewards": [-0.1, 0.5, 1.0]}
    train_classifier(configure(folder / "set", 200, **keys), folder / "run")
    return folder / "run"


def test_several_classes_are_told_apart_and_reported_each(three: Path) -> None:
    report = json.loads((three / "report/report.json").read_text())
    assert [each["label"] for each in report["classes"]] == [0, 1, 2]
    assert all(each["recall"] > 0.8 and each["precision"] > 0.8 for each in report["classes"])
    assert all(sum(each["taken_for"]) == each["n"] > 0 for each in report["classes"])
    assert report["auc"] > 0.95


def test_every_class_pays_what_it_is_worth(three: Path) -> None:
    model = load_classifier(three / "checkpoints/last")
    reward = ClassifierReward(model, debounce=2, success_reward=2.0, terminate=False)
    low, middle, high = (lamps.look(np.random.default_rng(0), height) for height in (0.1, 0.5, 0.95))
    judged = [reward(look) for look in (low, low, middle, middle, high, low)]
    assert [each.reward for each in judged] == pytest.approx([0, -0.2, 0, 1.0, 2.0, 0])
    assert [each.success for each in judged] == [False, False, False, True, True, False]


def test_a_classifier_saved_before_there_could_be_several_successes_loads(run: Path, tmp_path: Path) -> None:
    saved = run / "checkpoints/last/pretrained_model"
    shutil.copytree(saved, tmp_path / "old")
    config = json.loads((saved / "config.json").read_text())
    del config["success_classes"], config["class_rewards"]
    (tmp_path / "old/config.json").write_text(json.dumps({**config, "success_class": 1}))
    assert load_classifier(tmp_path / "old").spec == load_classifier(saved).spec


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"num_classes": 3, "success_class": 3}, "success_class = 3: must be below num_classes, 3"),
        ({"success_class": [0, 1]}, "some class must be none of success"),
        ({"class_rewards": [0.0, 0.5, 1.0]}, "class_rewards.*must be num_classes = 2 numbers"),
        ({"success_class": "all"}, "success_class = .all."),
    ],
)
def test_classes_that_contradict_each_other_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        configure(Path("set"), **keys)


def test_more_classes_than_labels_are_refused_before_anything_is_written(
    dataset: Path, tmp_path: Path
) -> None:
    config = configure(dataset, num_classes=3).model_copy(update={"output_dir": str(tmp_path / "run")})
    with pytest.raises(DatasetError, match="labels 0, 1, policy.num_classes = 3 means the classes 0, 1, 2"):
        train(config)
    assert not (tmp_path / "run").exists()


def _with_reward(step: Any, reward: float) -> Any:
    return replace(step, reward=reward)


def test_a_dataset_with_fewer_cameras_than_asked_for_is_an_error(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has 2 cameras, policy.num_cameras asks for 3"):
        train_classifier(configure(dataset, num_cameras=3), tmp_path)


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        load_classifier(tmp_path / "nothing")
    (tmp_path / "config.json").write_text('{"type": "sac"}')
    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="'sac', not a reward classifier"):
        load_classifier(tmp_path)


def test_success_is_paid_after_enough_frames_in_a_row(classifier: RewardClassifier) -> None:
    high, low = (lamps.look(np.random.default_rng(0), height) for height in (1.0, 0.0))
    reward = ClassifierReward(classifier, debounce=2, success_reward=5.0)
    reward.reset()
    paid = [reward(observation).reward for observation in (high, low, high, high, high, low)]
    assert paid == [0, 0, 0, 5, 5, 0]
    reward.reset()
    assert not reward(high).terminate
    assert reward(high).terminate
    reward.reset()
    assert not reward(high).success
    assert not ClassifierReward(classifier, debounce=1, terminate=False)(high).terminate


def test_a_picture_of_another_size_is_named(classifier: RewardClassifier) -> None:
    observation = {**lamps.look(np.random.default_rng(0), 0.5), lamps.WRIST: np.zeros((3, 16, 16), np.uint8)}
    with pytest.raises(UserError, match=r"observation.images.wrist of shape \[3, 32, 32\]"):
        ClassifierReward(classifier)(observation)


def test_larger_pictures_are_scaled_to_the_size_that_it_was_trained_on(classifier: RewardClassifier) -> None:
    small = lamps.look(np.random.default_rng(0), 1.0)
    large = {name: a.repeat(2, 1).repeat(2, 2) if a.ndim == 3 else a for name, a in small.items()}
    reward = ClassifierReward(classifier)
    assert reward.probability(large) == pytest.approx(reward.probability(small), abs=0.02)
    wide = {**small, lamps.WRIST: np.zeros((3, 64, 48), np.uint8)}
    with pytest.raises(UserError, match=r"gives \[3, 64, 48\]: env.processor.image_preprocessing"):
        reward.probability(wide)


def enlarged(steps: list[Any]) -> list[Any]:
    """The pictures four times as high and wide, less a frame that a crop has to cut off."""

    def large(observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            name: np.pad(a.repeat(4, 1).repeat(4, 2), ((0, 0), (8, 8), (16, 16))) if a.ndim == 3 else a
            for name, a in observation.items()
        }

    return [
        replace(step, observation=large(step.observation), next_observation=large(step.next_observation))
        for step in steps
    ]


def test_a_dataset_of_another_size_is_learned_from_and_relabelled(
    dataset: Path, run: Path, tmp_path: Path
) -> None:
    root = lamps.write(tmp_path / "set", [enlarged(lamps.episode(k)) for k in range(4)])
    cameras = (lamps.FRONT, lamps.WRIST)
    processing = {"crop_params_dict": {key: [8, 16, 128, 128] for key in cameras}, "resize_size": [32, 32]}
    config = load_config(
        {**to_dict(configure(root, 5)), "env": {"processor": {"image_preprocessing": processing}}}
    )
    frames = load_frames(open_frames(config), list(cameras), 2)
    plain = frames_of(lamps.write(tmp_path / "plain", [lamps.episode(k) for k in range(4)]))
    for camera in cameras:
        difference = frames.observations[camera].float() - plain.observations[camera].float()
        assert difference.abs().mean() < 5

    with pytest.raises(DatasetError, match=r"144x160 pixels, the policy needs 32x32: set .*resize_size"):
        relabel_command(root, run / "checkpoints/last", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    relabel_command(root, run / "checkpoints/last", tmp_path / "new", config)
    relabel_command(tmp_path / "plain", run / "checkpoints/last", tmp_path / "small")
    new, small = (list(DatasetReader(tmp_path / name).transitions()) for name in ("new", "small"))
    assert np.mean([one.reward == other.reward for one, other in zip(new, small, strict=True)]) > 0.9
    assert new[0].observation[lamps.FRONT].shape == (3, 144, 160)


def test_a_classifier_is_shown_pictures_as_in_its_training(tmp_path: Path) -> None:
    root = lamps.write(tmp_path / "set", [enlarged(lamps.episode(k)) for k in range(4)])
    size = "--env.processor.image_preprocessing.resize_size=[32,32]"
    train_classifier(load_config(to_dict(configure(root, 5)), [size]), tmp_path / "run")
    last = tmp_path / "run/checkpoints/last"
    assert load_classifier(last).spec.images[lamps.FRONT] == (3, 32, 32)
    for number, words in enumerate(([], [size])):
        output = f"--output={tmp_path / str(number)}"
        assert main([f"--dataset={root}", f"--classifier={last}", output, *words]) == 0
    rewards = [[step.reward for step in DatasetReader(tmp_path / name).transitions()] for name in ("0", "1")]
    assert rewards[0] == rewards[1]


def test_mistakes_are_counted_against_the_environments_own_word(classifier: RewardClassifier) -> None:
    high, low = (lamps.look(np.random.default_rng(0), height) for height in (1.0, 0.0))
    reward, monitor = ClassifierReward(classifier, debounce=1), ClassifierMonitor()
    for observation, truth in ((high, True), (high, False), (low, True), (low, False), (low, True)):
        info = {"reward_classifier": reward(observation)}
        monitor.add(Outcome(observation, 0.0, False, False, False, 0.0, info, ground_truth=truth))
    figures = monitor.take()
    assert figures["Classifier false positives"] == 1
    assert figures["Classifier false negatives"] == 2
    assert figures["Classifier time [ms]"] > 0
    assert monitor.take() == {}


def test_relabelling_writes_what_the_classifier_says_and_lists_every_change(
    tmp_path: Path, classifier: RewardClassifier
) -> None:
    wrong = [_with_reward(step, float(step.step == 3)) for step in lamps.episode(200)]
    root = lamps.write(tmp_path / "set", [wrong, lamps.episode(201)])
    reward = ClassifierReward(classifier, debounce=1)
    result = relabel(root, reward, tmp_path / "new")
    old, new = (list(DatasetReader(folder).transitions()) for folder in (root, tmp_path / "new"))
    assert len(old) == len(new) == result.frames
    changed = {
        (step.episode_id, step.step)
        for step, other in zip(old, new, strict=True)
        if step.reward != other.reward
    }
    assert changed == {(change.episode, change.step) for change in result.changes}
    assert (0, 3) in changed
    for step, other in zip(old, new, strict=True):
        np.testing.assert_array_equal(step.observation[lamps.FRONT], other.observation[lamps.FRONT])
        assert (step.terminated, step.is_success) == (other.terminated, other.is_success)
        said = reward.probability(step.next_observation) >= reward.threshold
        assert other.reward == float(said)
    note = DatasetReader(tmp_path / "new").episodes[0].note
    assert note is not None
    assert note.seed == 7
    listed = (tmp_path / "new/meta/relabel.jsonl").read_text().splitlines()
    assert len(listed) == len(result.changes)


def test_relabelling_says_why(tmp_path: Path, classifier: RewardClassifier) -> None:
    root = lamps.write(tmp_path / "set", [lamps.episode(200), lamps.episode(201)])
    told = relabel(root, ClassifierReward(classifier, debounce=2), tmp_path / "new").lines()
    threshold = f"above the threshold of {classifier.spec.threshold:.3f}"
    debounced = [line for line in told if "1 -> 0" in line]
    assert debounced
    assert all(f"{threshold}, but it takes 2 such frames in a row: debounce)" in line for line in debounced)
    wrong = [_with_reward(step, float(step.step == 0)) for step in lamps.episode(202)]
    lamps.write(tmp_path / "wrong", [wrong])
    told = relabel(tmp_path / "wrong", ClassifierReward(classifier, debounce=1), tmp_path / "right").lines()
    assert any("1 -> 0" in line and "below the threshold" in line for line in told)
    assert any("0 -> 1" in line and line.endswith(f"{threshold})") for line in told)


def test_a_report_of_low_recall_says_what_to_do() -> None:
    low, high = (Quality(100, 0.9, 1.0, recall, 0, 9) for recall in (0.42, 0.97))
    for clear, is_low in ((low, True), (high, False)):
        report = Report(0.998, 0.99, 1.0, clear, clear, [], 100, [1, 2])
        assert report.reaches_recall is not is_low
        assert any("a recall of 42% is low" in line for line in report.lines()) is is_low


@pytest.mark.parametrize(("episodes", "sets_aside"), [(12, False), (24, True)])
def test_the_report_is_about_episodes_that_chose_nothing(
    episodes: int, sets_aside: bool, tmp_path: Path
) -> None:
    root = lamps.write(tmp_path / "set", [lamps.episode(k, succeeds=k % 4 > 0) for k in range(episodes)])
    frames = frames_of(root)
    chooses, reported = split(frames, np.random.default_rng(0))
    assert bool((chooses & reported).any()) is not sets_aside
    assert set(frames.labels[reported].tolist()) == {0, 1}
    told: list[str] = []
    report = train_classifier(configure(root, 60), tmp_path / "run", tell=told.append)
    assert report.chose_threshold is not sets_aside
    assert any("also chose the threshold" in line for line in told) is not sets_aside
