"""Old uploads that nothing points to leave the bucket."""

import datetime
import os

import boto3

from tasks.db import rows


def clean(days: int, really: bool) -> None:
    """Delete what is older than so many days, or only say so."""
    s3, bucket = boto3.client("s3"), os.environ["UPLOADS_BUCKET"]
    known = {name for (name,) in rows("select name from uploads_seen")}
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    found = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="tmp/"):
        old = [it["Key"] for it in page.get("Contents", ()) if it["LastModified"] < before and it["Key"] not in known]
        found += len(old)
        for key in old:
            print(f"{'deleted' if really else 'would delete'} {key}")
        if old and really:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in old]})
    print(f"{found} uploads older than {days} days")
