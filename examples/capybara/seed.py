#!/usr/bin/env python3
"""The market's database: 120 tables of very different size, the same ones each time.

    python3 seed.py          print the SQL that makes them
    python3 seed.py --list   print source_table/market.json, which names them for the nightly sync
    python3 seed.py --log 2026-11-20    print an access log of that day: 5,000 requests, two thirds of them by some 800 users

Sizes fall as in real databases: the largest table has 40,000 rows, the twentieth 1,500, most have a few hundred. MariaDB makes
the rows itself, from the numbers of its sequence engine and a checksum of table and number.
"""

from __future__ import annotations

import json
import sys
import zlib
from datetime import date

LARGEST = 40_000
REQUESTS, VISITORS = 5_000, 1_200  # of a day's access log
FALL = 1.1  # rows of the n-th table: LARGEST / n ** FALL

# Each kind of table: its columns, and what stands in them; {h} is a number of 32 bits for table and row, {n} the row's.
PERSON = "elt(1 + {h} % 6, '田中 花子', '鈴木 一郎', '𠮷野 弥生', 'O''Brien', 'ｶﾅ ﾊﾝｶｸ', 'Ann')"
MEMO = (
    "elt(1 + {h} % 7, '', 'tab\\there', 'two\\nlines', 'back\\\\slash', '\\\\N', '\"quoted\", 100%', '納品しました。')"
)
MOMENT = "'2020-01-01 00:00:00' + interval ({h} % 200000000) second"
KINDS = {
    "person": [
        ("id", "bigint primary key", "{n}"),
        ("name", "varchar(80) not null", PERSON),
        ("email", "varchar(120)", "if({h} % 9 = 0, null, concat('u', {n}, '@example.jp'))"),
        ("prefecture", "varchar(20) not null", "elt(1 + {h} % 5, '東京都', '大阪府', '北海道', '福岡県', '沖縄県')"),
        ("balance", "decimal(12,2) not null", "({h} % 100000000) / 100 - 250000"),
        ("birthday", "date", "if({h} % 4 = 0, null, '1950-01-01' + interval ({h} % 20000) day)"),
        ("newsletter", "tinyint(1) not null", "{h} % 2"),
        ("created_at", "datetime not null", MOMENT),
        ("updated_at", "timestamp not null", MOMENT),
    ],
    "deal": [
        ("id", "int unsigned primary key", "{n}"),
        ("user_id", "bigint not null", "1 + {h} % 40000"),
        ("title", "varchar(200) not null", "concat('案件 ', {n}, ' ', " + PERSON + ")"),
        ("reward", "decimal(18,4)", "if({h} % 8 = 0, null, {h} / 10000)"),
        ("status", "enum('open','done','受付終了') not null", "1 + {h} % 3"),
        ("opens_at", "datetime(6)", "if({h} % 6 = 0, null, " + MOMENT + " + interval {h} % 1000000 microsecond)"),
        ("note", "text", "if({h} % 3 = 0, null, " + MEMO + ")"),
        ("updated_at", "timestamp not null", MOMENT),
    ],
    "event": [
        ("id", "bigint unsigned primary key", "{n}"),
        ("user_id", "bigint", "if({h} % 10 = 0, null, 1 + {h} % 40000)"),
        ("path", "varchar(200) not null", "concat('/work/detail/', {h} % 9999)"),
        ("milliseconds", "int unsigned not null", "{h} % 30000"),
        ("address", "varbinary(16)", "if({h} % 5 = 0, null, unhex(lpad(hex({h}), 8, '0')))"),
        ("at", "timestamp(3) not null", MOMENT + " + interval ({h} % 1000) * 1000 microsecond"),
    ],
    "ledger": [
        ("id", "bigint primary key", "{n}"),
        ("account_id", "int not null", "{h} % 5000"),
        ("amount", "decimal(20,6) not null", "({h} % 1000000000) / 1000 - 500000"),
        ("rate", "double", "if({h} % 7 = 0, null, {h} / 4294967296)"),
        ("booked_on", "date not null", "'2020-01-01' + interval ({h} % 2500) day"),
        ("memo", "varchar(100) not null", MEMO),
    ],
    "link": [
        ("left_id", "bigint not null", "{n}"),
        ("right_id", "bigint not null", "{h} % 40000"),
        ("created_at", "datetime not null", "if({h} % 50 = 0, '0000-00-00 00:00:00', " + MOMENT + ")"),
    ],
    "label": [
        ("code", "varchar(20) primary key", "concat('c', {n})"),
        ("name", "varchar(80) not null", PERSON),
        ("sort", "smallint not null", "{n} % 1000"),
        ("since", "year not null", "2000 + {h} % 26"),
        ("opens", "time", "if({h} % 3 = 0, null, sec_to_time({h} % 86400))"),
        ("active", "bit(1) not null", "{h} % 2"),
        ("extra", "json", "if({h} % 2 = 0, null, json_object('色', '青', 'n', {n}))"),
    ],
}
NAMES = {
    "person": "users clients freelancers companies staff reviewers partners agents advisors applicants candidates contacts "
    "introducers mentors mentees inspectors moderators members leads testers",
    "deal": "works projects proposals contracts milestones tasks orders invoices estimates offers contests entries "
    "deliveries packages plans bookings disputes quotes tenders renewals",
    "event": "page_views searches logins clicks impressions mail_opens mail_clicks downloads uploads notifications exports "
    "sessions api_calls push_opens signups cancellations errors redirects surveys_shown webhooks",
    "ledger": "payments payouts refunds fees deposits withdrawals points point_grants coupons_used bonuses taxes transfers "
    "adjustments escrows settlements chargebacks commissions receipts balances_daily donations",
    "link": "favorites follows blocks user_skills user_tags work_skills work_tags project_members message_reads likes "
    "invitations assignments group_members user_badges user_certificates portfolio_tags reads shares mutes user_languages",
    "label": "skills tags categories subcategories prefectures countries banks branches industries languages badges "
    "certificates currencies holidays templates reasons ranks campaigns features settings",
}
# The largest first: with eight at a time the longest must not begin last.
LARGE = [
    "page_views",
    "users",
    "favorites",
    "works",
    "payments",
    "proposals",
    "searches",
    "logins",
    "points",
    "clients",
]
WHOLE_BUT = {"page_views": ("at", "id"), "logins": ("at", "id"), "proposals": ("updated_at", "id")}
WHERE = {"users": "email is not null or created_at > '1990-01-01'", "searches": "at >= '2021-01-01'"}
MEMORY = {"page_views": "4096", "users": "2048", "favorites": "2048"}  # MiB; the others have their job's


