"""Storages: the folder of a laptop and a bucket (moto) do the same."""

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from stepdig.runner.storage import BucketStorage, FolderStorage, StorageError, open_storage

KEY = "runs/wf/x/+a=[b]{c}%25&@,.^`/0/output.json"


@pytest.fixture
def account(monkeypatch):
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="outputs")
        yield


@pytest.fixture(params=["file", "s3", "s3 with a prefix"])
def storage(request, tmp_path, account):
    urls = {"file": f"file://{tmp_path}/a%20b", "s3": "s3://outputs", "s3 with a prefix": "s3://outputs/below/this/"}
    return open_storage(urls[request.param])


def test_what_was_put_last_is_what_is_got(storage):
    assert storage.get(KEY) is None
    storage.put(KEY, b"1")
    storage.put(KEY, "é".encode())
    assert storage.get(KEY) == "é".encode()


def test_keys_are_listed_below_their_prefix(storage):
    for key in (KEY, "runs/wf/x/+a/1/output.json", "runs/wf/xx/+a/output.json"):
        storage.put(key, b"1")
    assert storage.list("runs/wf/x/") == sorted([KEY, "runs/wf/x/+a/1/output.json"])
    assert storage.list("runs/none/") == []


def test_a_bucket_lists_more_than_a_page(account):
    storage = open_storage("s3://outputs")
    for number in range(1_001):
        storage.put(f"p/{number}", b"")
    assert len(storage.list("p/")) == 1_001


def test_a_bucket_that_refuses_is_told_with_the_key(account):
    with pytest.raises(StorageError, match=r"s3://nowhere/runs/x: .*bucket does not exist"):
        open_storage("s3://nowhere").get("runs/x")


def test_a_folder_keeps_no_half_written_file(tmp_path):
    storage = FolderStorage(tmp_path)
    with pytest.raises(TypeError):
        storage.put("a/b", "no bytes")
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]


def test_other_urls_are_refused():
    with pytest.raises(ValueError, match="neither an s3"):
        open_storage("https://example.com/")


@pytest.mark.parametrize("kept", [[], [KEY + ".bak"], [KEY]])
def test_what_s3_forbids_to_read_is_missing_only_if_the_list_says_so(kept):
    """S3 answers 403 for a missing object to a role that may list nothing but prefixes."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as s3:
        s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
        s3.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in kept]}, {"Bucket": "b", "Prefix": KEY})
        storage = BucketStorage(client, "b")
        if KEY in kept:
            with pytest.raises(StorageError, match="AccessDenied"):
                storage.get(KEY)
        else:
            assert storage.get(KEY) is None
        s3.assert_no_pending_responses()


def test_what_s3_forbids_to_read_and_to_list_is_forbidden():
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as s3:
        s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
        s3.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
        with pytest.raises(StorageError, match="GetObject operation"):
            BucketStorage(client, "b").get(KEY)
