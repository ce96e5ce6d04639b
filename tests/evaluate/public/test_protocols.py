"""Each protocol on series that are made here: what is learned from, and what counts."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.datasets.series import Series
from sensorkit.evaluate.metrics.nab import PROFILES, Sheet, raw_score, score_at
from sensorkit.evaluate.public import asnx, cmapss, debruijn, nab, sensors, skab, ucr
from sensorkit.evaluate.public.alarms import Alarms
from sensorkit.evaluate.public.contestants import contestants
from sensorkit.evaluate.public.loop import tried_on
from sensorkit.evaluate.public.nab_alerts import alert_starts, worth
from sensorkit.evaluate.public.sources import names, protocol
from sensorkit.evaluate.public.stretches import ahead
from sensorkit.evaluate.public.telemetry import SmapMsl
from sensorkit.evaluate.public.tsb_ad import TsbAd
from sensorkit.readings import Readings

SECOND = 1_000_000_000


def found(one, detector, cases):
    (outcome,) = tried_on(one, detector, cases)
    assert outcome.found is not None, outcome.reason
    return outcome.found.figures


class Spy:
    """Remembers what it was given; scores nothing but zeros."""

    name = "spy"
    threshold_ = 1.0
    seen: dict = {}  # noqa: RUF012 - copies of the detector write into one

    def fit(self, readings):
        Spy.seen["fit"] = readings
        return self

    def calibrate(self, readings, budget=1.0):
        Spy.seen["calibrate"] = readings
        return self

    def score(self, readings):
        Spy.seen["test"] = readings
        return np.zeros(len(readings))

    def alerts(self, readings):
        return []

    def finish(self):
        return []


def times(readings):
    return set(readings.time.tolist())


@pytest.mark.parametrize("name", names())
def test_every_protocol_says_how_it_judges_and_puts_honest_figures_first(name):
    one = protocol(name)
    chosen = [column.labels for column in one.columns]
    assert one.text
    assert one.title
    assert not one.column.labels
    assert chosen == sorted(chosen)
    assert len({column.key for column in one.columns}) == len(one.columns)


def test_readings_that_are_learned_from_are_not_in_the_test(make_series):
    series = make_series(n=1000, windows=((700, 720),))
    case = ahead(series, 400)
    found(Alarms_(), Spy(), [case])
    fit, calibrate, test = (times(Spy.seen[what]) for what in ("fit", "calibrate", "test"))
    assert not fit & calibrate
    assert not (fit | calibrate) & test
    assert len(fit) == 240
    assert len(calibrate) == 160


class Alarms_(Alarms):  # noqa: N801
    name, title, text = "x", "x", ()

    def cases(self, series):
        return list(series)


def test_labelled_readings_are_not_learned_from(make_series):
    series = make_series(n=1000, windows=((100, 149), (700, 720)))
    case = ahead(series, 400)
    assert len(case.fit) + len(case.calibrate) == 350
    assert len(case.before) == 400
    assert case.windows.tolist() == [[300, 320]]


def test_an_alarm_that_never_ends_shows_in_the_share_of_flagged_readings(make_series):
    case = ahead(make_series(n=1000, windows=((700, 720),)), 400)
    always = found(Alarms_(), detect.make("always"), [case])
    never = found(Alarms_(), detect.make("never"), [case])
    assert (always["hits"], always["flagged"]) == (0.0, 600.0 - 21)
    assert (never["hits"], never["flagged"]) == (0.0, 0.0)


def test_a_fault_that_is_easy_is_found_and_ranked_first(make_series):
    case = ahead(make_series(n=1000, windows=((700, 720),), size=50.0), 400)
    rules = found(Alarms_(), contestants(["rules"], 0)["rules"], [case])
    assert (rules["hits"], rules["faults"]) == (1.0, 1.0)
    assert rules["average_precision"] > 0.8


# NAB


@pytest.mark.parametrize("merge", [-1, 0, 10])
@pytest.mark.parametrize("seed", range(5))
def test_what_alerts_are_worth_is_what_the_scorer_says_of_their_first_readings(seed, merge):
    rng = np.random.default_rng(seed)
    score, time = rng.integers(0, 6, 400).astype(float), np.arange(400)
    sheet = Sheet.of(400, [(100, 130), (200, 200), (300, 350)])
    thresholds = np.array([2.0, 5.0, math.inf])
    at = worth(sheet, score, time, thresholds, merge=merge)
    for profile in PROFILES.values():
        expected = [
            raw_score(sheet, alert_starts(score, time, t, merge, 0), profile) for t in thresholds
        ]
        assert at.raw(sheet.windows, profile).tolist() == pytest.approx(expected)


def test_every_flagged_reading_is_a_detection_without_merging():
    sheet = Sheet.of(400, [(100, 130)])
    score = np.random.default_rng(0).random(400)
    at = worth(sheet, score, np.arange(400), np.array([0.9]), merge=-1)
    raw = at.raw(1, PROFILES["standard"])
    expected = score_at([sheet], [score], 0.9, PROFILES["standard"])
    assert float(nab.normalised(raw[0], 1, PROFILES["standard"])) == pytest.approx(expected)


def test_only_the_probation_of_a_nab_file_is_learned_from(make_series):
    case = nab.case_of(make_series(n=2000, windows=((1000, 1100),)))
    assert (len(case.fit), len(case.calibrate)) == (180, 120)
    long = nab.case_of(make_series(n=20_000, windows=((10_000, 11_000),)))
    assert len(long.fit) + len(long.calibrate) == 750


def test_the_frozen_figure_of_nab_does_not_change_with_the_labels(make_series):
    one, series = nab.Nab(), make_series(n=2000, windows=((1000, 1100),))
    moved = replace(series, labels=np.roll(series.labels, 500), windows=series.windows + 500)
    sigma = detect.make("sigma")
    first, second = (tried_on(one, sigma, [nab.case_of(s)])[0].found for s in (series, moved))
    assert first.arrays["scores"].tolist() == second.arrays["scores"].tolist()
    assert first.figures["raw_standard"] != second.figures["raw_standard"]


def test_the_optimised_figure_of_nab_is_at_least_that_of_any_one_threshold(make_series):
    one = nab.Nab()
    cases = [
        nab.case_of(make_series(str(i), seed=i, n=2000, windows=((900, 960),))) for i in (1, 2)
    ]
    outcomes = [tried_on(one, detect.make("sigma"), [case])[0].found for case in cases]
    chosen = one.chosen_on_labels(cases, outcomes)
    sheets, scores = [nab.sheet_of(c) for c in cases], [o.arrays["scores"] for o in outcomes]
    for threshold in (2.0, 3.0, 4.0, 5.0):
        assert chosen["optimised"] >= score_at(sheets, scores, threshold, PROFILES["standard"])


def test_unseen_thresholds_come_from_other_files():
    raw = np.zeros((10, 2))
    raw[:, 0] = 0.5
    raw[3] = [-100.0, 1.0]  # alone against all: seen, it would decide
    sheets = [Sheet.of(100, [(50, 59)]) for _ in range(10)]
    standard = PROFILES["standard"]
    unseen = nab.from_other_files(sheets, raw, standard, [str(i) for i in range(10)])
    assert unseen < float(nab.normalised(raw[:, 1].sum(), 10, standard))


def test_files_of_one_source_are_on_one_side_of_the_thresholds_from_other_files():
    raw = np.zeros((20, 2))
    raw[:, 1] = -0.01
    raw[:2, 1] = 1.0  # what is best for a file and its sibling, and for nobody else
    sheets = [Sheet.of(100, [(50, 59)]) for _ in range(20)]
    standard = PROFILES["standard"]
    alone = nab.from_other_files(sheets, raw, standard, [str(i) for i in range(20)])
    together = nab.from_other_files(sheets, raw, standard, [str(i // 2) for i in range(20)])
    nothing = float(nab.normalised(0.0, 20, standard))
    assert together < nothing < alone


# SKAB


def test_skab_counts_are_added_up_before_rates_are_taken():
    truth, flags = np.array([True, True, False, False]), np.array([True, False, True, False])
    rates = skab.rates(skab.counts(truth, flags) + skab.counts(truth, truth))
    assert {k: float(v) for k, v in rates.items()} == {"f1": 0.75, "far": 25.0, "mar": 25.0}


def test_skab_is_fitted_on_400_rows_and_tested_on_the_rest(make_series):
    series = make_series(n=700, windows=((500, 599),))
    change = np.zeros(700, dtype=bool)
    change[[500, 600]] = True
    one = skab.Skab()
    clean = replace(series, labels=np.zeros(700, dtype=bool))
    (case,) = one.cases([clean, replace(series, extra={"changepoints": change})])
    figures = found(one, detect.make("always"), [case])
    assert [figures[name] for name in skab.COUNTS] == [100.0, 200.0, 0.0, 0.0]
    assert (len(case.fit), case.calibrate) == (400, None)
    # It turns on once, 100 rows before the first change: one prediction that is wrong.
    assert figures["got_standard"] == pytest.approx(-2.11)
    assert figures["perfect_standard"] == 2.0


# UCR


def test_a_ucr_hit_is_the_highest_score_near_the_interval(make_series):
    case = ucr.Ucr().cases([make_series(n=3000, windows=((2000, 2010),), fit=1000)])[0]
    score = np.zeros(2000)
    for row, hit in ((1000, True), (900, True), (899, False), (1110, True), (1111, False)):
        one = score.copy()
        one[row] = 1.0
        assert ucr.located(case, one) is hit, row


def test_a_score_that_is_the_same_everywhere_locates_nothing(make_series):
    case = ucr.Ucr().cases([make_series(n=1300, windows=((1005, 1010),), fit=1000)])[0]
    assert not ucr.located(case, np.ones(300))  # row 0 would be within the margin


def test_a_ucr_series_with_its_anomaly_in_training_is_left_out(make_series):
    assert not ucr.Ucr().cases([make_series(n=1300, windows=((500, 510),), fit=1000)])


# De Bruijn, asnx


def node(kind, labels, *, n=100, late_s=0, values=None):
    """Return one series of a node in the names of the loader."""
    time = np.arange(n) * 60 * SECOND + late_s * SECOND
    values = np.linspace(20.0, 21.0, n) if values is None else values
    readings = Readings.build(time, values[:, None], ["temperature"])
    categories = np.array([kind if one else None for one in labels], dtype=object)
    return Series.of(
        "debruijn",
        f"site/1/temperature/{kind}",
        readings,
        np.asarray(labels, dtype=bool),
        group="site/1",
        categories=categories,
        extra={"channel": "temperature", "kind": kind},
    )


def test_no_reading_that_was_learned_from_has_its_twin_in_the_test():
    natural = np.zeros(100, dtype=bool)
    natural[5] = True
    faulty = np.zeros(100, dtype=bool)
    faulty[38:45] = faulty[70:73] = True
    (case,) = debruijn.DeBruijn().cases([node("clean", natural), node("bias", faulty)])
    learned = times(case.fit) | times(case.calibrate)
    assert len(learned) == 39  # of 40 rows one is labelled in the clean file
    assert not learned & times(case.test)
    assert case.test.time[0] == 45 * 60 * SECOND  # not from the middle of a fault on
    assert case.windows.tolist() == [[25, 27]]


def test_a_file_that_is_two_hours_late_is_moved_back():
    none, faulty = np.zeros(100, dtype=bool), np.zeros(100, dtype=bool)
    faulty[70:73] = True
    late = node("polydrift", faulty, late_s=7200)
    (case,) = debruijn.DeBruijn().cases([node("clean", none), late])
    assert case.test.time[0] == 40 * 60 * SECOND


def test_neighbouring_rows_of_two_kinds_are_two_faults():
    labels = np.array([False, True, True, True, False])
    one = node("mixed", labels, n=5)
    kinds = np.array([None, "bias", "bias", "drift", None], dtype=object)
    assert debruijn.events(replace(one, categories=kinds), 0).tolist() == [[1, 2], [3, 3]]


def test_asnx_is_judged_without_and_with_what_the_node_says_of_itself():
    n, labels = 200, np.zeros(200, dtype=bool)
    labels[150:160] = True
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n, 2))
    spliced = values.copy()
    spliced[labels, 1] += 100.0
    time = np.arange(n) * 600 * SECOND

    def series(name, columns, truth):
        readings = Readings.build(time, columns, ["T_air", "x_adc"])
        return Series.of("asnx", name, readings, truth, group="week")

    one = asnx.Asnx()
    clean = series("clean", values, np.zeros(n, dtype=bool))
    without, with_x = one.cases([clean, series("spliced", spliced, labels)])
    assert without.test.channels == ("T_air",)
    rules = contestants(["rules"], 0)["rules"]
    blind, seeing = found(one, rules, [without]), found(one, rules, [with_x])
    assert seeing["average_precision_x"] > 0.9 > blind["average_precision"]
    pooled = one.pool({k: np.array([v]) for k, v in (blind | seeing).items()}, np.ones(1))
    assert set(pooled) == {column.key for column in one.columns}


# C-MAPSS


def engine(number, life, *, failing_from=None, n=None):
    rng = np.random.default_rng(number)
    values = rng.normal(size=(n or life, 2))
    if failing_from is not None:
        values[failing_from:] += 30.0
    left = np.arange(life - 1, -1, -1)[: n or life]
    readings = Readings.build(np.arange(n or life) * SECOND, values, ["a", "b"], device=str(number))
    return Series.of(
        "cmapss",
        f"FD001/train/{number}",
        readings,
        np.zeros(n or life, dtype=bool),
        extra={"rul": left},
    )


def test_the_lead_is_what_is_left_of_the_life_when_the_warning_comes():
    one = cmapss.Cmapss()
    cases = one.cases([engine(1, 200, failing_from=160), engine(2, 200, failing_from=190)])
    outcomes = tried_on(one, contestants(["rules"], 0)["rules"], cases)
    figures = [outcome.found.figures for outcome in outcomes]
    assert [f["lead"] for f in figures] == [39.0, 9.0]
    assert [f["in_time"] for f in figures] == [1.0, 0.0]


def test_an_alarm_in_the_first_half_of_a_life_is_false():
    one = cmapss.Cmapss()
    cases = one.cases([engine(1, 200, failing_from=70), engine(2, 200)])
    figures = tried_on(one, contestants(["rules"], 0)["rules"], cases)[0].found.figures
    assert figures["false_alarms"] >= 1.0
    assert figures["in_time"] == 0.0


def test_an_engine_in_alarm_from_the_start_is_no_warning():
    one = cmapss.Cmapss()
    cases = one.cases([engine(1, 200)])
    figures = found(one, detect.make("always"), cases)
    assert (figures["warned"], figures["false_alarms"], figures["lead"]) == (0.0, 1.0, 0.0)


def test_an_engine_that_is_not_seen_to_fail_is_not_judged():
    assert not cmapss.Cmapss().cases([engine(1, 200, n=150)])


def test_the_fleet_learns_from_early_cycles_of_every_engine():
    one = cmapss.Cmapss()
    case = one.cases([engine(1, 200), engine(2, 150)])[0]
    assert (len(case.fit), len(case.calibrate)) == (60, 40)
    assert case.test.time[0] == cmapss.EARLY * SECOND


def test_the_weighted_median_is_that_of_the_repeated_values():
    rng = np.random.default_rng(2)
    values, weight = rng.random(9), rng.integers(0, 4, (6, 9)).astype(float)
    expected = [np.median(np.repeat(values, w.astype(int))) for w in weight]
    assert cmapss.weighted_median(values, weight).tolist() == pytest.approx(expected)


# SMAP and MSL, GECCO, TSB-AD


def test_a_random_score_gets_a_high_point_adjusted_f1_and_a_low_vus_pr(make_series):
    long = ((1500, 1899), (2200, 2599))
    cases = SmapMsl().cases([make_series(n=3000, windows=long, size=0.0, fit=1000)])
    figures = found(SmapMsl(), detect.make("random", seed=1), cases)
    assert figures["pa_f1_warning"] > 0.9
    assert figures["vus_pr"] < 0.6


def test_the_best_f1_is_that_of_trying_every_threshold(make_series):
    case = ahead(make_series(n=500, windows=((300, 340),), size=1.0), 100)
    scores = np.round(np.random.default_rng(3).normal(size=400), 1)
    tried = [skab.rates(skab.counts(case.faulty, scores >= t))["f1"] for t in np.unique(scores)]
    assert sensors.best_f1(case, scores) == pytest.approx(float(max(tried)))


def test_the_f1_of_gecco_is_that_of_the_frozen_threshold_and_the_best_one_stands_last(make_series):
    one = sensors.Gecco()
    (case,) = one.cases([make_series(n=2000, windows=((1500, 1560),), size=8.0)])
    figures = found(one, contestants(["rules"], 0)["rules"], [case])
    pooled = one.pool({name: np.array([v]) for name, v in figures.items()}, np.ones(1))
    assert 0.3 < pooled["f1"] <= pooled["f1_best"]
    assert one.columns[-1].labels


def test_a_tsb_ad_file_is_scored_with_its_training_rows(make_series):
    one = TsbAd()
    (case,) = one.cases([make_series(n=1500, fit=500)])
    found(one, Spy(), [case])
    assert (len(Spy.seen["fit"]), len(Spy.seen["test"])) == (500, 1500)


def test_the_univariate_and_the_multivariate_table_of_tsb_ad_are_kept_apart(make_series):
    rows = [{"track": "U", "method": "a"}, {"track": "M", "method": "b"}]
    one = TsbAd()
    single = one.cases([make_series(fit=500)])
    many = one.cases([make_series(fit=500, channels=3)])
    assert one.leaderboard(rows, single) == ([rows[0]], False)
    assert one.leaderboard(rows, many * 180) == ([rows[1]], True)
    assert one.leaderboard(rows, many * 350)[1] is False
