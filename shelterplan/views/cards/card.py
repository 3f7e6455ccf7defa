"""The card of each community: its shelters, the ways there, and who has none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import pandas as pd

from shelterplan import coverage
from shelterplan.errors import UnknownNameError
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.views.cards.figures import OUT_OF_REACH, Met, Shelter, people_by_status
from shelterplan.views.cards.link import checked_link
from shelterplan.views.cards.main_streets import main_streets
from shelterplan.views.cards.picture import Ground
from shelterplan.views.cards.telling import Words
from shelterplan.views.cards.ways import Way, ways

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shelterplan.study_area import StudyArea

LETTERS: Final = "ABCDEFGH"


@dataclass(frozen=True, eq=False, kw_only=True)
class Card:
    """What the card of one community says."""

    community_id: str
    name: str
    district: str
    people: Mapping[str, float]
    """People by status, every one of `coverage.STATUSES`."""
    shelters: tuple[Shelter, ...]
    """The nearest first."""
    ways: tuple[Way, ...]
    """From each main street, the main one first."""
    other_shelters: int
    """Further shelters that are the nearest for somebody."""
    other_people: float
    """For how many people."""
    scenario: Scenario
    standard: AccessStandard
    words: Words
    ground: Ground
    """What its map draws from; shared by all cards."""
    link: str = ""
    """Address of the resident map; empty for none."""

    @property
    def area(self) -> StudyArea:
        """The place."""
        return self.words.area

    @property
    def population(self) -> float:
        """All its people."""
        return float(sum(self.people.values()))

    @property
    def out_of_reach(self) -> float:
        """People who have no fit shelter within the standard."""
        return float(sum(self.people[status] for status in OUT_OF_REACH))

    @property
    def has_way(self) -> bool:
        """Whether any shelter can be reached by anybody of the community."""
        return bool(self.shelters) or any(way.shelter_id for way in self.ways)

    @property
    def delay_counts(self) -> bool:
        """Whether the time before people leave counts against the standard."""
        return self.standard.limit.unit == "s" and self.scenario.delay_s > 0

    @cached_property
    def letters(self) -> dict[str, str]:
        """Letters of the shelters on the card, by their ids: those told of, then others met."""
        keys = [one.shelter_id for one in self.shelters]
        keys += [way.shelter_id for way in self.ways if way.shelter_id]
        return dict(zip(dict.fromkeys(keys), LETTERS, strict=False))


def cards(
    area: StudyArea,
    *,
    communities: Sequence[str] | None = None,
    scenario: Scenario | None = None,
    standard: AccessStandard | None = None,
    language: str = "en",
    link: str | None = None,
) -> list[Card]:
    """Make the card of each community.

    Parameters
    ----------
    area : StudyArea
        The place.
    communities : sequence of str, optional
        Ids; by default all communities, in the order of the table.
    scenario : Scenario, optional
        The hazard, and what is open; by default an adult on an ordinary day. The times of adults
        and of elderly people are told whoever walks in it, unless it gives them a speed of its own.
    standard : AccessStandard, optional
        What counts as near enough; by default 500 m.
    language : {"en", "zh"}
        Language of the cards.
    link : str, optional
        Address of the resident map, which is shown as text and as a QR code.

    Returns
    -------
    list of Card
        One a community.

    Raises
    ------
    UnknownNameError
        If there is no such community or language.
    LinkError
        If the link is no http or https address.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> card = cards(StudyArea.open("monaco"), communities=["monaco-ville"])[0]
    >>> [shelter.name for shelter in card.shelters][:2], int(card.population)
    (['Jardins de Saint-Martin', "Place d'Armes"], 1000)
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    words, address = Words(area, language), checked_link(link) if link else ""
    ids = list(area.communities.index) if communities is None else list(dict.fromkeys(communities))
    for one in ids:
        if one not in area.communities.index:
            raise UnknownNameError("community", one, list(area.communities.index))
    found = coverage.examine(area, scenario, standard)
    met = Met(area, scenario, found)
    people = people_by_status(found).reindex(ids, fill_value=0.0).to_dict("index")
    streets = main_streets(area, communities=ids)
    led = pd.Series(ways(area, streets, scenario, standard), streets.index, dtype=object)
    by_community = {
        str(key): tuple(some) for key, some in led.groupby(streets["community_id"].to_numpy(object))
    }
    ground = Ground(area, scenario)
    made = []
    for one in ids:
        from_here = by_community.get(one, ())
        shelters = met.shelters(one, from_here)
        number, others = met.others(one, shelters)
        row = area.communities.loc[one].to_dict()
        made.append(
            Card(
                community_id=one,
                name=str(row["name"]),
                district=str(row["district"]) if isinstance(row["district"], str) else "",
                people={status: float(people[one][status]) for status in coverage.STATUSES},
                shelters=shelters,
                ways=from_here,
                other_shelters=number,
                other_people=others,
                scenario=scenario,
                standard=standard,
                words=words,
                ground=ground,
                link=address,
            )
        )
    return made
