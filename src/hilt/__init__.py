"""hilt: human-in-the-loop training of simulated robot arms.

Importing it makes the `hilt/...` environments known to Gymnasium; MuJoCo and torch are imported when used.
"""

import hilt.sim  # noqa: F401

__version__ = "0.1.0"
