"""Learned rewards: a classifier that tells success from camera pictures."""

from hilt.rewards.model import RewardClassifier, load_classifier
from hilt.rewards.relabel import relabel
from hilt.rewards.reward_function import ClassifierMonitor, ClassifierReward

__all__ = [
    "ClassifierMonitor",
    "ClassifierReward",
    "RewardClassifier",
    "load_classifier",
    "relabel",
]
