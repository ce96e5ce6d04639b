"""The hit/miss curve: its numbers, its intervals, and when it says nothing."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, ndtr, ndtri

from sensorkit.evaluate.detectability import firth
from sensorkit.evaluate.detectability.curve import LINEAR, LOG, ONE_SIDED, TWO_SIDED, Curve
from sensorkit.evaluate.detectability.hit_miss import Status, hit_miss

SIZES = np.geomspace(0.5, 20.0, 8)
TWENTY = [20] * 8
COUNTS = [0, 0, 1, 4, 11, 18, 20, 20]


def draws(pod, n, *, repeats=20, seed=1):
    rng = np.random.default_rng(seed)
    return rng.binomial(repeats, pod(SIZES), (n, len(SIZES)))


def logistic(a50, slope):
    return lambda a: expit(slope * np.log(a / a50))


def standard(hits, trials=20.0):
    x = np.log(SIZES)
    x = (x - x.mean()) / x.std()
    return x, np.full(len(x), trials), np.asarray(hits, dtype=float)


# The fit


def test_with_two_sizes_the_fit_adds_half_a_hit_and_half_a_miss_to_each():
    # Firth's penalty in a saturated logistic model is 1/2 in every cell.
    fit = hit_miss([1.0, math.e], [10, 10], [2, 9]).fit
    assert fit.intercept == pytest.approx(math.log(2.5 / 8.5), abs=1e-6)
    assert fit.intercept + fit.slope == pytest.approx(math.log(9.5 / 1.5), abs=1e-6)


@pytest.mark.parametrize(
    "hits", [COUNTS, [20] * 8, [0] * 8, [0, 0, 0, 0, 20, 20, 20, 20], [3, 1, 4, 1, 5, 9, 2, 6]]
)
def test_the_fit_is_the_maximum_of_the_penalised_likelihood(hits):
    counts = standard(hits)
    b0, b1, best = firth.fit(*counts)
    found = minimize(
        lambda b: -firth.value(b[0], b[1], *counts),
        [b0 + 0.3, b1 - 0.3],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000},
    )
    assert best >= -found.fun - 1e-9
    np.testing.assert_allclose([b0, b1], found.x, atol=1e-3)


def test_a_curve_without_an_overlap_has_a_fit_all_the_same():
    curve = hit_miss(SIZES, TWENTY, [0, 0, 0, 0, 20, 20, 20, 20])
    assert curve.status is Status.OK
    assert SIZES[3] < curve.a50 < SIZES[4]


@pytest.mark.parametrize("place", [0, 4, 7])
def test_the_deviance_is_what_the_best_curve_through_a_point_loses(place):
    counts = standard(COUNTS)
    _, b1, best = firth.fit(*counts)
    at, eta = counts[0][place], math.log(9)
    slopes = np.linspace(-5, 40, 90_001)
    most = max(firth.value(eta - slope * at, slope, *counts) for slope in slopes)
    assert firth.deviance(eta, at, b1, best, *counts) == pytest.approx(2 * (best - most), abs=1e-5)


@pytest.mark.parametrize("scale", [LOG, LINEAR])
def test_the_ends_of_the_intervals_have_the_deviance_they_should(scale):
    curve = Curve(SIZES, np.full(8, 20.0), np.array(COUNTS, dtype=float), scale)
    places = scale.of_size(SIZES)
    counts = (places - places.mean()) / places.std(), curve.trials, curve.hits
    _, b1, best = firth.fit(*counts)

    def lost(size, probability):
        at = (scale.of_size(np.array([size]))[0] - places.mean()) / places.std()
        return firth.deviance(math.log(probability / (1 - probability)), at, b1, best, *counts)

    for probability in (0.5, 0.9):
        assert lost(curve.size_at(probability), probability) == pytest.approx(0.0, abs=1e-6)
        for way, limit in ((-1, TWO_SIDED), (1, TWO_SIDED), (1, ONE_SIDED)):
            end = curve.reach(probability, way, limit)
            assert lost(end, probability) == pytest.approx(limit, abs=1e-3)
    middle = curve.band()[12]
    assert lost(middle.size, middle.high) == pytest.approx(TWO_SIDED, abs=1e-3)


def both(hits):
    return [Curve(SIZES, np.full(8, 20.0), np.array(hits, dtype=float), s) for s in (LOG, LINEAR)]


def test_intervals_reach_over_both_curves_that_the_counts_go_with():
    hits = [1, 1, 2, 4, 12, 19, 20, 20]
    found, (log, linear) = hit_miss(SIZES, TWENTY, hits), both(hits)
    assert linear.misfit < log.misfit + TWO_SIDED
    assert found.a90 == log.size_at(0.9)
    assert found.a90_95 == max(c.reach(0.9, 1, ONE_SIDED) for c in (log, linear))
    for ends, share in ((found.a50_ci, 0.5), (found.a90_ci, 0.9)):
        low, high = ([c.reach(share, way, TWO_SIDED) for c in (log, linear)] for way in (-1, 1))
        assert ends == (min(low), max(high))
        assert low[0] != low[1]
    for wide, *points in zip(found.band, log.band(), linear.band(), strict=True):
        assert wide.probability == points[0].probability
        assert (wide.low, wide.high) == (min(p.low for p in points), max(p.high for p in points))


def test_a_curve_that_the_counts_speak_against_widens_nothing():
    hits = [0, 3, 6, 9, 13, 16, 18, 19]
    found, (log, linear) = hit_miss(SIZES, TWENTY, hits), both(hits)
    assert linear.misfit > log.misfit + TWO_SIDED
    assert found.a50_ci == (log.reach(0.5, -1, TWO_SIDED), log.reach(0.5, 1, TWO_SIDED))
    assert found.band == log.band()


def test_the_sizes_stand_in_order():
    curve = hit_miss(SIZES, TWENTY, COUNTS)
    assert curve.a50 < curve.a90 < curve.a90_95 < curve.a90_ci[1]
    assert curve.a90_ci[0] < curve.a90
    assert all(p.low < p.probability < p.high for p in curve.band)


def test_another_unit_scales_the_sizes_and_nothing_else():
    one, other = hit_miss(SIZES, TWENTY, COUNTS), hit_miss(SIZES * 1000, TWENTY, COUNTS)
    assert other.a90 == pytest.approx(1000 * one.a90)
    assert other.a90_95 == pytest.approx(1000 * one.a90_95, rel=1e-5)
    assert other.fit.deviance_p == one.fit.deviance_p


def test_sizes_at_which_no_fault_counts_are_passed_over():
    some = hit_miss(SIZES[:7], TWENTY[:7], COUNTS[:7])
    assert hit_miss(SIZES, [*TWENTY[:7], 0], [*COUNTS[:7], 0]) == some


# What is not claimed


def test_a90_beyond_the_largest_size_is_not_reached():
    curve = hit_miss(SIZES, TWENTY, [0, 0, 0, 0, 1, 3, 7, 12])
    assert curve.status is Status.NOT_REACHED
    assert (curve.a90, curve.a90_95, curve.a90_ci) == (None, None, (None, None))
    assert SIZES[6] < curve.a50 < SIZES[7]
    assert "at the largest size" in curve.reason


def test_a_bound_beyond_the_largest_size_is_not_given():
    curve = hit_miss(SIZES, [5] * 8, [0, 0, 0, 0, 0, 1, 3, 5])
    assert curve.status is Status.OK
    assert curve.a90 is not None
    assert curve.a90_95 is None
    assert "upper bound" in curve.reason


def test_nothing_found_is_not_reached():
    curve = hit_miss(SIZES, TWENTY, [0] * 8)
    assert curve.status is Status.NOT_REACHED
    assert curve.reason == "none of 160 faults was found"


def test_large_faults_found_no_more_often_than_small_ones_are_no_trend():
    assert hit_miss(SIZES, TWENTY, [9, 11, 8, 10, 12, 9, 10, 10]).status is Status.NO_TREND
    assert hit_miss(SIZES, TWENTY, [20, 18, 11, 4, 1, 0, 0, 0]).status is Status.NO_TREND


def test_faults_of_one_size_only_are_not_testable():
    assert hit_miss([1.0, 2.0], [20, 0], [10, 0]).status is Status.NOT_TESTABLE


def test_when_all_are_found_the_smallest_size_with_29_hits_up_to_it_is_proven():
    curve = hit_miss(SIZES, TWENTY, TWENTY)
    assert curve.status is Status.ALL_FOUND
    assert (curve.a50, curve.a90) == (None, None)
    assert curve.a90_95 == SIZES[1]  # 40 hits; 20 would prove 86 %
    assert hit_miss(SIZES, [29] * 8, [29] * 8).a90_95 == SIZES[0]
    assert hit_miss(SIZES, [28] * 8, [28] * 8).a90_95 == SIZES[1]


def test_too_few_faults_prove_nothing_though_all_are_found():
    curve = hit_miss([1.0, 2.0], [5, 5], [5, 5])
    assert curve.status is Status.ALL_FOUND
    assert curve.a90_95 is None
    assert "29" in curve.reason


@pytest.mark.parametrize("hits", [[20] * 7 + [12], [20] * 6 + [16, 16], [18, *[20] * 6, 14]])
def test_small_faults_do_not_speak_for_large_ones_that_are_missed_more_often(hits):
    curve = hit_miss(SIZES, TWENTY, hits)
    assert curve.status is Status.NO_TREND
    assert curve.a90_95 is None
    assert "less often" in curve.reason


def test_a_curve_that_rises_and_then_falls_claims_no_size():
    # The slope is above 0, and the curve above 90 % everywhere.
    curve = hit_miss(SIZES, [100] * 8, [88, 95, 98, 100, 100, 100, 100, 91])
    assert curve.status is Status.NO_TREND
    assert "large faults are found less often" in curve.reason


def test_of_detectors_that_miss_two_in_five_of_the_largest_hardly_one_has_all_found():
    pod = np.array([1, 1, 1, 1, 1, 1, 0.95, 0.6])
    for hits in draws(lambda _: pod, 100):
        assert hit_miss(SIZES, TWENTY, hits).status is Status.NO_TREND


@pytest.mark.parametrize("share", [0.97, 0.99])
def test_where_nothing_falls_all_found_is_rarely_withheld_for_it(share):
    reasons = [
        hit_miss(SIZES, TWENTY, hits).reason or ""
        for hits in draws(lambda a: np.full(len(a), share), 300)
    ]
    assert np.mean(["less often" in reason for reason in reasons]) <= 0.05


def test_two_misses_may_both_be_of_the_largest_size():
    assert hit_miss(SIZES, TWENTY, [20] * 7 + [18]).status is Status.ALL_FOUND


def test_a_curve_above_90_percent_from_the_smallest_size_on_claims_no_size_below_it():
    curve = hit_miss(SIZES, [60] * 8, [56, 59, 60, 60, 60, 60, 60, 60])
    assert curve.status is Status.ALL_FOUND
    assert curve.a90 is None
    assert curve.a90_95 >= SIZES[0]


def test_a_curve_that_levels_off_below_90_percent_has_no_a90():
    curve = hit_miss(SIZES, TWENTY, [0, 1, 10, 16, 16, 17, 15, 16])
    assert curve.status is Status.NOT_REACHED
    assert "levels off at about 80%" in curve.reason
    assert curve.a90 is None


def test_counts_far_from_any_curve_withhold_the_sizes():
    curve = hit_miss(SIZES, [60] * 8, [20, 20, 20, 2, 30, 60, 60, 60])
    assert curve.status is Status.NOT_REACHED
    assert curve.fit.deviance_p < 0.01
    assert "do not follow" in curve.reason


@pytest.mark.parametrize("top", [0.8, 0.85])
def test_of_detectors_that_level_off_below_90_percent_hardly_one_is_given_an_a90(top):
    given = [
        hit_miss(SIZES, TWENTY, hits).a90_95 is not None
        for hits in draws(lambda a: top * expit(4 * np.log(a / 2.0)), 120)
    ]
    assert np.mean(given) <= 0.07


# Coverage


@pytest.fixture(scope="module", params=[(3.0, 2.0), (3.0, 4.0)])
def known(request):
    """A true curve, its a90, and what 300 draws of hits from it are taken for."""
    a50, slope = request.param
    pod = logistic(a50, slope)
    curves = [hit_miss(SIZES, TWENTY, hits) for hits in draws(pod, 300, seed=2)]
    return pod, a50 * 9 ** (1 / slope), curves


def test_a_good_curve_is_rarely_withheld(known):
    _, _, curves = known
    assert np.mean([curve.status is Status.OK for curve in curves]) >= 0.9


# Three standard errors of 300 draws are 0.038. A bound without its margin errs in half of them.
def test_a90_95_lies_below_the_true_a90_in_5_percent_of_the_draws(known):
    _, a90, curves = known
    below = np.mean([c.a90_95 is not None and c.a90_95 < a90 for c in curves])
    assert 0.01 <= below <= 0.088


def test_the_interval_of_a90_holds_it_in_95_percent_of_the_draws(known):
    _, a90, curves = known
    ends = [curve.a90_ci for curve in curves if curve.a90 is not None]
    inside = np.mean([(low or 0) <= a90 <= (high or math.inf) for low, high in ends])
    assert 0.912 <= inside <= 0.99


def test_the_band_holds_the_curve_in_95_percent_of_the_draws(known):
    pod, _, curves = known
    inside = np.mean([p.low <= pod(p.size) <= p.high for curve in curves for p in curve.band])
    assert 0.92 <= inside <= 0.98


@pytest.mark.parametrize("repeats", [20, 60])
def test_of_a_threshold_in_noise_the_intervals_hold_the_sizes_as_well(repeats):
    # POD is a normal distribution over size, no logistic one over its logarithm: of the latter
    # alone the interval of a50 holds it in 87 % (20 repeats) and 65 % (60).
    a50, a90 = 3.0, 3.0 + float(ndtri(0.9))
    hits = draws(lambda a: ndtr(a - 3.0), 100, repeats=repeats, seed=4)
    curves = [hit_miss(SIZES, [repeats] * 8, some) for some in hits]
    curves = [curve for curve in curves if curve.a90 is not None]
    assert len(curves) > 70
    for truth, name in ((a50, "a50_ci"), (a90, "a90_ci")):
        ends = [getattr(curve, name) for curve in curves]
        held = np.mean([(low or 0) <= truth <= (high or math.inf) for low, high in ends])
        assert held >= 0.92, name


def test_the_p_of_the_misfit_is_spread_evenly_where_the_curve_is_right(known):
    _, _, curves = known
    p = np.array([curve.fit.deviance_p for curve in curves])
    assert 0.4 <= p.mean() <= 0.6
    assert 0.04 <= np.mean(p < 0.1) <= 0.16


# Wrong use


@pytest.mark.parametrize(
    ("sizes", "trials", "hits", "said"),
    [
        ([1, 2], [5, 5], [6, 0], "hits are"),
        ([1, 2], [5, 5], [-1, 0], "hits are"),
        ([1, 2], [5, 5], [0.5, 0], "whole numbers"),
        ([2, 1], [5, 5], [0, 0], "rising numbers above 0"),
        ([0, 1], [5, 5], [0, 0], "rising numbers above 0"),
        ([1, math.nan], [5, 5], [0, 0], "rising numbers above 0"),
        ([1, 2], [5], [0, 0], "one number of each"),
    ],
)
def test_counts_that_are_none_are_refused(sizes, trials, hits, said):
    with pytest.raises(ValueError, match=said):
        hit_miss(sizes, trials, hits)
