"""Random networks with random options, compared with all that they can be compared with; and damaged files.

python scripts/campaign.py model --seeds 0:150000 --results model.jsonl     golden model, plain loops, plan, other weights
python scripts/campaign.py verilog --seeds 0:1000 --results verilog.jsonl   the Verilog, to the cycle, in Icarus
python scripts/campaign.py netlist --seeds 0:60 --results netlist.jsonl     netlists of Yosys and the vendors' parts
python scripts/campaign.py routed --seeds 0:10 --results routed.jsonl       the same behind place and route, three families
python scripts/campaign.py fuzz --seeds 0:20000 --results fuzz.jsonl        damaged files of every kind that is read

The same command again goes on where it was stopped. A line that begins with WRONG ends with the command that does it again;
then the exit status is 1.
"""

import argparse
import importlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def main() -> int:
    # What it compares with is shared with the tests.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    campaign = importlib.import_module("tests.campaign.run")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("level", choices=list(campaign.LEVELS))
    parser.add_argument("--seeds", required=True, type=campaign.seeds_of, metavar="FIRST:END", help="or one alone")
    parser.add_argument("--results", type=Path, metavar="FILE", help="what was found, a line for each seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="begin nothing after that")
    options = parser.parse_args()
    with ProcessPoolExecutor(
        options.workers, mp_context=multiprocessing.get_context("spawn"), initializer=campaign.quiet
    ) as executor:
        found = campaign.run(
            options.level,
            options.seeds,
            executor,
            workers=options.workers,
            results=options.results,
            seconds=None if options.minutes is None else 60 * options.minutes,
            progress=sys.stderr.isatty(),
        )
    for (kind, outcome), count in sorted(found.items()):
        print(f"{kind:12}{outcome:10}{count:>10,}")
    return int(any(outcome == "wrong" for _, outcome in found))


if __name__ == "__main__":
    sys.exit(main())
