"""Whole runs of SQL for Athena: DuckDB makes the Parquet files, the operators query, make and drop tables over them."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

duckdb = pytest.importorskip("duckdb", reason="pip install 'stepdig[athena]'")
pytest.importorskip("sqlglot", reason="pip install 'stepdig[athena]'")

BUCKETS = Path(".stepdig/s3")
HEAD = """
        _export:
          athena: {database: ads, buckets: [ad-logs]}
        +database:
          athena.query>: CREATE DATABASE IF NOT EXISTS ads
        +table:
          athena.query>: |
            CREATE EXTERNAL TABLE IF NOT EXISTS clicks (id bigint, slot string, price double, note string)
            PARTITIONED BY (dt string) STORED AS PARQUET LOCATION 's3://ad-logs/clicks/'
        +find:
          athena.query>: MSCK REPAIR TABLE clicks;
"""


@pytest.fixture(autouse=True)
def logs(run) -> None:
    """Ten clicks a day of two days, in Parquet files of a bucket; and a bucket for tables."""
    for day in ("2026-11-19", "2026-11-20"):
        folder = BUCKETS / f"ad-logs/clicks/dt={day}"
        folder.mkdir(parents=True)
        rows = "SELECT i AS id, 'slot' || (i % 3) AS slot, i * 0.5 AS price FROM range(10) AS t(i)"
        duckdb.sql(f"COPY ({rows}) TO '{folder}/part-0.parquet' (FORMAT parquet)")
        (folder / "_SUCCESS").write_text("no data")
    (BUCKETS / "ad-tables").mkdir()


def rows(place: str) -> list[list[str]]:
    """Return the rows of a result by its place in S3; of the run's own bucket or another."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    roots = [BUCKETS / bucket, *Path(".stepdig/runs").glob("*/*/s3")]
    [path] = [root / key for root in roots if (root / key).is_file()]
    return list(csv.reader(path.read_text().splitlines()))


def objects(place: str) -> list[str]:
    return sorted(path.name for path in (BUCKETS / place).rglob("*") if path.is_file())


def test_a_query_over_partitions_leaves_a_csv_and_tells_of_it(run):
    got = run(
        HEAD
        + """
        +sum:
          athena.query>: queries/sum.sql
        +say:
          echo>: ${athena.last_query.state} ${athena.last_query.output} ${athena.last_query.database}
        +shell:
          sh>: echo ${athena.last_query.scan_bytes} ${athena.last_query.completed_at >= athena.last_query.submitted_at}
        """,
        queries_in_sum__sql="""
        -- clicks of one day; 1/2 is a whole number in Athena
        WITH day AS (SELECT * FROM clicks WHERE dt = '${session_date}')
        SELECT slot, count(*) AS clicks, sum(price) AS "the price", max(note) AS note, 1/2 AS half,
          date_format(date_add('day', 1, DATE '2026-11-20'), '%Y%m%d') AS d
        FROM day GROUP BY slot ORDER BY slot;
        """,
    )

    assert got.code == 0, got.end
    state, place, database = next(line for line in got.output if line.startswith("SUCCEEDED")).split()
    assert (state, database) == ("SUCCEEDED", "ads")
    assert place.startswith("s3://local/runs/")
    assert "/athena/" in place
    assert rows(place) == [
        ["slot", "clicks", "the price", "note", "half", "d"],
        ["slot0", "4", "9.0", "", "0", "20261121"],
        ["slot1", "3", "6.0", "", "0", "20261121"],
        ["slot2", "3", "7.5", "", "0", "20261121"],
    ]
    size = sum(path.stat().st_size for path in BUCKETS.rglob("*.parquet"))
    assert got.output[-1] == f"{size} true"


def test_a_query_that_fails_tells_athena_s_reason_and_is_not_repeated_by_itself(run):
    got = run(
        HEAD
        + """
        +wrong:
          athena.query>: SELECT count(*) FROM no_such_table
          _error:
            echo>: "told: ${error.message}"
        """
    )

    assert got.code == 1
    assert got.tries("+wrong") == 1
    words = "TABLE_NOT_FOUND: Table 'awsdatacatalog.ads.no_such_table' does not exist (query "
    assert got.end["cause"].startswith(words)
    assert any(line.startswith(f"told: {words}") for line in got.output)


def test_a_query_is_tried_again_by_its_own_retry(run):
    got = run(
        HEAD
        + """
        +wrong:
          athena.query>: SELECT nothing FROM clicks
          _retry: {limit: 1, interval: 1}
        """
    )

    assert (got.code, got.tries("+wrong")) == (1, 2)
    assert json.loads(got.end["cause"])["Status"]["StateChangeReason"].startswith("SYNTAX_ERROR: ")


