"""What a design takes and how fast it is, before synthesis."""

from hdlgen.estimate.model import Estimate, Estimator, estimate, estimate_plan
from hdlgen.estimate.remedy import remedies, shortages

__all__ = ["Estimate", "Estimator", "estimate", "estimate_plan", "remedies", "shortages"]
