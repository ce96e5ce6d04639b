"""How often the 95 % intervals of a benchmark hold the truth, beside other ways to make them.

Each line simulates many benchmarks whose truth is known. The share that an interval holds it is
printed, and its mean width after the slash. docs/statistics.md shows the tables.

Run with `python benchmarks/intervals.py`, or one part with `--only one`.
"""

import argparse
import math

import numpy as np
from scipy.special import stdtrit

from sensorkit.evaluate import statistics
from sensorkit.evaluate.flagged import FLAG_FIGURES, flag_figures, flag_intervals
from sensorkit.evaluate.metrics import average_precision, roc_auc, vus
from sensorkit.evaluate.rows import event_f1, event_f1_interval
from sensorkit.evaluate.statistics import (
    bunching,
    censored_median,
    hits_p_value,
    median_delay_interval,
    p_value,
    percentile_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.statistics.blocks import FIGURES, bootstrap
from sensorkit.evaluate.statistics.nested import (
    mean_draws,
    rate_interval,
    resample_nested,
    share_interval,
)
from sensorkit.evaluate.statistics.power import faults_needed

DRAWS = 400


class Tally:
    """Counts how often intervals hold the truth."""

    def __init__(self):
        self.found = {}

    def add(self, truth, **intervals):
        for name, interval in intervals.items():
            self.found.setdefault(name, []).append(
                (math.nan, math.nan)
                if interval is None
                else (interval[0] <= truth <= interval[1], interval[1] - interval[0])
            )

    def __str__(self):
        parts = []
        for name, rows in self.found.items():
            rows = np.array(rows, dtype=float)
            there = ~np.isnan(rows[:, 0])
            if not there.any():
                parts.append(f"{name} none")
                continue
            widths = rows[there, 1]
            width = f"{np.mean(widths):.2g}" if np.isfinite(widths).all() else "inf"
            some = "" if there.all() else f" ({there.mean():.0%} given)"
            parts.append(f"{name} {rows[there, 0].mean():.2f} / {width}{some}")
        return "   ".join(parts)


def boot(values, statistic, rng):
    """The percentile interval of a statistic of resampled rows."""
    rows = rng.integers(0, len(values), (DRAWS, len(values)))
    draws = np.array([statistic(values[r]) for r in rows])
    return percentile_interval(draws[~np.isnan(draws)], len(values))


def line(name, tally):
    print(f"{name:46s} {tally}", flush=True)


def one_recording(runs, rng):
    """Counts in one recording."""
    for faults, share in [(8, 0.6), (8, 0.9), (30, 0.6), (30, 0.9), (30, 0.99), (200, 0.9)]:
        tally = Tally()
        for _ in range(runs):
            hit = rng.random(faults) < share
            tally.add(
                share,
                Wilson=wilson_interval(hit.sum(), faults),
                bootstrap=boot(hit, np.mean, rng),
            )
        line(f"event_recall {share}, {faults} faults", tally)
    for faults, share, alarms in [(10, 0.8, 2), (30, 0.9, 1), (30, 0.6, 20), (100, 0.9, 5)]:
        precision, f1 = Tally(), Tally()
        hits = faults * share
        true_precision = hits / (hits + alarms)
        true_f1 = event_f1(hits, faults, hits, hits + alarms)
        for _ in range(runs):
            hit, false = rng.binomial(faults, share), rng.poisson(alarms)
            found = event_f1(hit, faults, hit, hit + false)
            if hit + false:
                precision.add(true_precision, Wilson=wilson_interval(hit, hit + false))
            f1.add(true_f1, Wilson=event_f1_interval([found], [faults + false]))
        line(f"event_precision, {faults} faults, {alarms} alarms", precision)
        line(f"event_f1, {faults} faults, {alarms} alarms", f1)
    for rate in (0.5, 3.0, 20.0):
        for burst in (1, 2):
            tally, time = Tally(), Tally()
            for _ in range(runs):
                sizes = rng.geometric(1 / burst, rng.poisson(rate / burst))
                places = np.repeat(rng.random(len(sizes)), sizes)
                bunched = bunching(places, 1.0)
                events = np.histogram(places, 30, (0.0, 1.0))[0].astype(float)
                tally.add(
                    rate,
                    ours=poisson_interval(len(places) / bunched, 1 / bunched),
                    Garwood=poisson_interval(len(places), 1.0),
                    bootstrap=boot(events, np.sum, rng),
                )
                lengths = rng.exponential(0.01, len(places))
                where = np.minimum((30 * places).astype(int), 29)
                time.add(
                    rate * 0.01,
                    ours=weighted_poisson_interval(lengths, 1.0, bunched),
                    bootstrap=boot(np.bincount(where, lengths, minlength=30), np.sum, rng),
                )
            how = "one by one" if burst == 1 else "in bursts of 2"
            line(f"false alarms, {rate:g} expected, {how}", tally)
            line(f"time in false alarm, {rate:g} expected, {how}", time)
    for faults in (5, 10, 40):
        tally = Tally()
        for _ in range(runs):
            delays = rng.exponential(10.0, faults)
            delays[rng.random(faults) < 0.2] = math.inf
            weights = resample(faults, DRAWS, rng)
            ever = np.full(faults, math.inf)
            truth = 10.0 * math.log(0.8 / 0.3)
            tally.add(truth, bootstrap=median_delay_interval(delays, ever, weights=weights))
        line(f"delay_median_s, {faults} faults, a fifth missed", tally)


def series(rng, faults, step=400, length=30, scale=3.0):
    """Faults of random size, far enough apart that buffers do not meet."""
    labels = np.zeros(faults * step, dtype=bool)
    size = np.zeros(len(labels))
    for start in range(step // 2, len(labels), step):
        labels[start : start + length] = True
        size[start : start + length] = rng.exponential(scale)
    return labels, rng.normal(size=len(labels)) + size


def exact_figures(labels, scores, flags):
    volume = vus(labels, scores, buffer=100)
    return {
        "vus_pr": volume.pr,
        "vus_roc": volume.roc,
        "average_precision": average_precision(labels, scores),
        "roc_auc": roc_auc(labels, scores),
        **flag_figures(labels, flags),
    }


def curves(runs, rng):
    """Figures of scores and of flags: ours, and the percentiles alone."""
    for scale, limit in ((3.0, 3.0), (12.0, 2.5)):
        labels, scores = series(rng, 3000, scale=scale)
        truth = exact_figures(labels, scores, scores >= limit)
        for faults in (5, 10, 40):
            tallies = {name: Tally() for name in (*FIGURES, *FLAG_FIGURES)}
            for _ in range(runs):
                labels, scores = series(rng, faults, scale=scale)
                exact = exact_figures(labels, scores, scores >= limit)
                weights = resample(faults, DRAWS, rng)
                draws = bootstrap(labels, scores, buffer=100, exact=exact, weights=weights)
                found = draws.intervals()
                found |= flag_intervals(labels, scores >= limit, exact, weights)
                for name in FIGURES:
                    plain = percentile_interval(getattr(draws, name), faults)
                    tallies[name].add(truth[name], ours=found[name], percentile=plain)
                for name in FLAG_FIGURES:
                    tallies[name].add(truth[name], ours=found[name])
            for name, tally in tallies.items():
                line(f"{name} {truth[name]:.2f}, {faults} faults", tally)


def recordings(runs, rng):
    """Figures pooled over recordings that differ."""
    for n in (2, 3, 5, 10):
        for rho in (0.0, 0.05, 0.2):
            for share in (0.6, 0.9):
                tally = Tally()
                for _ in range(runs):
                    trials = rng.integers(8, 30, n)
                    pull = 1 / rho - 1 if rho else 1e9
                    hit = rng.binomial(trials, rng.beta(share * pull, (1 - share) * pull, n))
                    tally.add(
                        share,
                        ours=share_interval(hit, trials),
                        Wilson=wilson_interval(hit.sum(), trials.sum()),
                        design_effect=design_effect(hit, trials),
                        nested_bootstrap=nested_share(hit, trials, rng),
                    )
                line(f"event_recall {share}, {n} recordings, rho {rho}", tally)
        for variation in (0.0, 0.3, 1.0):
            tally = Tally()
            for _ in range(runs):
                days = rng.uniform(0.5, 1.5, n)
                own = rng.gamma(1 / variation, variation, n) if variation else np.ones(n)
                alarms = rng.poisson(3.0 * own * days)
                tally.add(
                    3.0,
                    ours=rate_interval(alarms, days),
                    Garwood=poisson_interval(alarms.sum(), days.sum()),
                )
            line(f"false alarms, 3 a day, {n} recordings, cv^2 {variation}", tally)
        for spread in (0.0, 0.03, 0.1, 0.2):
            tally = Tally()
            for _ in range(runs):
                sizes = rng.integers(8, 30, n)
                values, draws = paired(rng, sizes, spread)
                t = float(stdtrit(n - 1, 0.975)) * values.std(ddof=1) / math.sqrt(n)
                chosen = rng.integers(0, n, draws.shape)
                plain = draws[chosen, np.arange(DRAWS)].mean(axis=0)
                tally.add(
                    0.0,
                    ours=percentile_interval(*mean_draws(values, draws, sizes)),
                    nested_bootstrap=percentile_interval(plain, int(sizes.sum())),
                    t=(values.mean() - t, values.mean() + t),
                )
            line(f"VUS-PR difference, {n} recordings, spread {spread}", tally)
        for spread in (0.0, 0.3):
            tally = Tally()
            for _ in range(runs):
                sizes = rng.integers(8, 30, n).tolist()
                own = [rng.exponential(10 * math.exp(rng.normal(0, spread)), k) for k in sizes]
                delays = np.concatenate(own)
                delays[rng.random(len(delays)) < 0.2] = math.inf
                ever = np.full(len(delays), math.inf)
                tally.add(
                    mixed_median(spread),
                    nested_bootstrap=median_delay_interval(
                        delays, ever, weights=resample_nested(sizes, DRAWS, rng)
                    ),
                    plain=median_delay_interval(
                        delays, ever, weights=resample(len(delays), DRAWS, rng)
                    ),
                )
            line(f"delay_median_s, {n} recordings, spread {spread}", tally)


def mixed_median(spread):
    """The median delay over all recordings, from a large sample."""
    rng = np.random.default_rng(0)
    delays = rng.exponential(10 * np.exp(rng.normal(0, spread, 400_000)))
    delays[rng.random(len(delays)) < 0.2] = math.inf
    return float(censored_median(delays, np.full(len(delays), math.inf))[0])


def design_effect(hit, trials):
    """Wilson's interval with as many trials as the spread between recordings leaves."""
    total, share, n = trials.sum(), hit.sum() / trials.sum(), len(trials)
    variance = n / (n - 1) * ((hit - share * trials) ** 2).sum() / total**2
    plain = share * (1 - share) / total
    worth = total / max(1.0, variance / plain if plain else 1.0)
    return wilson_interval(share * worth, worth)


def nested_share(hit, trials, rng):
    chosen = rng.integers(0, len(hit), (DRAWS, len(hit)))
    drawn = rng.binomial(trials[chosen], (hit / trials)[chosen]).sum(axis=1)
    return percentile_interval(drawn / trials[chosen].sum(axis=1), int(trials.sum()))


def paired(rng, sizes, spread, mean=0.0, deviation=0.3):
    """Differences of VUS-PR, recording by recording, and their draws."""
    values, draws = [], []
    for size in sizes:
        faults = rng.normal(mean + rng.normal(0, spread), deviation, size)
        values.append(faults.mean())
        draws.append(resample(size, DRAWS, rng) @ faults / size)
    return np.array(values), np.stack(draws)


def tests(runs, rng):
    """How often two detectors that are equally good are put apart (wanted: 0.05)."""
    for faults in (5, 6, 10, 30, 200):
        for how in ("normal", "rare"):
            apart = 0
            for _ in range(runs):
                values = rng.normal(0, 0.3, faults)
                if how == "rare":  # either finds one fault in ten that the other misses
                    values = 0.02 * values + rng.choice([-0.9, 0, 0.9], faults, p=[0.1, 0.8, 0.1])
                draws = resample(faults, DRAWS, rng) @ values / faults
                apart += p_value(draws, faults) < statistics.ALPHA
            name = f"1 recording, {faults} faults, {how} differences"
            print(f"{name:46s} {apart / runs:.3f}", flush=True)
    for n in (2, 4, 10):
        for spread in (0.0, 0.1):
            apart = 0
            for _ in range(runs):
                sizes = np.full(n, 20)
                values, draws = paired(rng, sizes, spread)
                apart += p_value(*mean_draws(values, draws, sizes)) < statistics.ALPHA
            name = f"{n} recordings of 20 faults, spread {spread}"
            print(f"{name:46s} {apart / runs:.3f}", flush=True)


def power(runs, rng):
    """How often as many faults as `faults_needed` says tell two detectors apart (wanted: 0.8)."""
    for ratio in (0.2, 0.3, 0.5, 0.8):
        tried = 6
        more = faults_needed(ratio, 1 / math.sqrt(tried), tried)
        apart = 0
        for _ in range(runs):
            _, draws = paired(rng, [tried + more], 0.0, mean=ratio, deviation=1.0)
            apart += p_value(draws[0], tried + more) < statistics.ALPHA
        print(f"difference {ratio} sd, {tried + more} faults {'':16s} {apart / runs:.3f}")


def copies(runs, rng):
    """A rate of 3 alarms a day, one recording of a day in several copies."""
    for number in (1, 2, 5, 10):
        tally = Tally()
        for _ in range(runs):
            alarms = int(rng.poisson(3.0))
            tally.add(
                3.0,
                once=rate_interval([alarms], [1.0]),
                each_a_recording=rate_interval([alarms] * number, [1.0] * number),
            )
        line(f"{number} copies", tally)


def hits(runs, rng):
    """How often equal detectors are said to differ in the faults they find (wanted: 0.05)."""
    for share in (0.5, 0.9):
        for faults in (10, 20, 100):
            one, other = rng.random((2, runs, faults)) < share
            more = np.mean([a.sum() > b.sum() for a, b in zip(one, other, strict=True)])
            equal = [hits_p_value(a, b) < 0.05 for a, b in zip(one, other, strict=True)]
            better = rng.random((runs, faults)) < min(share + 0.2, 1.0)
            power = [hits_p_value(a, b) < 0.05 for a, b in zip(better, other, strict=True)]
            print(
                f"recall {share}, {faults} faults {'':12s} told apart {np.mean(equal):.3f}"
                f"   first finds more {more:.2f}   told apart if 0.2 better {np.mean(power):.2f}"
            )


PARTS = {
    "one": one_recording,
    "curves": curves,
    "recordings": recordings,
    "tests": tests,
    "power": power,
    "copies": copies,
    "hits": hits,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--runs", type=int, default=300, help="benchmarks simulated a line")
    parser.add_argument("--quick", action="store_true", help="30 of them")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.only or PARTS:
        print(f"\n== {name}: {PARTS[name].__doc__.splitlines()[0]}\n")
        PARTS[name](30 if options.quick else options.runs, np.random.default_rng(options.seed))


if __name__ == "__main__":
    np.seterr(divide="ignore", invalid="ignore")
    main()
