# SPDX-License-Identifier: Apache-2.0
"""Whole systems under virtual time, one a seed: what breaks, and how fast that is found out.

A seed is ten to sixty virtual minutes of two or three controllers and 20 to 200 hosts with
several faults (doc/simulation.md). Each violation is printed with its seed; `--seed N` runs
one again, exactly, and prints all that happens; `--shrink` leaves out of a failing seed's
faults what it fails without. Prints one JSON line last:

seeds                     how many were run
violations                seeds in which a rule was broken
seeds_per_cpu_minute      of one core
host_hours_per_cpu_minute virtual hours of one host
rules                     rule -> seeds that broke it
failed                    the first of those seeds
"""

import argparse
import faulthandler
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

Line = dict[str, object]
STUCK_SECONDS = 1500.0
"""No seed takes so long."""
_SHOWN = 25
"""Of what came before the first violation."""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _same_hashes() -> None:
    """Start anew with hashes that are the same each time: sets have an order then."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(  # noqa: S606 - no shell is what we want
            sys.executable, [sys.executable, *sys.argv], environment
        )


@contextmanager
def _folder() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - a folder in it has a name of its own
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=where) as name:
        yield Path(name)


def run(seed: int, folder: Path, mutant: str) -> Line:
    """Run one seed in this process; return what came of it."""
    from tests.simulation import mutants, plan
    from tests.simulation.simulation import Template, simulate

    template = Template.of(folder / f"p{os.getpid()}")
    # A simulated thread that waits for something real would wait for ever.
    faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
    result = simulate(plan.make(seed), template, mutant=mutants.find(mutant))
    faulthandler.cancel_dump_traceback_later()
    first = result.violations[0].at if result.violations else 0.0
    before = [f"{at:9.3f} {text}" for at, text in result.notes if at <= first + 0.5]
    return {
        "seed": seed,
        "violations": [f"{v.at:9.3f} {v.rule}: {v.text}" for v in result.violations],
        "rules": sorted({v.rule for v in result.violations}),
        "notes": before[-_SHOWN:],
        "faults": [fault.sentence() for fault in result.plan.faults],
        "host_hours": result.host_hours,
        "cpu_seconds": result.cpu_seconds,
        "counts": result.counts,
    }


def replay(seed: int, folder: Path, mutant: str, *, only: str | None) -> Line:
    """Run one seed and print all that happens."""
    from tests.simulation import mutants, plan
    from tests.simulation.simulation import Template, simulate

    made = plan.make(seed)
    if only is not None:
        chosen = {int(number) for number in only.split(",") if number}
        made = made.without([f for n, f in enumerate(made.faults) if n not in chosen])

    def watch(at: float, text: str) -> None:
        print(f"{at:9.3f} {text}")

    result = simulate(made, Template(folder), watch=watch, mutant=mutants.find(mutant))
    for fault in made.faults:
        print(f"fault {fault.sentence()}")
    for found in result.violations:
        print(f"VIOLATION {found.at:9.3f} {found.rule}: {found.text}")
    return {
        "seeds": 1,
        "violations": len({v.rule for v in result.violations}),
        "cpu_seconds": round(result.cpu_seconds, 2),
        "counts": result.counts,
    }


def shrink(seed: int, folder: Path, mutant: str) -> Line:
    """Leave out the faults and stories of a failing seed that it fails without."""
    from tests.simulation import mutants, plan, smaller
    from tests.simulation.simulation import Template, simulate

    template = Template(folder)
    made = plan.make(seed)
    rules = {
        v.rule for v in simulate(made, template, mutant=mutants.find(mutant)).violations
    }
    if not rules:
        return {"seeds": 1, "violations": 0}

    def fails(some: plan.Plan) -> bool:
        result = simulate(some, template, mutant=mutants.find(mutant))
        return bool(rules & {v.rule for v in result.violations})

    least = smaller.least(made, fails, say=_say)
    numbers = [n for n, fault in enumerate(made.faults) if fault in least.faults]
    for fault in least.faults:
        print(f"fault {fault.sentence()}")
    for story in least.stories:
        print(f"story {story}")
    return {
        "seeds": 1,
        "violations": 1,
        "rules": sorted(rules),
        "only": ",".join(map(str, numbers)),
    }


def many(
    seeds: Iterator[int], folder: Path, mutant: str, *, jobs: int, until: float
) -> Line:
    """Run seeds until they end or it is time; return the figures."""
    done: list[Line] = []
    rules: Counter[str] = Counter()
    failed: list[object] = []
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [
            pool.submit(run, seed, folder, mutant)
            for _, seed in zip(range(jobs), seeds, strict=False)
        ]
        while waiting:
            line = waiting.pop(0).result()
            done.append(line)
            if time.monotonic() < until:
                following = next(seeds, None)
                if following is not None:
                    waiting.append(pool.submit(run, following, folder, mutant))
            if line["violations"]:
                failed.append(line["seed"])
                rules.update(map(str, line["rules"]))  # type: ignore[call-overload]
                _tell(line)
    cpu = sum(float(str(line["cpu_seconds"])) for line in done)
    hours = sum(float(str(line["host_hours"])) for line in done)
    return {
        "seeds": len(done),
        "violations": len(failed),
        "seeds_per_cpu_minute": round(60 * len(done) / cpu, 1),
        "host_hours_per_cpu_minute": round(60 * hours / cpu, 1),
        "rules": dict(rules.most_common()),
        "failed": failed[:50],
    }


def old_faults(names: list[str], folder: Path) -> Line:
    """Put faults of old in again, one after the other; say which were found by what."""
    from tests.simulation import mutants
    from tests.simulation.simulation import Template, simulate

    template = Template(folder)
    missed: list[str] = []
    for name in names or list(mutants.MUTANTS):
        mutant = mutants.MUTANTS[name]
        result = simulate(mutant.plan, template, mutant=mutant.context)
        rules = sorted({v.rule for v in result.violations})
        _say(f"{name:9} ({mutant.fault}): {', '.join(rules) or 'nothing'}")
        if not mutant.rules & set(rules):
            missed.append(name)
    return {
        "mutants": len(names or mutants.MUTANTS),
        "missed": missed,
        "violations": len(missed),
    }


def _tell(line: Line) -> None:
    _say(f"seed {line['seed']}")
    for name in ("faults", "notes", "violations"):
        told = line[name]
        assert isinstance(told, list)
        for one in told[:_SHOWN]:
            _say(f"  {name[:-1]:9} {str(one)[:300]}")


def main() -> int:
    """Run as told; return 1 where a rule was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most")
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    parser.add_argument("--seed", type=int, help="run this one and print everything")
    parser.add_argument("--only", help="with --seed: numbers of the faults that happen")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make it smaller")
    parser.add_argument("--mutant", default="", help="a fault of old, put in again")
    parser.add_argument(
        "--mutants",
        nargs="*",
        metavar="NAME",
        help="each fault of old (or these), on a plan of its own: are they found?",
    )
    given = parser.parse_args()
    _same_hashes()
    with _folder() as folder:
        if given.mutants is not None:
            found = old_faults(given.mutants, folder)
        elif given.seed is not None:
            found = replay(given.seed, folder, given.mutant, only=given.only)
        elif given.shrink is not None:
            found = shrink(given.shrink, folder, given.mutant)
        else:
            seeds = iter(range(given.first, given.first + given.seeds))
            until = time.monotonic() + given.seconds
            found = many(seeds, folder, given.mutant, jobs=given.jobs, until=until)
    print(json.dumps(found))
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
