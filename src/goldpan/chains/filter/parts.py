"""What a filter is made of, from its settings: keywords and a classifier."""

from __future__ import annotations

from collections.abc import Callable

from goldpan.chains.filter.head_scores import HeadScorer
from goldpan.chains.filter.keyword_list import KeywordList, keywords_of_study, read_keywords
from goldpan.chains.filter.keyword_matcher import FoundKeyword, KeywordMatcher
from goldpan.chains.filter.scores import Scorer
from goldpan.chains.filter.text_scores import TextScorer
from goldpan.chains.filter.texts import TextReader
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage


def keyword_list(project: Project, stage: str, settings: FilterStage) -> KeywordList:
    """The keywords of a filter; none where a classifier decides alone.

    Raises:
        StudyError: they cannot be read or looked for, or there are none.
    """
    if settings.keywords is None:
        return KeywordList(())
    if isinstance(settings.keywords, str):
        return read_keywords(project.root / settings.keywords, settings.keywords)
    return keywords_of_study(settings.keywords, f"stages.{stage}.keywords")


def keyword_finder(
    project: Project, stage: str, settings: FilterStage
) -> Callable[[str], list[FoundKeyword]]:
    """What finds the keywords of a filter in a text; raises as `keyword_list`."""
    keywords = keyword_list(project, stage, settings).keywords
    return KeywordMatcher(keywords, settings.plural).find


def scorer_of(project: Project, stage: str, settings: FilterStage) -> Scorer | None:
    """The classifier of a filter, if it has one.

    Raises:
        StudyError, HeadError, EmbeddingError: it cannot be had, or is not what the settings take it for.
    """
    if settings.head is not None:
        return HeadScorer(project, stage, settings.head)
    if settings.classifier is not None:
        where = f"stages.{stage}.classifier"
        return TextScorer(settings.classifier, TextReader(settings.text), project.root, where)
    return None
