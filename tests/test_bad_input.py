"""What cannot be used is answered in one line, with exit code 2, and nothing is written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hilt.build.envs import make_environment
from hilt.commands.main import main
from hilt.config.load import load_config
from hilt.data.env_spec import save_spec
from hilt.data.episode_log import EpisodeLog, log_files
from hilt.data.lerobot import DatasetWriter
from hilt.data.routing import Source
from hilt.data.transition import Controller, Feature, Schema, Transition
from hilt.runs.checkpoints import write_model
from hilt.runs.leftovers import remove_leftovers
from hilt.training.learner_parts import Builder
from tests.data.histories import transition
from tests.training.parts import small_config

SAC = ["--policy.type=sac"]
PIXELS = ["--env.obs_type=pixels"]
OWN = ["--env.type=gymnasium"]
PIECES = """{"env": {"task": "hilt/PickCube-v0",}}"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path / "nowhere"))
    with suppress(ImportError):  # nobody is asked for what only looks like an id
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which `hilt ARGUMENTS` refuses, having written nothing."""
    before = sorted(Path().rglob("*"))
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert sorted(Path().rglob("*")) == before
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("hilt: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tran"], '"tran" is not a command; did you mean "train"'),
        (["train", "train.json"], '"train.json": options are --key=value'),
        (["train", "--config_path", "absent.json"], "absent.json: cannot be read"),
        (["train", "--seed=1"], "policy.type: missing"),
        (["train", *SAC, "--policy.discout=0.9"], 'policy.discout.*the closest is "policy.discount"'),
        (["train", *SAC, "--policy.discount=2"], "policy.discount = 2"),
        (["train", *SAC, "--seed=many"], "seed = .many."),
        (["train", *SAC, "--env.robot.ip=a"], 'env.robot.*needs "env.type": "franka"'),
        (["train", *SAC, "--env.task=PickCub"], "env.task"),
        (["train", *SAC, "--operator=joystick"], "operator = .joystick.: must be one of"),
        (["train", *SAC, "--dataset.root=absent"], "absent"),
        (["train", *SAC, "--repo_id=me/set"], "me/set is not in .*offline.*hf download me/set"),
        (["replay", "--repo_id=me/set", "--dataset.replay_episode=0"], "me/set is not in .*hf download"),
        (["data", "info", "outputs/absent"], "outputs/absent: no such folder"),
        (["eval", "--policy.pretrained_path=me/policy"], "me/policy: no such folder.*hf download me/policy"),
        (["train", *SAC, "--resume=true"], "no run to resume"),
        (["train", *SAC, *OWN, "--env.task=Absent-v0"], "env.task: .Absent-v0.: cannot be made"),
        (["train", *SAC, *OWN, "--env.task=nowhere:Absent-v0"], "env.task: .nowhere:Absent-v0."),
        (["train", *SAC, *OWN, "--env.task=CartPole-v1"], "actions must be a Box"),
        (
            ["train", *SAC, *OWN, "--env.task=Pendulum-v1", '--env.kwargs={"x": 1}'],
            "env.kwargs.x: .Pendulum-v1. t",
        ),
        (
            ["train", *SAC, "--operator=json:Nobody"],
            "operator: operator 'json:Nobody': module 'json' has no class",
        ),
        (
            ["train", *SAC, "--operator=browser", '--operator_options={"sped": 1}'],
            "'sped'; it takes",
        ),
        (["train", *SAC, "--operator=keyboard", '--operator_options={"sped": 1}'], "'sped'; it takes"),
        (["train", *SAC, "--env=3"], 'env = 3: must be an object: {"KEY": VALUE'),
        (["train", *SAC, "--device=gpu"], "must be auto, cpu, mps, cuda or cuda:N$"),
        (
            ["train", *SAC, "--env.processor.reset.fixed_reset_joint_positions=[1]"],
            "must have 7 items, has 1$",
        ),
        (
            ["train", *SAC, "--env.processor.reward_classifier.pretrained_path=absent"],
            "pretrained_path: absent: ",
        ),
        (
            ["learner", *SAC, "--policy.actor_learner_config.tls_cert=absent"],
            r"tls_cert: .absent.: there is no such",
        ),
        (["learner", *SAC, "--policy.actor_learner_config.learner_host=0.0.0.0"], "allow_insecure"),
        (["train", "--policy.type=reward_classifier"], "dataset.root: missing"),
        (["train", *SAC, *PIXELS, "--policy.vision_encoder_name=helper2424/resnet10"], "hf download.*null"),
        (["learner", "--policy.type=reward_classifier", "--dataset.root=x"], "hilt train"),
        (["eval"], "policy.pretrained_path: missing"),
        (["eval", "--policy.pretrained_path=absent"], "absent"),
        (["record"], "dataset.repo_id: missing"),
        (["record", "--dataset.root=new", "--operator=none"], "nobody drives"),
        (["record", "--dataset.root=new", "--operator=nowhere:Nobody", "--no-ui"], "nowhere"),
        (["record", "--dataset.root=new", "--operator=quest", "--no-ui"], "drives from the page"),
        (["replay", "--dataset.root=absent"], "replay_episode: missing"),
        (["replay", "--dataset.root=absent", "--dataset.replay_episode=0"], "absent"),
        (["teleop", "--operator=none"], "nobody drives"),
        (["teleop", "--env.task=PandaPickCubeGamepad-v0", "--no-ui", "--env.fps=0"], "env.fps = 0"),
        (["relabel", "--dataset=absent"], "--classifier: missing"),
        (["relabel", "--dataset=absent", "--classifier=absent", "--to=x"], "--to: unknown"),
        (["relabel", "--dataset=absent", "--classifier=absent"], "absent"),
        (["data", "info", "absent"], "absent"),
        (["data", "look", "absent"], "hilt data info DIR"),
        (["bench", "everything"], "everything"),
        (["bench", "env", "--seconds=long"], "--seconds long: must be a number"),
        (["run", "--mode=dance"], "mode = .dance."),
        (["demo", "--policy.typ=sac"], "policy.typ"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_bad_input_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(words, refused(capsys, *arguments))


@pytest.mark.parametrize("verb", ["train", "learner", "actor", "eval", "record", "replay", "teleop", "run"])
def test_a_file_that_is_not_json_is_named_with_the_place(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "train.json: line 1, column" in refused(capsys, verb, "--config_path", write("train.json", PIECES))


def test_the_file_is_named_and_the_command_line_is_not_blamed(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("train.json", json.dumps({"policy": {"type": "sac", "utd": 2}}))
    assert refused(capsys, "train", "--config_path", file, "--seed=1").startswith(f"hilt: {file}: policy.utd")


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("{", r"meta/info\.json"),
        ('{"codebase_version": "v2.1"}', r"v2\.1"),
        ("[]", r"meta/info\.json"),
    ],
)
def test_a_damaged_dataset_is_refused_before_training_begins(
    info: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("set/meta/info.json", info)
    for arguments in (["train", *SAC, "--dataset.root=set"], ["data", "info", "set"]):
        assert re.search(words, refused(capsys, *arguments))


def write_dataset(root: str, *features: str, rewards: Sequence[float] = (0.0, 1.0), fps: int = 10) -> None:
    """Two episodes of one step each, without pictures."""
    sizes = {"observation.state": 18, "observation.environment_state": 7}
    schema = Schema({name: Feature((sizes[name],)) for name in features}, Feature((4,)))
    with DatasetWriter(root, schema, fps=fps, task="reach") as writer:
        for reward in rewards:
            seen = {name: np.full(sizes[name], 0.05, np.float32) for name in features}
            action = np.zeros(4, np.float32)
            success = reward > 0
            writer.add(
                Transition(
                    observation=seen,
                    action=action,
                    policy_action=action,
                    controller=Controller.OPERATOR,
                    reward=reward,
                    terminated=success,
                    truncated=not success,
                    next_observation=seen,
                    discrete_penalty=0.0,
                    episode_id=0,
                    step=0,
                    is_success=success,
                )
            )
            writer.finish_episode()


@pytest.mark.parametrize("verb", ["train", "learner"])
def test_a_dataset_that_does_not_fit_is_refused_before_anything_starts(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset("narrow", "observation.state")
    write_dataset("fast", "observation.state", "observation.environment_state", fps=20)
    missing = refused(capsys, verb, *SAC, "--dataset.root=narrow", "--output_dir=run")
    assert "narrow/meta/info.json has no feature 'observation.environment_state'" in missing
    shutil.copytree("fast", "torn")
    Path("torn/data/chunk-000/file-001.parquet").write_bytes(b"torn")
    said = refused(capsys, verb, *SAC, "--dataset.root=torn", "--env.fps=20", "--output_dir=run")
    assert "file-001.parquet is damaged" in said
    assert "20 fps" in refused(capsys, verb, *SAC, "--dataset.root=fast", "--output_dir=run")


def test_an_actor_of_another_environment_than_its_run_began_with_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    env = make_environment(load_config())
    save_spec(env.spec, Path("run/spec.json"))
    said = refused(capsys, "actor", *SAC, "--output_dir=run", "--env.fps=20", "--no-ui")
    assert "run: this run began with another environment: fps: then 10.0, now 20.0" in said


@pytest.mark.parametrize("verb", ["train", "learner"])
def test_nothing_is_left_of_what_did_not_begin(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What is wrong with a file of the dataset is seen by the learner, when it reads it."""
    write_dataset("set", "observation.state", "observation.environment_state")
    path = "set/data/chunk-000/file-001.parquet"
    table = pq.read_table(path)
    column = pa.array(np.full(table.num_rows, np.nan, np.float32))
    pq.write_table(table.set_column(table.column_names.index("next.reward"), "next.reward", column), path)
    before = sorted(Path().rglob("*"))
    assert main([verb, *SAC, "--dataset.root=set", "--no-ui"]) == 2
    assert "file-001.parquet, episode 1: " in capfd.readouterr().err
    assert sorted(Path().rglob("*")) == before


