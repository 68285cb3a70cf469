"""An FR3 that is not there: a server of Franka's own protocol on a loopback address, by franka-sim.

    python emulated_arm.py ADDRESS

Runs in a virtual environment of its own, without hilt. The frames and limits of the arm are the published
ones; its inertias are rough.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

LINKS = [
    # position, quaternion, range of the joint [rad], mass [kg]
    ("0 0 .333", "1 0 0 0", "-2.7437 2.7437", 3.0),
    ("0 0 0", "1 -1 0 0", "-1.7837 1.7837", 3.0),
    ("0 -.316 0", "1 1 0 0", "-2.9007 2.9007", 2.5),
    (".0825 0 0", "1 1 0 0", "-3.0421 -.1518", 2.5),
    ("-.0825 .384 0", "1 -1 0 0", "-2.8065 2.8065", 2.5),
    ("0 0 0", "1 1 0 0", ".5445 4.5169", 2.0),
    # The server takes the seventh link's frame for the flange's, which is .107 m further along its axis.
    (".088 -.107 0", "1 1 0 0", "-3.0159 3.0159", 1.5),
]

CARTESIAN_REFLEX = 7
"""Its place among the errors of Franka's protocol."""


def mjcf() -> str:
    """The arm as a chain of seven bodies."""
    inner = ""
    for number in range(7, 0, -1):
        position, quat, limits, mass = LINKS[number - 1]
        inner = (
            f'<body name="fr3_link{number}" pos="{position}" quat="{quat}">'
            f'<inertial mass="{mass}" pos="0 0 -.03" diaginertia=".03 .03 .01"/>'
            f'<joint name="fr3_joint{number}" axis="0 0 1" range="{limits}" damping="2" armature=".2"/>'
            f"{inner}</body>"
        )
    return (
        '<mujoco model="fr3"><compiler angle="radian" autolimits="true"/>'
        f'<worldbody><body name="fr3_link0">{inner}</body></worldbody></mujoco>'
    )


def serve(address: str) -> None:
    """Until it is killed. A grasp finds something 4 cm wide between the fingers; SIGUSR1 is a collision."""
    from franka_sim import FrankaSimServer
    from franka_sim.gripper.backend import FrankaHandSim
    from franka_sim.gripper.server import FrankaGripperServer
    from franka_sim.mujoco_franka_sim import MujocoFrankaSim

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "fr3.xml"
        model.write_text(mjcf())
        server = FrankaSimServer(
            host=address,
            physics_sim=MujocoFrankaSim(model_path=model),
            enable_gripper=False,
            enforce_comm_constraints=False,  # a shared machine loses cycles
            enforce_motion_limits=True,
        )
        server.gripper_server = FrankaGripperServer(host=address, backend=FrankaHandSim(object_width=0.04))
        signal.signal(signal.SIGUSR1, lambda *_: server._abort_with_error(CARTESIAN_REFLEX, "told to"))
        server.start()


if __name__ == "__main__":
    serve(sys.argv[1])
