"""Actors and their learner, over gRPC.

An actor has a `LearnerClient`, a learner a `TransitionServer`. What travels is checked against the schema
before it becomes an array, and nothing that comes from the network is executed.
"""

from hilt.transport.client import LearnerClient
from hilt.transport.learner_call import Limits
from hilt.transport.messages import Directive
from hilt.transport.server import TransitionServer
from hilt.transport.streams import ActorInfo
from hilt.transport.weights import Weights

__all__ = ["ActorInfo", "Directive", "LearnerClient", "Limits", "TransitionServer", "Weights"]
