"""The scene as plain data: everything that is seen, where MuJoCo has it."""

import mujoco
import numpy as np
import pytest

from hilt.envs import make
from hilt.envs.scene import MujocoScene, describe, source_of

DOWN, LEFT = np.float32([0, 0, -1, 1]), np.float32([0, 1, 0, 1])
CLOSE = np.float32([0, 0, 0, 0])


@pytest.fixture
def env():
    env = make("PickCube", render_mode=None).unwrapped
    env.reset(seed=0)
    yield env
    env.close()


def points_on(solid, frame):
    """The middle of a solid in the world, from the description alone."""
    pose = frame.bodies[solid.body]
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, pose[3:])
    return pose[:3] + turn.reshape(3, 3) @ np.array(solid.position)


def test_each_visible_shape_is_where_mujoco_has_it(env):
    for _ in range(5):
        env.step(LEFT)
    scene, frame = env.describe_scene(), env.scene_frame()
    model, data = env.model, env.data
    visible = np.flatnonzero((model.geom_group <= 2) & (model.geom_rgba[:, 3] > 0))
    assert scene.bodies == model.nbody == len(frame.bodies)
    assert len(scene.solids) == len(visible)
    for solid, geom in zip(scene.solids, visible, strict=True):
        np.testing.assert_allclose(points_on(solid, frame), data.geom_xpos[geom], atol=1e-9)
        np.testing.assert_allclose(solid.size, model.geom_size[geom])
        np.testing.assert_allclose(solid.colour, model.geom_rgba[geom])


@pytest.mark.parametrize("task", ["PegInsertion", "OpenDrawer", "PlaceInBin", "StackCube", "ArrangeBoxes"])
def test_every_task_is_made_of_primitive_shapes(task):
    env = make(task, render_mode=None).unwrapped
    env.reset(seed=0)
    scene, frame = env.describe_scene(), env.scene_frame()
    assert len(scene.solids) > 30
    assert np.isfinite(frame.bodies).all()
    assert scene.robot.arm == tuple(range(1, 9))
    env.close()


def test_the_tool_says_where_it_is_and_where_it_was_told_to_be(env):
    before = env.scene_frame().tool
    env.step(LEFT)
    after = env.scene_frame(np.float32([1, 0, -0.5, 1]))
    np.testing.assert_allclose(after.tool.pose[:3], env.core.robot.tcp_pos(env.data))
    np.testing.assert_allclose(after.tool.target[:3] - before.target[:3], [0, 0.025, 0], atol=1e-9)
    np.testing.assert_allclose(after.proposed, [0.025, 0, -0.0125])
    assert after.tool.opening == pytest.approx(0.08, abs=1e-3)
    assert after.tool.below == pytest.approx(-0.001, abs=1e-6)
    assert not after.tool.holds
    assert after.tool.force is None


def test_what_stands_under_the_tool_is_found_until_it_is_held(env):
    until_success = 0
    while not env.step(env.expert.action())[4]["is_success"]:
        cube, tool = env.task.cube_pos(env.data), env.scene_frame().tool
        if not tool.holds and np.abs(cube[:2] - tool.pose[:2]).max() < 0.01 and tool.pose[2] > 0.05:
            assert tool.below == pytest.approx(0.04, abs=1e-3)
        until_success += 1
        assert until_success < 100
    tool = env.scene_frame().tool
    assert tool.holds
    assert tool.below == pytest.approx(-0.001, abs=1e-6)
    assert tool.opening == pytest.approx(0.04, abs=3e-3)


def test_pressing_onto_the_table_pushes_the_tool_up():
    env = make("PickCube", render_mode=None, force_torque=True, fps=50.0, position_step=0.01).unwrapped
    env.reset(seed=0)
    most = 0.0
    for _ in range(40):
        env.step(DOWN)
        most = max(most, env.scene_frame().tool.force[2])
    assert most > 5
    env.close()


def test_colours_are_those_of_the_episode():
    env = make("PickCube", render_mode=None, randomization={"colour": 0.2}).unwrapped
    scenes = []
    for seed in range(2):
        env.reset(seed=seed)
        scenes.append(env.describe_scene())
    assert scenes[0] != scenes[1]
    env.reset(seed=1)
    assert env.describe_scene() == scenes[1]
    env.close()


class Simulation:
    """An environment of a user's that says nothing of its scene."""

    def __init__(self, geoms, assets=""):
        body = f"<body pos='0 0 1'><freejoint/>{geoms}</body>"
        xml = f"<mujoco><asset>{assets}</asset><worldbody>{body}</worldbody></mujoco>"
        self.model = mujoco.MjModel.from_xml_string(xml)
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)


def test_a_simulation_of_a_users_is_described_by_its_model():
    asset = "<material name='blue' rgba='0 0 1 1'/>"
    source = source_of(Simulation("<geom size='0.1' material='blue'/><geom size='1' group='3'/>", asset))
    assert isinstance(source, MujocoScene)
    (solid,) = source.describe_scene().solids
    assert (solid.kind, solid.body, solid.colour) == ("sphere", 1, (0, 0, 1, 1))
    np.testing.assert_allclose(source.scene_frame().bodies[1], [0, 0, 1, 1, 0, 0, 0])
    assert source.scene_frame().tool is None


def test_meshes_are_left_to_pictures():
    corners = "0 0 0  1 0 0  0 1 0  0 0 1"
    mesh = f"<mesh name='corner' vertex='{corners}'/>"
    assert describe(Simulation("<geom type='mesh' mesh='corner'/>", mesh).model) is None


def test_what_is_no_simulation_has_no_scene():
    assert source_of(object()) is None
