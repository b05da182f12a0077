"""A day's orders out of an API, page by page, as one gzipped file of JSON lines in S3."""

import gzip
import json
import os
import urllib.error
import urllib.request

import boto3

import digdag


def export(day: str) -> None:
    """Fetch the orders of a day; store how many they are and where they lie."""
    lines, page = [], 1
    while page:
        got = _page(day, page)
        lines += [json.dumps(order, ensure_ascii=False) for order in got["orders"]]
        print(f"page {page}: {len(got['orders'])} orders", flush=True)
        page = got.get("next")
    key = f"orders/{day}.json.gz"
    body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    boto3.client("s3").put_object(Bucket=os.environ["EXPORT_BUCKET"], Key=key, Body=body)
    digdag.env.store({"rows": len(lines), "key": key})


def _page(day: str, page: int) -> dict:
    url = f"{os.environ['ORDERS_URL']}/orders?day={day}&page={page}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['ORDERS_TOKEN']}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the orders API says {error.code} {error.reason} to page {page} of {day}") from None
