"""Measure what the portal stands, side by side in one run: `python -m tools.bench`. Takes about seven minutes."""

import os

from tools.bench.pages import measure_memory, measure_pages
from tools.bench.report import KEPT, keep, table
from tools.bench.rush import measure_rush
from tools.bench.search import measure_search


def main() -> None:
    processors = len(os.sched_getaffinity(0))
    print(f"Measuring on {processors} processors, which servers, worker, provider and visitors share ...", flush=True)
    result = {
        "processors": processors,
        "pages": measure_pages(),
        "memory": measure_memory(),
        "rush": measure_rush(),
        "search": measure_search(),
    }
    keep(result)
    print(f"\n{table(result)}\n\nKept in {KEPT.name}.")


if __name__ == "__main__":
    main()
