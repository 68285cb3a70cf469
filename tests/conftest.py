"""What holds for all tests."""

import os

# As in the processes of `hilt train`: beside another program, threads that spin at a barrier cost minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
