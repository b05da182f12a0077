#!/usr/bin/env python3
"""Make events of ad delivery as Parquet files, as the delivery servers would: python3 events.py FOLDER DAY HOURS

FOLDER/events/dt=DAY/hour=HH/part-0.parquet: impressions, and a click for some of them; the same rows each time.

pip install 'stepdig[athena]'
"""

import sys
from pathlib import Path

import duckdb

ROWS = 1000  # impressions an hour
SLOTS = "['1-banner', '1-infeed', '2-banner']"
CREATIVES = "[[11, 13, 21], [12, 22], [11, 21]]"  # of these slots
CLICKED_EVERY = "{11: 50, 12: 40, 13: 80, 21: 100, 22: 25}"

SQL = f"""
with shown as (
    select i, i % 3 + 1 as spot, ({CREATIVES})[i % 3 + 1] as there from range({ROWS}) as t(i)
), events as (
    select i, ({SLOTS})[spot] as slot_id, there[(i // 3) % len(there) + 1] as creative_id from shown
)
select 'impression' as kind, slot_id, creative_id, 0 as cost, i as id from events
union all
select 'click', slot_id, creative_id, case when creative_id > 20 then 200 else 120 end, i
from (select *, row_number() over (partition by slot_id, creative_id order by i) as n from events)
where n % (map {CLICKED_EVERY})[creative_id] = 0
"""


def make(folder: Path, day: str, hours: int) -> None:
    """Write a file for each of the first hours of a day."""
    for hour in range(hours):
        place = folder / f"events/dt={day}/hour={hour:02}"
        place.mkdir(parents=True, exist_ok=True)
        duckdb.connect().execute(f"copy ({SQL}) to '{place}/part-0.parquet' (format parquet)")


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