def test_a_query_ends_at_its_timeout_and_other_tasks_go_on(run):
    """The query would take hours: DuckDB is told to stop, the run ends."""
    got = run("""
        +both:
          _parallel: true
          +long:
            athena.query>: >-
              SELECT count(*) FROM (SELECT a.n + b.n AS s FROM (SELECT * FROM UNNEST(sequence(1, 1000000)) AS t(n)) a
              CROSS JOIN (SELECT * FROM UNNEST(sequence(1, 1000000)) AS t(n)) b) q WHERE sqrt(s) < 0
            timeout: 2s
          +short:
            sh>: echo meanwhile
        """)

    assert got.code == 1
    assert got.output.count("meanwhile") == 1
    ends = [
        event for event in got.events if event["event"] == "task" and event["task"] in ("+w+both+long", "+w+both+short")
    ]
    assert [(it["task"][-5:], it["state"]) for it in ends if it["state"] != "running"] == [
        ("short", "success"),
        ("+long", "error"),
    ]


def test_a_table_is_made_anew_each_time(run):
    for folder in ("slots", "slots-of-others"):
        (BUCKETS / "ad-tables" / folder).mkdir()
    for number in range(450):
        (BUCKETS / f"ad-tables/slots/old-{number}.parquet").write_bytes(b"not even Parquet")
    (BUCKETS / "ad-tables/slots-of-others/kept").write_text("x")
    dig = (
        HEAD
        + """
        +make:
          athena.ctas>: SELECT slot, sum(price) AS price, dt FROM clicks GROUP BY slot, dt
          table: slots
          location: s3://ad-tables/slots
          partitioned_by: [dt]
        +read:
          athena.query>: SELECT slot, price FROM slots WHERE dt = '2026-11-19' ORDER BY slot
        +say:
          echo>: ${athena.last_query.output}
        """
    )
    for _ in range(2):
        got = run(dig)
        assert got.code == 0, got.end
        assert rows(got.output[-1])[1:] == [["slot0", "9.0"], ["slot1", "6.0"], ["slot2", "7.5"]]
        assert [it for it in objects("ad-tables/slots") if "old" in it] == []
        assert len(objects("ad-tables/slots")) == 2
    assert objects("ad-tables/slots-of-others") == ["kept"]


def test_save_modes(run):
    def go(mode: str) -> Any:
        return run(
            HEAD
            + f"""
        +make:
          athena.ctas>: SELECT '{mode}' AS mode
          table: modes
          location: s3://ad-tables/modes/
          save_mode: {mode}
          format: json
        """
        )

    def said() -> list[dict[str, str]]:
        return [json.loads(path.read_text()) for path in (BUCKETS / "ad-tables/modes").iterdir()]

    assert go("error_if_exists").code == 0
    refused = go("error_if_exists")
    assert refused.code == 1
    assert "TABLE_ALREADY_EXISTS" in refused.end["cause"]
    assert (go("ignore").code, said()) == (0, [{"mode": "error_if_exists"}])
    assert (go("overwrite").code, said()) == (0, [{"mode": "overwrite"}])
    Path(".stepdig/athena/catalog.json").unlink()
    refused = go("none")
    assert "HIVE_PATH_ALREADY_EXISTS" in refused.end["cause"]
    assert (go("ignore").code, said()) == (0, [{"mode": "overwrite"}])


def test_table_modes(run):
    got = run(
        HEAD
        + """
        +empty:
          athena.ctas>: SELECT * FROM clicks
          table: like_clicks
          table_mode: empty
        +data:
          athena.ctas>: SELECT id, slot FROM clicks WHERE id < 2
          table: for_a_moment
          location: s3://ad-tables/data/${session_date}/
          table_mode: data_only
          format: textfile
          field_delimiter: "'"
        +show:
          athena.query>: SHOW TABLES
        +columns:
          athena.query>: DESCRIBE like_clicks
        """
    )

    assert got.code == 0, got.end
    [file] = objects("ad-tables/data")
    assert sorted((BUCKETS / "ad-tables/data/2026-11-20" / file).read_text().split()) == [
        "0'slot0",
        "0'slot0",
        "1'slot1",
        "1'slot1",
    ]
    texts = [path.read_text() for path in Path(".stepdig/runs").rglob("*.txt") if path.parent.name == "athena"]
    assert "clicks\nlike_clicks\n" in texts
    assert "id\tbigint\nslot\tstring\nprice\tdouble\nnote\tstring\ndt\tstring\n" in texts


