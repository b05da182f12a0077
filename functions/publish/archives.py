"""Custom::ProjectArchive: the archive of a project in the stack's bucket, under a key made of its content.

Nothing there is ever replaced or removed: an execution that began with an archive, or is redriven, reads it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import packages

MISSING = ("404", "NoSuchKey", "NotFound")


def publish(s3: Any, bucket: str, folder: Path, project: str) -> dict[str, str]:  # noqa: ANN401 - boto3 ships no types
    """Put the archive there unless it is there; return the attribute Key. Raises NotPacked."""
    told = packages.told(folder, "archives", project)
    key = f"archives/{packages.named(project, told['hash'])}.zip"
    if not there(s3, bucket, key):
        put(s3, bucket, key, folder / "archives" / f"{project}.zip")
    return {"Key": key}


def there(s3: Any, bucket: str, key: str) -> bool:  # noqa: ANN401
    """Tell whether an object exists."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return False
        raise
    return True


def put(s3: Any, bucket: str, key: str, path: Path) -> None:  # noqa: ANN401
    """Put a zip into the bucket."""
    with path.open("rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType="application/zip")
