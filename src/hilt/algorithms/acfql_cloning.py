"""Behaviour cloning in chunks by flow matching: the line beside which ACFQL's results stand."""

from __future__ import annotations

from dataclasses import replace

import torch

from hilt.algorithms.acfql import to_imitate
from hilt.algorithms.acfql_config import ACFQLConfig
from hilt.algorithms.acfql_losses import flow_loss
from hilt.algorithms.acfql_networks import make_networks
from hilt.algorithms.acfql_policy import ChunkPolicy
from hilt.algorithms.base import Algorithm, Metrics, Sampler
from hilt.algorithms.optimizer import Optimizer, minimize
from hilt.algorithms.spec import PolicySpec
