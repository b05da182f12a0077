"""examples/batch-jobs: each batch by itself on real components; logs while it runs, its exit code, its role, its parameters."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from example_project import ROOT, Done, Example, databases
from moto import mock_aws

HERE = ROOT / "examples/batch-jobs"
WORKFLOWS = sorted(path.stem for path in (HERE / "workflows/batch").glob("*.dig"))

ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="no Ruby: apt-get install ruby")
go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go: apt-get install golang-go")


def _here() -> Any:
    """Return the example's own here.py, which starts what its jobs talk to."""
    spec = importlib.util.spec_from_file_location("batch_jobs_here", HERE / "here.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    try:
        with _here().running(tmp_path_factory.mktemp("around")) as around:
            yield around
    except databases.Absent as absent:
        pytest.skip(str(absent))


class Batch:
    """A copy of the example, and what its jobs talk to, as it is at the start."""

    def __init__(self, example: Example, around: Any) -> None:
        self.example, self.around = example, around
        around.database.mariadb((HERE / "crowd.sql").read_text(encoding="utf-8"))
        around.site.documents.clear()
        around.site.links[:] = ["/jobs", "/about"]
        around.mails.clear()
        around.metrics.clear()

    def run(self, workflow: str, *more: str, **environ: str) -> Done:
        words = ("--plain", "--exit-code", "--session", "2026-11-21", *more)
        return self.example.stepdig("run", f"workflows/batch/{workflow}.dig", *words, **environ)

    def sql(self, text: str) -> str:
        return str(self.around.database.mariadb(text)).strip()

    def s3(self) -> Any:
        return _here().client(self.around.environ)


@pytest.fixture
def batch(example: Callable[..., Example], running: Any) -> Batch:
    return Batch(example("batch-jobs", **running.environ), running)


# What each of them is for


@ruby
def test_invoices_are_pdfs_in_the_document_store(batch: Batch) -> None:
    done = batch.run("invoices", "-p", "month=2026-10")

    assert done.code == 0, done.text
    documents = batch.around.site.documents
    assert sorted(documents) == [f"/invoices/2026-10/{client}.pdf" for client in (1, 2, 3)]
    assert b"Total  115000 yen" in documents["/invoices/2026-10/1.pdf"]
    assert rb"(Kita \(Tools\))" in documents["/invoices/2026-10/3.pdf"]
    for body in documents.values():
        table = int(body.split(b"startxref\n")[1].split()[0])
        assert body.startswith(b"%PDF-1.4\n")
        assert body[table:].startswith(b"xref\n0 6\n")
        for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", body), 1):
            assert body[int(place) :].startswith(b"%d 0 obj" % number)
    assert "made-for-this-run" not in done.text


@ruby
def test_without_a_month_invoices_are_those_of_the_month_before(batch: Batch) -> None:
    assert "/invoices/2026-10/1.pdf" in batch.run("invoices").text


def test_old_sessions_go_a_thousand_at_a_time(batch: Batch) -> None:
    done = batch.run("purge_sessions")

    assert re.findall(r"\| (\d+) gone", done.text) == ["1000", "2000", "2500"]
    assert batch.sql("select group_concat(user_id order by user_id) from sessions") == "2,3"


def test_orders_are_exported_to_s3_with_a_token(batch: Batch) -> None:
    done = batch.run("export_orders", "-p", "day=2026-11-19")
    refused = batch.run("export_orders", STEPDIG_SECRET_ORDERS_TOKEN="old")

    assert "7 orders of 2026-11-19 are at orders/2026-11-19.json.gz" in done.text
    body = batch.s3().get_object(Bucket="crowd-local-exports", Key="orders/2026-11-19.json.gz")["Body"].read()
    assert [json.loads(line)["id"] for line in gzip.decompress(body).splitlines()] == list(range(1, 8))
    assert "the orders API says 401 Unauthorized to page 1 of 2026-11-21" in refused.text


def test_a_report_goes_by_mail(batch: Batch) -> None:
    done = batch.run("sales_report", "-p", "to=boss@crowd.example")

    assert done.code == 0, done.text
    (mail,) = batch.around.mails
    assert mail.recipients == ["boss@crowd.example"]
    assert b"Contracts: 1\r\nAgreed on: 9000 yen\r\nPaid: 8000 yen" in mail.data


def test_uploads_that_nothing_points_to_leave_s3(batch: Batch) -> None:
    batch.sql("insert into uploads_seen values ('tmp/1.png')")

    listed = batch.run("uploads_cleanup", "-p", "days=0", "-p", "really=false")
    young = batch.run("uploads_cleanup")
    done = batch.run("uploads_cleanup", "-p", "days=0")

    assert "would delete tmp/2.png" in listed.text
    assert "0 uploads older than 7 days" in young.text
    assert "deleted tmp/2.png" in done.text
    left = batch.s3().list_objects_v2(Bucket="crowd-local-uploads")["Contents"]
    assert [it["Key"] for it in left] == ["kept/3.png", "tmp/1.png"]


@go
def test_a_go_binary_runs_as_it_is_and_its_code_is_told(batch: Batch) -> None:
    folder = batch.example.folder / "jobs/link_check"
    subprocess.run(["go", "build", "-o", "bin/link_check", "."], cwd=folder, check=True)
    good = batch.run("link_check")
    batch.around.site.links.append("/gone")
    bad = batch.run("link_check", "-p", "parallel=1")

    assert (good.code, bad.code) == (0, 4)
    assert "2 links of /, 0 broken" in good.text
    assert "broken: /gone: 404 Not Found" in bad.text


@ruby
def test_a_month_ends_in_order(batch: Batch) -> None:
    """What is not paid in full keeps invoices and the mail from going out."""
    done = batch.run("month_end", "-p", "month=2026-10")
    (mail,) = batch.around.mails
    assert mail.recipients == ["accounting@crowd.example"]
    words = ["4 contracts of 2026-10, 0 not paid", "/invoices/2026-10/3.pdf", "2026-10 is closed"]
    places = [done.text.index(word) for word in words]
    assert places == sorted(places)

    batch.around.site.documents.clear()
    failed = batch.run("month_end", "-p", "month=2026-11")
    assert (failed.code, batch.around.site.documents, len(batch.around.mails)) == (3, {}, 1)


# Logs and exit codes


def test_lines_come_to_who_started_it_while_the_task_runs(batch: Batch) -> None:
    """Another session holds a row of the fourth step until the first three lines have been read."""
    client = ["mariadb", "--no-defaults", f"--socket={batch.around.database.socket}", "--user=root", "-nN", "shop"]
    argv = [sys.executable, "-m", "stepdig", "run", "workflows/batch/reindex.dig", "--plain"]
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("start transaction; select user_id from profiles where user_id = 350 for update;\n")
        assert other.stdout.readline().strip() == "350"
        at = {"cwd": batch.example.folder, "env": batch.example.environ, "stdin": subprocess.DEVNULL}
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **at) as run:  # type: ignore[call-overload]
            seen = ""
            while "300 of 500 profiles" not in seen:
                line = run.stdout.readline()
                assert line, seen
                seen += line
            assert run.poll() is None
            assert batch.sql("select count(*) from search_index") == "300"
            other.stdin.write("rollback;\n")
            rest = run.stdout.read()
    assert run.returncode == 0
    assert re.findall(r"(\d+) of 500", seen) == ["100", "200", "300"]
    assert re.findall(r"(\d+) of 500", rest) == ["400", "500"]


