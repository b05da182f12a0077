"""The S3 client of a container: botocore as it is installed, or as it lies in the runner's zip.

botocore reads its data and the certificates from files, so out of a zip those few are laid into a temporary folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Optional

from stepdig.runner.shapes import Json

CONNECT_SECONDS, READ_SECONDS, TRIES = 10, 60, 8  # a gateway that is slow, or S3 asking for less, fails no task


def client() -> Json:
    """Return botocore's client of S3, with the container's credentials and region."""
    import botocore.session  # only a container that talks to S3 carries it
    from botocore.config import Config

    session = botocore.session.get_session()
    data = _unpacked(Path(botocore.__file__).parents[1])
    if data is not None:
        session.set_config_variable("data_path", str(data / "botocore/data"))
        if not session.get_config_variable("ca_bundle"):
            session.set_config_variable("ca_bundle", str(data / "botocore/cacert.pem"))
    retries = {"mode": "standard", "total_max_attempts": TRIES}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries)
    # Fargate sets AWS_REGION; botocore itself reads AWS_DEFAULT_REGION only, and would go by way of us-east-1.
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    return session.create_client("s3", region_name=region, config=config)


def _unpacked(archive: Path) -> Optional[Path]:
    """Return a folder with the data of botocore, removed at exit; None where botocore lies in a folder already."""
    if not archive.is_file():
        return None
    folder = Path(tempfile.mkdtemp(prefix="stepdig-aws-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with zipfile.ZipFile(archive) as opened:
        needed = [it for it in opened.namelist() if it.startswith(("botocore/data/", "botocore/cacert"))]
        opened.extractall(str(folder), needed)
    return folder
