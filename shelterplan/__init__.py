"""How reachable emergency shelters are on foot, who is left out, and where the next should go.

One question drives the package: can everybody here walk, in time, to a shelter that is safe and
has room, and where should the next one go?
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shelterplan import access, coverage, equity, risk, siting
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
    "equity",
    "make_plan",
    "risk",
    "siting",
]
__version__ = "0.1.0"

_HOMES = {
    "AccessStandard": "standards",
    "Plan": "plan",
    "Scenario": "scenario",
    "StudyArea": "study_area",
    "WalkNetwork": "network",
    "make_plan": "plan",
}
"""The module of each public name: loaded when it is first used, so that help comes at once."""


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"shelterplan.{_HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"shelterplan.{name}")
    raise AttributeError(f"module 'shelterplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
