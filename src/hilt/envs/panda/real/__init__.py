"""The arm itself: what the simulated Panda does, on metal. `safety.py` stands before every command."""
