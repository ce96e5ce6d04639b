"""Write reference.json: what the published packages say on the shared cases.

Runs in an environment of its own, because the packages pin versions that exclude each other and
the project's. Their metrics work with the newer ones, so dependencies are chosen by hand:

    python3.11 -m venv refvenv
    refvenv/bin/pip install --no-deps TSB-AD==1.5 vus==0.0.6 prts==1.0.0.3 aeon==1.6.0 \
        dtaianomaly==0.5.1
    refvenv/bin/pip install numpy==2.3.5 "pandas<3.1" scipy==1.17.1 scikit-learn==1.9.1 numba \
        deprecated packaging statsmodels tqdm matplotlib toml
    git clone https://github.com/numenta/NAB  # its scorer is in no package
    refvenv/bin/python tests/evaluate/metrics/reference/make.py --nab NAB

Affiliation is the code of its authors as TSB-AD carries it; they publish no package. Takes a few
minutes. Only numbers are kept; cases.py makes the inputs again.
"""

import argparse
from pathlib import Path

from cases import cases, fingerprint
from peers import judged, nab_sweeper, versions, vus_metricor, written

HERE = Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nab", type=Path, required=True, help="a checkout of numenta/NAB")
    options = parser.parse_args()
    vus, sweeper = vus_metricor(), nab_sweeper(options.nab)
    inputs = cases()
    header = {"made_with": versions(), "inputs": fingerprint(inputs)}
    rows = [judged(case, vus, sweeper) for case in inputs]
    written(HERE / "reference.json", header, rows)
    print(f"{len(rows)} cases, {len(rows[0]) - 2} outcomes each")


if __name__ == "__main__":
    main()
