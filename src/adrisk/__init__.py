"""adrisk ranks online job ads and escort ads by the risk that they recruit for exploitation.

The output is a risk that needs a human look, never a statement about a person.
"""

from adrisk.records import Ad, ScoredAd, Tier
from adrisk.score.scorer import Scorer

__version__ = "0.1.0"

__all__ = ["Ad", "ScoredAd", "Scorer", "Tier", "__version__"]
