"""The contents of a report: every table and fact, worked out once; all formats read the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from shelterplan import risk
from shelterplan.equity import measures
from shelterplan.errors import ShelterplanError, UnknownNameError
from shelterplan.grades import grades
from shelterplan.plan import make_plan
from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.siting.evaluate import Evaluation, evaluate
from shelterplan.siting.watch import never
from shelterplan.standards import AccessStandard
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.exports import Facts
from shelterplan.views.report import tables
from shelterplan.views.report.repeat import asked_for, command
from shelterplan.views.report.unknowns import unknowns
from shelterplan.views.report.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shelterplan.plan import Plan
    from shelterplan.siting.proposal import Proposal
    from shelterplan.study_area import StudyArea

Language = Literal["en", "zh"]
MOST_PROPOSALS = 4
"""Proposals that one report compares."""


class ReportError(ShelterplanError, ValueError):
    """A report that cannot be made as asked for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Proposed:
    """A proposal that the report tells of."""

    title: str
    found: Evaluation
    """What it would change."""
    mind: tuple[str, ...] = ()
    """In what it was made for something else, and which of its sites are shelters already."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """Everything that a report tells, in one language."""

    area: StudyArea
    plan: Plan
    standard: AccessStandard
    language: Language
    day: date
    """The day from which the age of the data is counted; it is the date of the report."""
    proposals: tuple[Proposed, ...]
    tables: Mapping[str, pd.DataFrame]
    """The tables by name, those that have rows: plain columns, ids among them, longitude and
    latitude where there is a geometry. Numbers are not rounded; a walk without end is `inf`, what
    is not known is NA. `columns` says what each column of each table is."""
    ranking: pd.DataFrame
    """See `risk.priority`; no rows if nobody lives there."""
    measures: pd.DataFrame
    """See `equity.measures`."""
    manifest: Mapping[str, Any]
    """What the numbers were made from: the plan's manifest, the `day`, the `proposals` (see
    `repeat.asked_for`), and the `command` that makes the same report again."""

    @property
    def voice(self) -> Voice:
        """The words of the report's language."""
        return Voice.of(self.plan, self.area, self.language)

    @property
    def title(self) -> str:
        """What the report is called."""
        voice = self.voice
        return voice.say("report.title", area=voice.named(self.area.title))

    @property
    def facts(self) -> Facts:
        """What every file says about itself."""
        return Facts(
            attribution=ATTRIBUTION,
            illustrative=tuple(sorted(self.area.illustrative)),
            manifest=self.manifest,
        )


def report(
    area: StudyArea,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    *,
    proposals: Sequence[Proposal] = (),
    language: Language = "en",
    today: date | None = None,
    time_limit_s: float = 10.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Report:
    """Work out everything that a report tells.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario, standard
        As in `make_plan`.
    proposals
        At most four proposals to tell of, each looked at under this scenario and standard, whatever
        they were made for.
    language : {"en", "zh"}
        Language of the report.
    today : date, optional
        The day from which the age of the data is counted; see `day_of_report`.
    time_limit_s : float
        How long to look for the best plan beside each proposal [s].
    progress, stop
        As in `evaluate`.

    Raises
    ------
    ReportError
        If there are more proposals than four.
    UnknownNameError
        If there is no such language.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = report(StudyArea.open("monaco"), today=date(2026, 1, 31))
    >>> found.title
    'Who can walk to an emergency shelter in time: Monaco'
    >>> people = found.tables["statuses"]["population"]
    >>> int(people.sum())
    38367
    """
    if language not in get_args(Language):
        raise UnknownNameError("language", str(language), list(get_args(Language)))
    if len(proposals) > MOST_PROPOSALS:
        message = f"a report compares at most {MOST_PROPOSALS} proposals, not {len(proposals)}"
        raise ReportError(message)
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    day = today or day_of_report()
    progress("the plan", 0.0)
    plan = make_plan(area, scenario, standard)
    progress("priority and data", 0.15)
    ranking = _ranking(area, scenario, standard, day)
    graded, fairness = grades(area, scenario, today=day), measures(plan)
    looked_at = tuple(
        _looked_at(area, proposal, plan, (scenario, standard), time_limit_s, stop, part)
        for proposal, part in zip(proposals, _parts(progress, len(proposals)), strict=True)
    )
    voice = Voice.of(plan, area, language)
    missing = unknowns(voice, scenario, plan, graded)
    found = tables.of_plan(voice, scenario, graded, ranking, fairness, missing)
    found |= tables.of_proposals([(one.title, one.found) for one in looked_at])
    manifest = plan.manifest | {
        "day": day.isoformat(),
        "proposals": [asked_for(one) for one in proposals],
        "command": command(voice, proposals=len(proposals), day=day, time_limit_s=time_limit_s),
    }
    progress("done", 1.0)
    return Report(
        area=area,
        plan=plan,
        standard=standard,
        language=language,
        day=day,
        proposals=looked_at,
        tables=tables.complete(voice, found, manifest),
        ranking=ranking,
        measures=fairness,
        manifest=manifest,
    )


def _ranking(
    area: StudyArea, scenario: Scenario, standard: AccessStandard, day: date
) -> pd.DataFrame:
    try:
        return risk.priority(area, scenario, standard, today=day)
    except risk.RiskError:
        if area.demand["population"].sum() > 0:
            raise
    nobody = pd.DataFrame({"priority": pd.Series(dtype=float)})
    nobody.attrs["left_out"] = {}
    return nobody


def day_of_report() -> date:
    """Return the day of a report: that of SOURCE_DATE_EPOCH if it is set, else today (UTC).

    Raises
    ------
    ReportError
        If SOURCE_DATE_EPOCH is no number of seconds.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(given), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        message = f"SOURCE_DATE_EPOCH must be seconds since 1970, not {given[:40]!r}"
        raise ReportError(message) from error


def _parts(progress: Progress, count: int) -> list[Progress]:
    """Return what tells the progress of each proposal."""

    def part(number: int) -> Progress:
        first = 0.2 + 0.75 * number / count
        return lambda stage, share: progress(stage, first + 0.75 * min(share, 1.0) / count)

    return [part(number) for number in range(count)]


def _looked_at(
    area: StudyArea,
    proposal: Proposal,
    plan: Plan,
    given: tuple[Scenario, AccessStandard],
    time_limit_s: float,
    stop: Callable[[], bool],
    progress: Progress,
) -> Proposed:
    found = evaluate(
        area,
        proposal.sites,
        *given,
        before=plan,
        time_limit_s=time_limit_s,
        stop=stop,
        progress=progress,
    )
    mind = (*proposal.warnings(area), *found.doubles)
    return Proposed(title=proposal.title, found=found, mind=mind)
