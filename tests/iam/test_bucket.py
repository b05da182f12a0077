"""The bucket's policy: roles of the stack alone, containers only from inside the network, TLS only."""

from __future__ import annotations

from typing import Any

import pytest
from policies import Request, applies
from root import TEMPLATE, resolved, template

pytestmark = pytest.mark.skipif(not TEMPLATE.exists(), reason="the template is written by stepdig init")

ACCOUNT = "arn:aws:iam::123456789012"
ROLES = f"{ACCOUNT}:role/stepdig/shop-dev"
GIVEN = {"VpcId": "vpc-0f", "BucketReaderArns": f"{ACCOUNT}:role/Analyst*"}
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
INSIDE = {"aws:SourceVpc": "vpc-0f"}


def _denied(action: str, principal: str, more: dict[str, str], given: dict[str, str]) -> bool:
    properties = template()["Resources"]["BucketPolicy"]["Properties"]
    statements: list[dict[str, Any]] = resolved(properties["PolicyDocument"], given)["Statement"]
    bucket = str(resolved({"Fn::GetAtt": ["Bucket", "Arn"]}, given))
    resource = bucket if action == "s3:ListBucket" else f"{bucket}/runs/shop-nightly/a/+load/output.json"
    request = Request(action, resource, {"aws:PrincipalArn": principal, **more})
    assert {it["Effect"] for it in statements} == {"Deny"}  # rights come from the roles' own policies
    return any(applies(it, request) for it in statements)


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
@pytest.mark.parametrize(
    ("principal", "more", "denied"),
    [
        (f"{ROLES}/NightlyRole", TLS, False),  # Step Functions and Lambda call from where they are
        (f"{ROLES}/tasks/NightlyLoadRole", {**TLS, **INSIDE}, False),
        (f"{ROLES}/tasks/NightlyLoadRole", TLS, True),
        (f"{ROLES}/tasks/NightlyLoadRole", {**TLS, "aws:SourceVpc": "vpc-1e"}, True),
        (f"{ROLES}/NightlyRole", {**TLS, "aws:SecureTransport": "false"}, True),
        (f"{ROLES}/NightlyRole", {**TLS, "s3:TlsVersion": "1.1"}, True),
        (f"{ACCOUNT}:role/stepdig/other/NightlyRole", TLS, True),
        (f"{ACCOUNT}:role/stepdig/shop-dev-2/NightlyRole", TLS, True),
        (f"{ACCOUNT}:role/Administrator", TLS, True),
        (f"{ACCOUNT}:user/somebody", TLS, True),
        ("arn:aws:iam::999999999999:role/stepdig/shop-dev/NightlyRole", TLS, True),
    ],
)  # fmt: skip
def test_who_may_come_in(action: str, principal: str, more: dict[str, str], denied: bool) -> None:
    assert _denied(action, principal, more, GIVEN) is denied


def test_readers_read_and_nothing_else() -> None:
    assert not _denied("s3:GetObject", f"{ACCOUNT}:role/Analyst-1", TLS, GIVEN)
    assert _denied("s3:PutObject", f"{ACCOUNT}:role/Analyst-1", TLS, GIVEN)
    assert _denied("s3:GetObject", f"{ACCOUNT}:role/Analyst-1", TLS, {"VpcId": "vpc-0f"})


def test_containers_may_come_from_anywhere_only_where_that_is_asked_for() -> None:
    principal = f"{ROLES}/tasks/NightlyLoadRole"
    assert _denied("s3:ListBucket", principal, TLS, GIVEN)
    assert not _denied("s3:ListBucket", principal, TLS, {**GIVEN, "BucketOnlyFromNetwork": "false"})
