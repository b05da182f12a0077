"""Where customers' portfolios may be in ten years: split the customers, simulate each part, clear up."""

import csv
import io
import random
import shutil

import digdag
from task.folders import replace, session_folder, workspace

MONTHS = 120
RETURNS = {"1": (0.0015, 0.012), "2": (0.0025, 0.020), "3": (0.0035, 0.028)}  # plan: mean and deviation of a month


def split(session_date, customers_path, simulate_tasks):
    """Deal the customers to as many files as there will be tasks."""
    source = workspace() / customers_path
    rows = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
    shutil.rmtree(session_folder(session_date))  # a night begun anew, perhaps in other parts
    folder = session_folder(session_date)
    for part in range(simulate_tasks):
        write(folder / f"customers-{part:02}.csv", rows[part::simulate_tasks])
    print(f"{len(rows)} customers in {simulate_tasks} files")
    digdag.env.store({"customers": len(rows)})


def simulate(session_date, part, simulate_paths):
    """Simulate the customers of one file: the 10th, 50th and 90th percentile of what each may have."""
    part = int(part)  # ${range.from} arrives as a text, as with Digdag
    folder = session_folder(session_date)
    text = (folder / f"customers-{part:02}.csv").read_text(encoding="utf-8")
    chance = random.Random(f"{session_date} {part}")
    rows = [outlook(row, simulate_paths, chance) for row in csv.DictReader(text.splitlines())]
    write(folder / f"outlook-{part:02}.csv", rows)


def outlook(customer, paths, chance):
    mean, deviation = RETURNS[customer["plan"]]
    ends = sorted(one_path(customer, mean, deviation, chance) for _ in range(paths))
    low, middle, high = (round(ends[int(share * (paths - 1))]) for share in (0.1, 0.5, 0.9))
    return {"plan": customer["plan"], "low": low, "middle": middle, "high": high}


def one_path(customer, mean, deviation, chance):
    value, monthly = float(customer["balance"]), float(customer["monthly"])
    for _ in range(MONTHS):
        value = value * (1 + chance.gauss(mean, deviation)) + monthly
    return value


def clear(session_date):
    """Remove the session's files: the workspace keeps what nobody removes."""
    shutil.rmtree(session_folder(session_date))


def write(path, rows):
    out = io.StringIO()
    columns = list(rows[0]) if rows else []
    table = csv.DictWriter(out, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    replace(path, out.getvalue())