@ruby
def test_the_exit_code_of_the_task_is_that_of_the_command_line(batch: Batch) -> None:
    failed = batch.run("reconcile")
    plain = batch.example.stepdig("run", "workflows/batch/reconcile.dig", "--plain", "--session", "2026-11-21")
    batch.sql("update payments set amount = 9000 where contract_id = 15")
    mended = batch.run("reconcile", "--resume")

    assert (failed.code, plain.code, mended.code) == (3, 1, 0)
    assert "contract 15: 9000 yen agreed on, 8000 yen paid" in failed.text
    assert "\n  exit code 3\n" in failed.text
    assert "Once that is put right: stepdig run workflows/batch/reconcile.dig --resume" in failed.text


def test_of_chores_in_one_container_one_may_fail(batch: Batch) -> None:
    good = batch.run("chores")
    batch.sql("drop table profiles")
    bad = batch.run("chores")

    assert (good.code, bad.code) == (0, 1)
    assert "orphan_index: exit code 1" in bad.text
    assert "trim_payments: 0 empty payments removed" in bad.text


def test_clients_share_a_container(batch: Batch) -> None:
    done = batch.run("client_stats")

    assert done.code == 0
    assert len(re.findall(r"\d+ contracts, \d+ yen", done.text)) == 3
    assert "1 task ·" in done.text


def test_a_wrong_password_is_told_in_the_databases_words(batch: Batch) -> None:
    done = batch.run("client_stats", STEPDIG_SECRET_MYSQL_PASSWORD="wrong")

    assert done.code == 1
    assert "exit code 1: the database says ERROR 1045 (28000): Access denied for user 'sync'@'127.0.0.1'" in done.text


# Metrics and the end of a container


def test_metrics_that_the_agent_still_holds_are_sent(batch: Batch) -> None:
    done = batch.run("db_metrics")

    assert done.code == 0, done.text
    assert {it.partition(":")[0] for it in batch.around.metrics} >= {"batch.db.threads_connected", "batch.db.queries"}
    assert done.text.index("threads_connected") < done.text.index("metrics sent")


def test_without_linger_they_are_lost(batch: Batch) -> None:
    """The agent would send them a minute after the command has ended."""
    settings = batch.example.folder / "jobs/db_metrics/job.yml"
    settings.write_text(re.sub("linger: .*\n", "", settings.read_text(encoding="utf-8")), encoding="utf-8")

    done = batch.run("db_metrics", FLUSH_SECONDS="60")

    assert done.code == 0
    assert "threads_connected" in done.text
    assert batch.around.metrics == []


