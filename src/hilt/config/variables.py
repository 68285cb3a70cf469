"""Names of the environment variables by which processes of one run tell each other what no file may hold."""

TOKEN = "HILT_TOKEN"
"""The secret that actors and learner share."""
UI_TOKEN = "HILT_UI_TOKEN"
"""The secret in the link to the page."""
ACTOR_INDEX = "HILT_ACTOR_INDEX"
"""Number of a supervised actor; the first one serves the page."""
