"""Learned rewards: a classifier that tells success from camera pictures."""

from hilt.rewards.model import RewardClassifier, load_classifier
from hilt.rewards.relabel import relabel
from hilt.rewards.reward_function import ClassifierMonitor, ClassifierReward, load_reward_function

__all__ = [
    "ClassifierMonitor",
    "ClassifierReward",
    "RewardClassifier",
    "load_classifier",
    "load_reward_function",
    "relabel",
]