# Starting


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("dys=3", "there is no parameter dys (did you mean 'days'?)"),
        ("days=three", "days must be a whole number, not \"three\""),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_before_anything_starts(
    example: Callable[..., Example], given: str, said: str
) -> None:
    copied = example("batch-jobs")
    done = copied.stepdig("run", "workflows/batch/purge_sessions.dig", "-p", given)

    assert done.code == 2
    assert said in done.text
    assert not (copied.folder / ".stepdig/runs").exists()


def test_help_lists_the_parameters(example: Callable[..., Example]) -> None:
    done = example("batch-jobs").stepdig("run", "workflows/batch/uploads_cleanup.dig", "--help")

    assert "days    integer; default 7\n          how old an upload must be\n" in done.text
    assert "really  boolean; default true" in done.text


# What is deployed


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example after `stepdig build`."""
    folder = tmp_path_factory.mktemp("built") / "batch-jobs"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns(".stepdig", "statemachines", "var", "bin"))
    subprocess.run([sys.executable, "-m", "stepdig", "build"], cwd=folder, check=True, capture_output=True)
    return folder


def test_a_start_needs_only_a_name(built: Path) -> None:
    """Cluster, network, task definition are in each definition; only the month's end asks for a parameter."""
    asking = []
    for name in WORKFLOWS:
        definition = (built / f"statemachines/batch-{name}.asl.json").read_text(encoding="utf-8")
        for task in _containers(json.loads(definition)["States"]):
            assert task["Cluster"] == "${Cluster}"
            assert task["NetworkConfiguration"] == "{% $network %}"
            assert "$split('${SubnetIds}', ',')" in definition
            assert "$split('${SecurityGroupIds}', ',')" in definition
            assert task["TaskDefinition"].startswith("${Job")
        text = (built / f"workflows/batch/{name}.dig").read_text(encoding="utf-8")
        asking += [name] if "required: true" in text else []
    assert len(WORKFLOWS) == 12
    assert asking == ["month_end"]


def test_each_job_has_a_role_of_its_own_and_every_statement_a_reason(built: Path) -> None:
    page = (built / "statemachines/iam.md").read_text(encoding="utf-8")
    roles = {match[1]: match[2] for match in re.finditer(r"### job (\w+)\n(.*?)(?=\n##)", page, re.DOTALL)}
    rows = re.findall(r"^\| (?!statement|---)(.*) \|$", page, re.MULTILINE)

    assert set(roles) == {path.name for path in (built / "jobs").iterdir()}
    assert len(rows) > 100
    assert all(row.split(" | ")[-1].strip() for row in rows)
    assert "| what no attachment points to goes, and nothing outside of tmp/ |" in roles["uploads_cleanup"]
    assert "Reason" not in (built / "statemachines/template.yaml").read_text(encoding="utf-8")
    own = {name: set(re.findall(r"arn:aws:s3:::crowd[^`]*", text)) for name, text in roles.items()}
    assert own.pop("export_orders") == {"arn:aws:s3:::crowd-${Environment}-exports/orders/*"}
    assert len(own.pop("uploads_cleanup")) == 2
    assert not any(own.values())


def test_the_readme_puts_every_parameter_that_containers_ask_for(built: Path) -> None:
    """Its lines, run on a Parameter Store, leave nothing that ECS would miss; what is secret is a SecureString."""
    lines = re.findall(
        r"aws ssm put-parameter --name (\S+) --type (\w+) --value", (HERE / "README.md").read_text(encoding="utf-8")
    )
    template = (built / "statemachines/template.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"parameter/batch/\$\{Environment\}(/[\w/]+)", template))
    with mock_aws():
        ssm = boto3.client("ssm", "ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name, kind in lines:
            ssm.put_parameter(Name=name, Type=kind, Value=f"value of {name}")
        given = {name: kind for name, kind in lines if name.startswith("/batch/")}
        names = [f"/batch/prod{name}" for name in sorted(asked)]
        for start in range(0, len(names), 10):
            found = ssm.get_parameters(Names=names[start : start + 10], WithDecryption=True)
            assert found["InvalidParameters"] == []
            assert all(it["Value"] == f"value of {it['Name']}" for it in found["Parameters"])
    assert set(given) == set(names)
    assert {name for name, kind in given.items() if kind == "SecureString"} == {
        f"/batch/prod/{name}" for name in ("db/password", "documents/token", "orders/token")
    }


def test_the_agent_has_its_seconds_in_the_cloud_too(built: Path) -> None:
    template = (built / "statemachines/template.yaml").read_text(encoding="utf-8")
    assert re.findall(r'STEPDIG_LINGER_SECONDS, Value: "(\d+)"', template) == ["3"]


def _containers(states: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the arguments of the states that start a container."""
    found = []
    for state in states.values():
        found += [state["Arguments"]] if "ecs:runTask" in state.get("Resource", "") else []
        found += _containers(state["ItemProcessor"]["States"]) if "ItemProcessor" in state else []
    return found
