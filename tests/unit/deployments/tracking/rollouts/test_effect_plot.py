"""The picture shows every metric that decides, in percent, with the stages."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from deployments.rollouts import Look, Rollout
from deployments.tracking.rollouts.effect_plot import draw_effects, effects_figure

Shown = tuple[Rollout, list[Look]]


def _figure(shown: Shown) -> Figure:
    figure = effects_figure(*shown)
    assert figure is not None
    return figure


def _panel(figure: Figure, title: str) -> Axes:
    (panel,) = (one for one in figure.axes if one.get_title().startswith(title))
    return panel


def test_every_metric_that_decides_has_a_panel(promoted: Shown) -> None:
    _, looks = promoted
    deciding = [
        one for one in looks[-1].decision.verdicts if one.rolls_back and one.change is not None
    ]
    visible = [one for one in _figure(promoted).axes if one.get_visible()]
    assert len(visible) == len(deciding) == 9
    assert {one.get_title().rpartition(": ")[2] for one in visible} == {"pass"}


def test_effects_are_in_percent_over_minutes(promoted: Shown) -> None:
    rollout, looks = promoted
    panel = _panel(_figure(promoted), "time of the whole answer")
    effects = [line for line in panel.lines if line.get_linewidth() == 1.6]
    assert len(effects) == 3  # every stage begins anew
    minutes, values = effects[-1].get_data()
    (last,) = (one for one in looks[-1].decision.verdicts if one.metric == "total_ms")
    assert last.change is not None
    assert float(np.asarray(values)[-1]) == pytest.approx(last.change * 100)
    end_s = looks[-1].decision.at_s - rollout.created_s
    assert float(np.asarray(minutes)[-1]) == pytest.approx(end_s / 60)
    assert panel.get_ylabel() == "% worse"
    assert _panel(_figure(promoted), "requests that failed").get_ylabel().startswith("percentage")


def test_the_margin_lies_within_the_picture(promoted: Shown, rolled_back: Shown) -> None:
    for shown in (promoted, rolled_back):
        low, high = _panel(_figure(shown), "time of the whole answer").get_ylim()
        assert low < 0 < 10 < high < 200


def test_stages_are_named_by_their_weight(promoted: Shown) -> None:
    panel = _panel(_figure(promoted), "time of the whole answer")
    assert [text.get_text() for text in panel.texts] == ["5 %", "25 %", "50 %"]


def test_the_picture_is_a_png_with_a_row_per_three_metrics(rolled_back: Shown) -> None:
    picture = draw_effects(*rolled_back)
    assert picture is not None
    height, width, _ = imread(BytesIO(picture)).shape
    assert 1200 < width < 2000
    assert 700 < height < 1300


def test_names_are_no_formulas(rolled_back: Shown) -> None:
    rollout, looks = rolled_back
    decision = replace(looks[-1].decision, reason="costs $5 and $\\frac{")
    looks = [*looks[:-1], replace(looks[-1], decision=decision)]
    assert draw_effects(replace(rollout, canary="$b_{"), looks) is not None


def test_without_figures_there_is_no_picture(promoted: Shown) -> None:
    rollout, looks = promoted
    assert draw_effects(rollout, []) is None
    assert draw_effects(rollout, looks[:1]) is None
