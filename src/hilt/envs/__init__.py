"""The simulated robot and its tasks. Importing this package makes the `hilt/...` ids known to Gymnasium."""

from hilt.envs.errors import RenderingError, SimulationError
from hilt.envs.registration import make, make_vector, register, task_names

__all__ = ["RenderingError", "SimulationError", "make", "make_vector", "register", "task_names"]

register()
