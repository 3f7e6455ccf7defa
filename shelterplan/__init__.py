"""How reachable emergency shelters are on foot, who is left out, and where the next should go.

One question drives the package: can everybody here walk, in time, to a shelter that is safe and
has room, and where should the next one go?
"""

from shelterplan import access, coverage
from shelterplan.network import WalkNetwork
from shelterplan.plan import Plan, make_plan
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import StudyArea

__all__ = [
    "AccessStandard",
    "Plan",
    "Scenario",
    "StudyArea",
    "WalkNetwork",
    "access",
    "coverage",
    "make_plan",
]
__version__ = "0.1.0"
