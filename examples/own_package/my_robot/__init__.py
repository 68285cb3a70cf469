"""A user's package: a task, an operator, an algorithm, and a simulated arm."""
