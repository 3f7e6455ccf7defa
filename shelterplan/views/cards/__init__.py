"""Community cards: one printed page for each community, to be pinned on a notice board.

>>> from shelterplan import StudyArea
>>> page = to_html(cards(StudyArea.open("monaco"), communities=["larvotto"]))
>>> page.count("<section class='card'"), "Larvotto" in page
(1, True)
"""

from shelterplan.views.cards.card import Card, cards
from shelterplan.views.cards.figures import Shelter
from shelterplan.views.cards.link import LinkError, checked_link
from shelterplan.views.cards.main_streets import main_streets
from shelterplan.views.cards.page import to_html
from shelterplan.views.cards.ways import Way

__all__ = [
    "Card",
    "LinkError",
    "Shelter",
    "Way",
    "cards",
    "checked_link",
    "main_streets",
    "to_html",
]
