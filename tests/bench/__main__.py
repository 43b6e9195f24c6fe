"""`python -m tests.bench [--quick] [name …]`: measure, print a table, keep the figures in bench-results/."""

from __future__ import annotations

import argparse

from tests.bench.backfill import backfill
from tests.bench.calls import calls
from tests.bench.export import export
from tests.bench.figures import Figure, save, show
from tests.bench.find import find
from tests.bench.home import home
from tests.bench.imports import imports
from tests.bench.ingest import ingest
from tests.bench.pages import pages
from tests.bench.processes import ROOT
from tests.bench.push import push
from tests.bench.reconcile import reconcile
from tests.bench.scale import scale

ALL = (ingest, calls, backfill, export, imports, reconcile, push, scale, find, home, pages)
BENCHES = {bench.__name__: bench for bench in ALL}


def main() -> None:
    """Run what was named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys():
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in options.names or BENCHES:
        print(f"{name} …", flush=True)
        figures += BENCHES[name](quick=options.quick)
    show(figures)
    print(f"kept in {save(figures, ROOT / 'bench-results', quick=options.quick).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
