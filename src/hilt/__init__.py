"""hilt: human-in-the-loop training of simulated robot arms."""

__version__ = "0.1.0"