def tables() -> dict[str, tuple[str, int]]:
    """Return each table's kind and its number of rows, the largest first."""
    kinds = {name: kind for kind, names in NAMES.items() for name in names.split()}
    rest = [names.split()[place] for place in range(20) for names in NAMES.values()]
    order = LARGE + [name for name in rest if name not in LARGE]
    return {name: (kinds[name], max(3, int(LARGEST / place**FALL))) for place, name in enumerate(order, start=1)}


def sql() -> str:
    """Return the statements that make the tables and fill them."""
    statements = ["set names utf8mb4", "set time_zone = '+09:00'", "set sql_mode = ''"]
    for name, (kind, rows) in tables().items():
        columns = KINDS[kind]
        declared = ", ".join(f"`{column}` {declaration}" for column, declaration, _ in columns)
        values = ", ".join(value.format(h="h", n="seq") for _, _, value in columns)
        statements.append(f"create or replace table `{name}` ({declared}) character set utf8mb4")
        numbers = f"select seq, crc32(concat('{name} ', seq)) as h from seq_1_to_{rows}"
        statements.append(f"insert into `{name}` select {values} from ({numbers}) as numbers")
    return ";\n".join(statements) + ";\n"


def listed() -> list[dict[str, str]]:
    """Return the rows of source_table/market.json."""
    rows = []
    for name, (kind, _) in tables().items():
        columns = ", ".join(column for column, _, _ in KINDS[kind])
        row = {"table": name, "out_table": name, "dataset": "market", "select": columns}
        if name in WHERE:
            row["where"] = WHERE[name]
        if name in WHOLE_BUT:
            row["incremental"], row["key"] = WHOLE_BUT[name]
        if name in MEMORY:
            row["memory"] = MEMORY[name]
        rows.append(row)
    return rows


def access_log(day: date) -> str:
    """Return the lines of a day; every third is of somebody who is not logged in."""
    lines = []
    for second in range(0, 86_400, 86_400 // REQUESTS):
        number = zlib.crc32(f"{day} {second}".encode())
        user = "-" if number % 3 == 0 else str(1 + number % VISITORS)
        time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        request = f'"GET /work/detail/{number % 9999} HTTP/1.1" 200 512 "-" "Mozilla/5.0"'
        lines.append(f"203.0.113.9 - {user} [{day:%d/%b/%Y}:{time} +0900] {request}\n")
    return "".join(lines)


def main(argv: list[str]) -> None:
    """Print the SQL, the list, or a log."""
    if argv[:1] == ["--log"]:
        print(access_log(date.fromisoformat(argv[1])), end="")
    elif argv == ["--list"]:
        print("[\n  " + ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in listed()) + "\n]")
    else:
        print(sql())


if __name__ == "__main__":
    main(sys.argv[1:])
