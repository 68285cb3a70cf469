"""LeRobotDataset v3.0, the dataset format that the ecosystem reads: writing and reading."""

from hilt.data.lerobot.catalog import Episode
from hilt.data.lerobot.layout import DatasetError, Origin
from hilt.data.lerobot.reader import DatasetReader
from hilt.data.lerobot.writer import DatasetWriter

__all__ = ["DatasetError", "DatasetReader", "DatasetWriter", "Episode", "Origin"]
