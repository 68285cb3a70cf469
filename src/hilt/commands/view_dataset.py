"""`hilt data view`: a dataset on a page, to look at, to label and to cut."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hilt.build.models import model_folder
from hilt.build.pictures import preprocessing_of
from hilt.commands.relabel import trained_with
from hilt.config.load import load_config
from hilt.data.lerobot import DatasetReader
from hilt.rewards import ClassifierReward, load_classifier
from hilt.rewards.relabel import EpisodeJudge
from hilt.webui.album import Album, Words
from hilt.webui.dataset_page import DatasetPage
from hilt.webui.url import open_browser


def view(root: Path, classifier: str | None = None, port: int = 0) -> DatasetPage:
    """The page of the dataset in `root`, with what the reward classifier in `classifier` says of its frames.

    Raises:
        DatasetError: it cannot be read, or lacks what the classifier looks at. CheckpointError: there is no
            classifier. SeatUnavailableError: the port cannot be listened on.
    """
    opens = None if classifier is None else partial(_words, model_folder(classifier))
    return DatasetPage(Album(root, opens), port)


def run(page: DatasetPage) -> int:
    """Serve until Ctrl-C; the exit code."""
    print(f"page: {page.url}\nCtrl-C ends it.", flush=True)
    open_browser(page.url)
    page.run()
    return 0


def _words(classifier: Path, root: Path) -> Words:
    reader = DatasetReader(root)
    pictures = preprocessing_of(load_config(trained_with(classifier)))
    judge = EpisodeJudge(reader, ClassifierReward(load_classifier(classifier)), pictures)
    by_index = {episode.index: episode for episode in reader.episodes}

    def words(index: int) -> tuple[list[float], list[int]]:
        judged = list(judge(by_index[index]))
        successes = [step.step for step, judgement in judged if judgement.success]
        return [judgement.probability for _, judgement in judged], successes

    return words
