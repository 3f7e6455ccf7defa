"""Where the next shelters should go: location models, candidates, proposals.

The models take matrices and know nothing of maps; what stands on them takes a study area.
"""

from shelterplan.siting.backup import backup_cover
from shelterplan.siting.candidates import SuitabilityRules, site_at, suitability, why_none
from shelterplan.siting.evaluate import Evaluation, evaluate
from shelterplan.siting.fair import FairResult, fairest_cover, quota_cover
from shelterplan.siting.ground import Ground
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.near_optimal import frequency, near_optimal
from shelterplan.siting.p_center import p_center
from shelterplan.siting.p_median import p_median
from shelterplan.siting.pareto import cost_front, front
from shelterplan.siting.proposal import Proposal, read_proposal
from shelterplan.siting.redundancy import critical_streets, two_ways
from shelterplan.siting.result import NoPlanError, SitingError, SitingResult
from shelterplan.siting.robust import RobustResult, robust_cover
from shelterplan.siting.set_cover import set_cover
from shelterplan.siting.suggest import Suggestion, Wish, suggest
from shelterplan.siting.sure import how_sure

__all__ = [
    "Evaluation",
    "FairResult",
    "Ground",
    "NoPlanError",
    "Proposal",
    "RobustResult",
    "SitingError",
    "SitingResult",
    "Suggestion",
    "SuitabilityRules",
    "Wish",
    "backup_cover",
    "cost_front",
    "critical_streets",
    "evaluate",
    "fairest_cover",
    "frequency",
    "front",
    "how_sure",
    "max_cover",
    "near_optimal",
    "p_center",
    "p_median",
    "quota_cover",
    "read_proposal",
    "robust_cover",
    "set_cover",
    "site_at",
    "suggest",
    "suitability",
    "two_ways",
    "why_none",
]
