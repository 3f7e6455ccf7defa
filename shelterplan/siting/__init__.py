"""Where the next shelters should go: location models, candidates, proposals.

The models take matrices and know nothing of maps: `max_cover`, `set_cover`, `p_median`, `p_center`.
What stands on them takes a study area.
"""

from shelterplan.siting.result import NoPlanError, SitingError, SitingResult

__all__ = ["NoPlanError", "SitingError", "SitingResult"]
