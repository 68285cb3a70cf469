"""The model is the Franka Panda, and its controller holds what it promises."""

from __future__ import annotations

import itertools

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from hilt.envs import rotations
from hilt.envs.arm_env import ArmEnv
from hilt.envs.control import DOWN
from hilt.envs.panda.reach import within_reach
from hilt.envs.panda.robot import Panda
from hilt.envs.physics import ROTATION, Array
from hilt.envs.robot import load_model
from hilt.envs.tasks.pick_cube import PickCube
from tests.envs.helpers import drive, make, still

# Franka's published Denavit-Hartenberg parameters (Craig's convention), joints 1..7 and the flange.
DH_A = (0.0, 0.0, 0.0, 0.0825, -0.0825, 0.0, 0.088, 0.0)
DH_D = (0.333, 0.0, 0.316, 0.0, 0.384, 0.0, 0.0, 0.107)
DH_ALPHA = (0.0, -np.pi / 2, np.pi / 2, np.pi / 2, -np.pi / 2, np.pi / 2, np.pi / 2, 0.0)
LIMITS = ((-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
          (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973))  # fmt: skip
MASSES = (4.970684, 0.646926, 3.228604, 3.587895, 1.225946, 1.666555, 0.735522)
HAND_TO_TCP, HAND_TURN = 0.1034, -np.pi / 4


def denavit_hartenberg(a: float, d: float, alpha: float, theta: float) -> NDArray[np.float64]:
    ca, sa, ct, st = np.cos(alpha), np.sin(alpha), np.cos(theta), np.sin(theta)
    return np.array(
        [[ct, -st, 0, a], [st * ca, ct * ca, -sa, -d * sa], [st * sa, ct * sa, ca, d * ca], [0, 0, 0, 1.0]]
    )


def published_tcp(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    pose = np.eye(4)
    for a, d, alpha, theta in zip(DH_A, DH_D, DH_ALPHA, (*joints, HAND_TURN), strict=True):
        pose = pose @ denavit_hartenberg(a, d, alpha, theta)
    return np.asarray(pose @ denavit_hartenberg(0.0, HAND_TO_TCP, 0.0, 0.0))


def test_forward_kinematics_are_the_published_ones() -> None:
    model = load_model(Panda, PickCube.scene(), 0.004)
    robot, data = Panda(model), mujoco.MjData(model)
    low, high = np.array(LIMITS)
    rng = np.random.default_rng(0)
    for joints in (np.array(Panda.home), *rng.uniform(low, high, (50, 7))):
        robot.place(data, joints)
        expected = published_tcp(joints)
        np.testing.assert_allclose(robot.tcp_pos(data), expected[:3, 3], atol=1e-6)
        rotation = np.empty(9)
        mujoco.mju_quat2Mat(rotation, robot.tcp_quat(data))
        np.testing.assert_allclose(rotation.reshape(3, 3), expected[:3, :3], atol=1e-6)


def test_joint_limits_and_mass_are_the_published_ones() -> None:
    model = load_model(Panda, PickCube.scene(), 0.004)
    ranges = np.array([model.joint(f"joint{i}").range for i in range(1, 8)])
    np.testing.assert_allclose(ranges.T, LIMITS)
    masses = [float(model.body(f"link{i}").mass[0]) for i in range(1, 8)]
    np.testing.assert_allclose(masses, MASSES)
    assert model.body("hand").mass[0] == pytest.approx(0.73)


GRID = [
    *itertools.product((0.2, 0.25, 0.3), (-0.3, -0.1, 0.0, 0.15), (0.0, 0.01, 0.1, 0.25)),
    *itertools.product((0.2, 0.4, 0.6), (-0.3, 0.0, 0.3), (0.0, 0.25, 0.5)),
]


def turned(env: ArmEnv, reference: Array) -> float:
    """How far the tool is turned from an orientation, degrees."""
    turn = rotations.multiply(env.core.robot.tcp_quat(env.data), rotations.conjugate(reference))
    return float(np.rad2deg(np.linalg.norm(rotations.to_rotation_vector(turn))))


def gives_way(env: ArmEnv) -> bool:
    return not np.array_equal(env.data.ctrl[ROTATION], env.data.userdata)


@pytest.mark.parametrize("goal", GRID)
def test_tool_comes_to_rest_within_2_mm_and_1_degree(goal: tuple[float, float, float]) -> None:
    env = make(control_time_s=1000)
    env.reset(seed=0)
    env.data.qpos[env.core.model.joint("cube").qposadr[0]] = -0.5  # out of the way
    upright = env.core.robot.tcp_quat(env.data).copy()
    drive(env, np.array(goal), 45)
    tips_on_table = gives_way(env) and goal[2] == 0  # then no fingers reach between them
    assert np.linalg.norm(env.core.robot.tcp_pos(env.data) - goal) < (0.006 if tips_on_table else 0.002)
    assert turned(env, env.data.ctrl[ROTATION]) < 1.0
    assert turned(env, upright) < (25.0 if gives_way(env) else 1.0)
    assert not gives_way(env) or goal[0] < 0.29
    assert np.abs(env.core.robot.joint_vel(env.data)).max() < 0.03
    joints = env.core.robot.joint_pos(env.data)
    assert (joints > np.array(LIMITS[0]) - 1e-3).all()
    assert (joints < np.array(LIMITS[1]) + 1e-3).all()


@pytest.mark.parametrize("mode", ["ee_delta_pos", "ee_delta_pose"])
def test_tool_is_upright_again_after_a_place_where_it_had_to_give_way(mode: str) -> None:
    env = make(action_mode=mode)
    env.reset(seed=0)
    upright = env.core.robot.tcp_quat(env.data).copy()
    drive(env, np.array((0.2, 0.05, 0.15)), 25)
    assert turned(env, upright) > 15.0
    drive(env, np.array((0.4, 0.0, 0.2)), 25)
    assert turned(env, upright) < 1.0


def test_orientation_gives_way_only_where_the_elbow_cannot_fold() -> None:
    inside, outside = np.array((0.22, 0.05, 0.15)), np.array((0.3, 0.0, 0.12))
    assert within_reach(np.array((0.5, 0.0, 0.1)), DOWN) is DOWN
    lean = rotations.from_rotation_vector(np.array((0.1, 0.2, 0.3)))
    for quat in (DOWN, rotations.multiply(lean, DOWN)):
        assert within_reach(outside, quat) is quat
        both = within_reach(np.stack((inside, outside)), np.stack((quat, quat)))
        assert np.array_equal(both[1], quat)
        np.testing.assert_allclose(both[0], within_reach(inside, quat))
        again = within_reach(inside, both[0])
        np.testing.assert_allclose(again, both[0], atol=2e-3)


def test_leaning_tool_keeps_its_place_near_the_base() -> None:
    env = make(action_mode="ee_delta_pose")
    for axis, sign in itertools.product(range(2), (-1, 1)):
        env.reset(seed=0)
        env.data.qpos[env.core.model.joint("cube").qposadr[0]] = -0.5
        action = still(env)
        action[3 + axis] = sign
        for _ in range(2):
            env.step(action)
        goal = np.array((0.22, 0.05, 0.12))
        drive(env, goal, 40)
        assert gives_way(env)
        assert np.linalg.norm(env.core.robot.tcp_pos(env.data) - goal) < 0.002
        assert turned(env, env.data.ctrl[ROTATION]) < 1.0


def test_orientation_drifts_less_than_a_degree_while_moving_about() -> None:
    env = make(terminate_on_success=False, control_time_s=1000)
    env.reset(seed=1)
    upright = env.core.robot.tcp_quat(env.data).copy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        goal = rng.uniform((0.3, -0.3, 0.05), (0.6, 0.3, 0.5))
        drive(env, goal, 25)
        assert turned(env, upright) < 1.0


def test_a_step_of_the_target_is_followed_without_oscillation() -> None:
    env = make()
    env.reset(seed=0)
    start = env.core.robot.tcp_pos(env.data).copy()
    env.data.ctrl[2] += 0.025
    way = []
    for _ in range(100):
        mujoco.mj_step(env.core.model, env.data, nstep=1)
        mujoco.mj_kinematics(env.core.model, env.data)
        way.append((env.core.robot.tcp_pos(env.data)[2] - start[2]) / 0.025)
    assert max(way) < 1.12
    assert np.abs(np.array(way[50:]) - 1.0).max() < 0.08
    assert abs(way[-1] - 1.0) < 0.02


def test_pushing_into_the_table_is_compliant() -> None:
    env = make()
    env.reset(seed=0)
    drive(env, np.array((0.5, 0.2, 0.0)), 20)
    env.data.ctrl[2] = -0.02
    mujoco.mj_step(env.core.model, env.data, nstep=250)
    force = abs(env.data.actuator_force[2])
    assert 50 < force < 150  # stiffness times 2 cm, no more
    assert np.abs(env.core.robot.joint_vel(env.data)).max() < 0.01
    assert abs(env.core.robot.tcp_pos(env.data)[2]) < 0.002


def test_blocked_target_does_not_run_away() -> None:
    env = make(workspace=((0.2, -0.3, -0.5), (0.6, 0.3, 0.5)))
    env.reset(seed=0)
    action = still(env)
    action[2] = -1.0
    for _ in range(40):
        env.step(action)
    assert env.core.robot.tcp_pos(env.data)[2] - env.data.ctrl[2] < 0.041


def test_rotations_are_executed_in_full() -> None:
    env = make(action_mode="ee_delta_pose")
    for axis in range(3):
        env.reset(seed=0)
        start = env.core.robot.tcp_quat(env.data).copy()
        drive(env, np.array((0.45, 0.0, 0.3)), 10)
        for _ in range(5):
            action = still(env)
            action[3 + axis] = 1.0
            env.step(action)
        for _ in range(8):
            env.step(still(env))
        turn = rotations.multiply(env.core.robot.tcp_quat(env.data), rotations.conjugate(start))
        np.testing.assert_allclose(
            rotations.to_rotation_vector(turn), 0.5 * np.eye(3)[axis], atol=np.deg2rad(1.0)
        )


def test_commanded_spin_never_wraps() -> None:
    env = make(action_mode="ee_delta_pose", terminate_on_success=False)
    env.reset(seed=0)
    action = still(env)
    action[3:6] = (1.0, -1.0, 1.0)
    for _ in range(60):
        observation, *_ = env.step(action)
        assert np.abs(observation["agent_pos"][7:14]).max() < 8.0
        lead = rotations.multiply(env.data.ctrl[3:7], rotations.conjugate(env.core.robot.tcp_quat(env.data)))
        assert np.linalg.norm(rotations.to_rotation_vector(lead)) < np.pi / 2
