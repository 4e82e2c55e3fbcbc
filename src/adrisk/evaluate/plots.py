"""The plots of the report, each an SVG image as a data address, drawn without a display."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adrisk.evaluate.evaluation import Evaluation
from adrisk.evaluate.tables import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008: told apart with any colour vision, and by dash and marker as well.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_RISKY, _NOT_RISKY, _GUIDE = "#D55E00", "#0072B2", "#595959"


def precision_recall_plot(evaluations: Mapping[str, Evaluation]) -> str:
    """Precision over recall, one line a model, with the base rate as the line of chance."""
    drawing, axes = _axes()
    for place, (name, evaluation) in enumerate(evaluations.items()):
        curves, ap = evaluation.curves, evaluation.risk.average_precision.value
        axes.step(
            [0.0, *curves.recall] if curves.recall else [],
            [*curves.precision[:1], *curves.precision],
            where="pre",
            label=f"average precision {figure(ap)}: {name}",
            **_line(place),
        )
    rates = {figure(e.risk.base_rate) for e in evaluations.values()}
    for place, evaluation in enumerate(evaluations.values()):
        if place == 0 or len(rates) > 1:
            axes.axhline(evaluation.risk.base_rate, color=_GUIDE, linewidth=1.4, linestyle=":")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03))
    axes.plot([], [], color=_GUIDE, linewidth=1.4, linestyle=":", label="base rate: chance")
    _legend(axes)
    return _data_address(drawing)


def reliability_plot(evaluations: Mapping[str, Evaluation]) -> str:
    """Share of risky ads over mean probability in bins of equal mass."""
    drawing, axes = _axes()
    axes.plot([0, 1], [0, 1], color=_GUIDE, linewidth=1.4, linestyle=":", label="perfect: equal")
    for place, (name, evaluation) in enumerate(evaluations.items()):
        curves, error = evaluation.curves, evaluation.risk.ece
        axes.plot(
            curves.mean_probability,
            curves.share_risky,
            marker=_MARKERS[place % len(_MARKERS)],
            markersize=4.5,
            label=f"calibration error {figure(error)}: {name}",
            **_line(place),
        )
    axes.set(xlabel="mean probability in the bin", ylabel="share of risky ads")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.03))
    _legend(axes)
    return _data_address(drawing)


def distribution_plot(evaluation: Evaluation) -> str:
    """Share of the risky and of the other ads in each of twenty equal ranges of the score."""
    drawing, axes = _axes(height=3.2)
    curves, labels = evaluation.curves, evaluation.risk.labels
    for counts, total, colour, name, hatch in (
        (curves.histogram_not_risky, labels.negatives, _NOT_RISKY, "not risky", ""),
        (curves.histogram_risky, labels.positives, _RISKY, "risky", "///"),
    ):
        shares = [count / max(total, 1) for count in counts]
        axes.stairs(shares, curves.histogram_edges, fill=True, color=colour, alpha=0.22)
        axes.stairs(
            shares,
            curves.histogram_edges,
            edgecolor=colour,
            linewidth=1.8,
            hatch=hatch,
            label=f"{name} ({total} ads)",
        )
    axes.set(xlabel="risk score", ylabel="share of the class", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    _legend(axes)
    return _data_address(drawing)


def _axes(height: float = 4.2) -> tuple[Any, Axes]:
    # Figure without pyplot: no display, no global state.
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(6.0, height), layout="constrained")
    axes = drawing.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e3e3e3", linewidth=0.8)
    axes.set_axisbelow(True)
    return drawing, axes


def _line(place: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "linestyle": _DASHES[place % len(_DASHES)],
        "linewidth": 2.0,
    }


def _legend(axes: Axes) -> None:
    legend = axes.legend(fontsize=9, framealpha=0.9)
    for text in legend.get_texts():
        # A dollar sign in a name is a dollar sign, not the start of a formula.
        text.set_parse_math(False)


def _data_address(drawing: Any) -> str:
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "adrisk"}):
        drawing.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
