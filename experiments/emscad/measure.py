"""Measure a bundle on every ad of a prepared folder that it has never seen, whatever the part.

python experiments/emscad/measure.py BUNDLE PREPARED
"""

from __future__ import annotations

import sys

from adrisk import Scorer
from adrisk.cli.evaluate import summary
from adrisk.dataset.prepared import AdDataset
from adrisk.evaluate.measure import evaluate_scorer

bundle, prepared = sys.argv[1:]
scorer, ads = Scorer.load(bundle), AdDataset.load(prepared)
if scorer.bundle.manifest["training_data"]["fingerprint"] == ads.fingerprint:
    sys.exit("the bundle was trained on these ads")
evaluation = evaluate_scorer(scorer, ads, allow_training_part=True)
print(summary(evaluation))
for tier, labels in (evaluation.tiers.counts if evaluation.tiers else {}).items():
    print(f"{tier}: {labels.ads} ads, {labels.positives} of them fraudulent")