def test_nothing_is_left_of_a_classifier_that_cannot_learn(capsys: pytest.CaptureFixture[str]) -> None:
    write_dataset("set", "observation.state", rewards=(0.0, 0.0))
    words = [
        "--policy.type=reward_classifier",
        '--policy.input_features={"observation.state": {"type": "STATE", "shape": [18]}}',
    ]
    assert "failed frames" in refused(capsys, "train", *words, "--dataset.root=set")


def test_what_people_gave_stays(tmp_path: Path) -> None:
    """Steps that nothing would give again are no leftovers."""
    run = tmp_path / "run"
    schema = Schema({"observation.state": Feature((2,))}, Feature((4,)))
    with EpisodeLog(run / "replay", schema) as log:
        log.append([transition(0, 0)], Source.DEMONSTRATION)
    (run / "config.json").write_text("{}")
    remove_leftovers(run, has_dataset=False)
    assert [path.name for path in run.glob("*/*")] == [path.name for path in log_files(run / "replay")]
    assert not (run / "config.json").exists()
    remove_leftovers(run, has_dataset=True)
    assert not run.exists()


def test_a_run_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    write("run/config.json", "{}")
    assert "resume=true" in refused(capsys, "train", *SAC, "--output_dir=run")


@pytest.mark.parametrize("arguments", [["train", *SAC], ["learner", *SAC]])
def test_a_folder_that_cannot_be_written_is_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write("file", "")
    assert "file/run: cannot be written" in refused(capsys, *arguments, "--output_dir=file/run")


def test_a_policy_of_another_task_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    config = small_config()
    env = make_environment(config)
    builder = Builder(config, env.spec, "cpu")
    policy = builder.algorithm(builder.memory(Path("run")), None).policy
    write_model(Path("policy"), policy.config, policy.state_dict(), {})
    said = refused(capsys, "eval", "--policy.pretrained_path=policy", "--env.task=PegInsertion-v0")
    assert re.search(r"env.task: .*environment_state of shape \[\d+\], the policy was trained on \[7\]", said)


def test_a_policy_of_another_program_is_refused_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    feature = {"type": "STATE", "shape": [18]}
    write_model(Path("policy"), {"type": "sac", "input_features": {"observation.state": feature}}, {}, {})
    assert "not trained by hilt" in refused(capsys, "eval", "--policy.pretrained_path=policy")


def test_half_a_checkpoint_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    write("policy/config.json", '{"type": "sac"}')
    assert "model.safetensors" in refused(capsys, "eval", "--policy.pretrained_path=policy")
