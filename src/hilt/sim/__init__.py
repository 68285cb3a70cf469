"""The simulated robot and its tasks. Importing this package makes the `hilt/...` ids known to Gymnasium."""

from hilt.sim.errors import RenderingError, SimulationError
from hilt.sim.registration import make, make_vector, register, task_names

__all__ = ["RenderingError", "SimulationError", "make", "make_vector", "register", "task_names"]

register()
