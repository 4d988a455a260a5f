"""What a design takes and how fast it is, before synthesis."""

from hdlgen.estimate.choice import Candidate, Choice, choose
from hdlgen.estimate.model import Estimate, Estimator, estimate, estimate_plan
from hdlgen.estimate.remedy import remedies, shortages

__all__ = [
    "Candidate",
    "Choice",
    "Estimate",
    "Estimator",
    "choose",
    "estimate",
    "estimate_plan",
    "remedies",
    "shortages",
]
