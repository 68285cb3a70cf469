"""A user's package: a task on hilt's arm, an operator, and an algorithm."""