def test_a_failed_table_is_made_anew_by_retry(run):
    """The whole is done again: the table is dropped and its place emptied, or the second try would find what the first left."""
    got = run(
        HEAD
        + """
        +make:
          athena.ctas>: SELECT nothing FROM clicks
          table: never
          location: s3://ad-tables/never/
          _retry: 1
        """
    )

    assert got.code == 1
    assert "SYNTAX_ERROR" in got.end["cause"]
    [folder] = Path(".stepdig/runs").glob("*/*")
    entered = [
        it["stateEnteredEventDetails"]["name"]
        for it in map(json.loads, (folder / "history.jsonl").read_text().splitlines())
        if "stateEnteredEventDetails" in it
    ]
    assert entered.count("+make") == entered.count("+make drop") == entered.count("+make empty") == 2


def test_partitions_follow_their_location(run):
    (BUCKETS / "ad-logs/old").mkdir()
    dig = (
        HEAD
        + """
        +add:
          athena.add_partition>:
          table: clicks
          partition_kv: {dt: "2026-01-01"}
          location: s3://ad-logs/old/
        +count:
          athena.query>: SELECT count(*) AS n FROM clicks
        +say:
          echo>: ${athena.last_query.output}
        """
    )
    assert rows(run(dig).output[-1])[1:] == [["20"]]
    file = BUCKETS / "ad-logs/old/a.parquet"
    file.write_bytes((BUCKETS / "ad-logs/clicks/dt=2026-11-20/part-0.parquet").read_bytes())
    for _ in range(2):
        assert rows(run(dig).output[-1])[1:] == [["30"]]
    file.unlink()
    assert run(dig).code == 0
    assert "dt=2026-01-01" not in Path(".stepdig/athena/catalog.json").read_text()


def test_partitions_and_tables_are_dropped_with_their_data_where_that_is_asked_for(run):
    got = run(
        HEAD
        + """
        +one:
          athena.drop_partition>:
          table: clicks
          partition_kv: {dt: "2026-11-19"}
        +other:
          athena.drop_partition>:
          table: clicks
          partition_kv: {dt: "2026-11-20"}
          with_location: true
          location: s3://ad-logs/clicks/dt=2026-11-20/
        +gone:
          athena.drop_table>:
          table: not_there
        +all:
          athena.drop_table>:
          table: clicks
          ignore_if_not_exist: false
        """
    )

    assert got.code == 0, got.end
    assert objects("ad-logs/clicks") == ["_SUCCESS", "part-0.parquet"]
    assert json.loads(Path(".stepdig/athena/catalog.json").read_text())["ads"] == {}


@pytest.mark.parametrize("value", ["it's", "a`b", 'a"b', "a;b", "a\\b", "a\nb"])
def test_no_value_breaks_out_of_its_quotes(run, value):
    Path("given.json").write_text(json.dumps({"value": value}))
    got = run(
        HEAD
        + """
        +add:
          athena.add_partition>:
          table: clicks
          partition_kv: {dt: "${value}"}
          save_mode: skip_if_exists
        """,
        "-P",
        "given.json",
    )

    assert got.code == 1
    assert "may hold no quotes" in got.end["cause"]
    assert got.states["+find"] == "success"


def test_a_quote_that_the_workflow_doubles_stays_data(run):
    got = run(
        """
        +ask:
          athena.query>: "SELECT '${name.replace(/'/g, \\"''\\")}' AS name"
        +say:
          echo>: ${athena.last_query.output}
        """,
        "-p",
        "name=it's '); DROP TABLE x; --",
    )

    assert got.code == 0, got.end
    assert rows(got.output[-1])[1:] == [["it's '); DROP TABLE x; --"]]


def test_text_files_and_json(run):
    (BUCKETS / "ad-logs/csv").mkdir()
    (BUCKETS / "ad-logs/csv/a.csv").write_text('id,name\n1,"a, b"\nx,c\n')
    (BUCKETS / "ad-logs/json").mkdir()
    (BUCKETS / "ad-logs/json/a.json").write_text('{"id": 1, "tags": ["a", "b"]}\n{"id": 2}\n')
    got = run("""
        _export:
          athena: {database: default, buckets: [ad-logs]}
        +csv:
          athena.query>: |
            CREATE EXTERNAL TABLE c (id int, name string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
            WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"') LOCATION 's3://ad-logs/csv'
            TBLPROPERTIES ('skip.header.line.count' = '1')
        +json:
          athena.query>: |
            CREATE EXTERNAL TABLE j (id int, tags array<string>)
            ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://ad-logs/json/'
        +insert:
          athena.query>: INSERT INTO j SELECT 3, ARRAY['z']
        +join:
          athena.query>: SELECT j.id, c.name, j.tags FROM j LEFT JOIN c ON c.id = j.id ORDER BY j.id
        +say:
          echo>: ${athena.last_query.output}
        +unload:
          athena.query>: UNLOAD (SELECT id FROM j) TO 's3://ad-tables/out/' WITH (format = 'PARQUET')
        """)

    assert got.code == 0, got.end
    assert rows(got.output[-1])[1:] == [["1", "a, b", "[a, b]"], ["2", "", ""], ["3", "", "[z]"]]
    assert duckdb.sql(f"SELECT sum(id) FROM '{BUCKETS}/ad-tables/out/*.parquet'").fetchall() == [(6,)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE VIEW v AS SELECT 1", "NOT_SUPPORTED on this machine: CREATE VIEW"),
        ("CREATE EXTERNAL TABLE o (a int) STORED AS ORC LOCATION 's3://ad-logs/o/'",
         "NOT_SUPPORTED on this machine: files of the format ORC"),
        ("OPTIMIZE t REWRITE DATA USING BIN_PACK", "NOT_SUPPORTED on this machine: OPTIMIZE"),
        ("SELECT * FROM (SELECT 1", "SYNTAX_ERROR: line 1:"),
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
        ("SELECT CAST('a' AS integer)", "INVALID_CAST_ARGUMENT: "),
        ("CREATE TABLE d WITH (format = 'XML') AS SELECT 1 AS a", "INVALID_TABLE_PROPERTY: Unsupported format XML"),
        ("DROP TABLE nothing", "FAILED: SemanticException [Error 10001]: Table not found default.nothing"),
        ("SELECT * FROM nowhere.t", "SCHEMA_NOT_FOUND: Schema 'nowhere' does not exist"),
        ("CREATE TABLE p WITH (partitioned_by = ARRAY['n']) AS SELECT 1 AS a, n FROM UNNEST(sequence(1, 101)) AS t(n)",
         "HIVE_TOO_MANY_OPEN_PARTITIONS"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_what_it_is(run, sql, words):
    got = run("+q:\n  athena.query>: queries/q.sql\n", queries_in_q__sql=sql)

    assert got.code == 1
    status = json.loads(got.end["cause"])["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(words)


def test_results_of_a_workgroup_and_of_a_bucket_that_is_not_there(run):
    got = run("""
        +group:
          athena.query>: SELECT 1 AS one
          workgroup: Nightly_SQL
        +say:
          echo>: ${athena.last_query.output} ${athena.last_query.workgroup}
        +nowhere:
          athena.query>: SELECT 1 AS one
          output: s3://no-such-bucket/
        """)

    assert got.code == 1
    assert got.end["error"] == "Athena.InvalidRequestException"
    place, group = got.output[-1].split()
    assert (rows(place), group) == ([["one"], ["1"]], "Nightly_SQL")


def test_a_command_reads_a_result_from_the_folder_of_its_bucket(run):
    got = run("""
        +ask:
          athena.query>: SELECT 'a' AS name
          output: s3://ad-tables/results/
        +read:
          sh>: cat "$STEPDIG_S3/${athena.last_query.output.replace('s3://', '')}"
        """)

    assert (got.code, got.output) == (0, ['"name"', '"a"'])


def test_long_sql_with_templates_is_no_long_expression(run):
    columns = ", ".join(f"'${{session_date}} {number:04d}' AS c{number}" for number in range(1_000))
    got = run(
        "+q:\n  athena.query>: queries/q.sql\n+say:\n  echo>: ${athena.last_query.output}\n",
        queries_in_q__sql=f"SELECT {columns};",
    )

    assert got.code == 0, got.end
    assert rows(got.output[-1])[1][999] == "2026-11-20 0999"


def test_without_duckdb_a_plain_sentence(run, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "duckdb" else find(name, *more)
    )
    got = run("+q:\n  athena.query>: SELECT 1\n")

    assert got.code == 1
    assert "pip install 'stepdig[athena]'" in got.end["cause"]


def test_queries_side_by_side_change_one_catalog(run):
    got = run("""
        +each:
          for_each>: {n: [1, 2, 3, 4, 5, 6]}
          _parallel: true
          _do:
            +make:
              athena.ctas>: SELECT ${n} AS n
              database: default
              table: t${n}
              buckets: []
              location: s3://ad-tables/many/${n}/
        +sum:
          athena.query>: SELECT sum(n) AS n FROM (SELECT * FROM t1 UNION ALL SELECT * FROM t5 UNION ALL SELECT * FROM t6)
        +say:
          echo>: ${athena.last_query.output}
        """)

    assert got.code == 0, got.end
    assert rows(got.output[-1])[1:] == [["12"]]
    assert len(json.loads(Path(".stepdig/athena/catalog.json").read_text())["default"]) == 6
