"""stepdig-runner.pyz as images carry it: real processes on each Python there is, an S3 (moto) and credentials on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from runner_bundles import PREFIX, bundle, find_python, task

from stepdig.packing import runner_zip, wheels
from stepdig.problem import ProblemsFound

ROOT = Path(__file__).resolve().parents[2]
KEY = "archives/shop-0123456789abcdef.zip"
VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
RUN = {
    "prefix": PREFIX,
    "archive": KEY,
    "session_time": "2026-11-20T00:00:00+09:00",
    "params": {"p": "given"},
    "loop": {},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The zip; its libraries are fetched once, into the checkout."""
    try:
        content = runner_zip.runner_zip(ROOT)
    except ProblemsFound as wrong:
        pytest.skip(f"{wrong}; once `pip download botocore==1.37.38` works, so does this")
    path = tmp_path_factory.mktemp("runner") / runner_zip.NAME
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def s3_url():
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_url):
    client = boto3.client(
        "s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.create_bucket(Bucket="shop-bucket")
    yield client
    for item in client.list_objects_v2(Bucket="shop-bucket").get("Contents", ()):
        client.delete_object(Bucket="shop-bucket", Key=item["Key"])
    client.delete_bucket(Bucket="shop-bucket")


@pytest.fixture
def container(made, s3, s3_url, http_server, tmp_path):
    """Start a container's process: the environment of ECS, credentials from its agent, a /tmp of its own."""
    role = {"AccessKeyId": "ASIATASKROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}

    def start(python, key="+t", **more):
        http_server.answer(200, json.dumps(role), Content_Type="application/json")
        (tmp_path / "tmp").mkdir(exist_ok=True)
        env = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path / "tmp"),
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": s3_url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{http_server.url}/credentials",
            "AWS_EC2_METADATA_DISABLED": "true",
            "STEPDIG_TASK": f"wf {key}",
            "STEPDIG_RUN": json.dumps(RUN),
            "STEPDIG_BUCKET": "shop-bucket",
            **more,
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([python, "-I", str(made)], env=env, cwd="/", **pipes)

    return start


def put(s3, tasks, files=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(".stepdig/wf.json", json.dumps(bundle(tasks)))
        for name, content in dict(files).items():
            item = zipfile.ZipInfo(name)
            item.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            opened.writestr(item, content)
    s3.put_object(Bucket="shop-bucket", Key=KEY, Body=buffer.getvalue())


def end(process):
    with process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def output(s3, name):
    return json.loads(s3.get_object(Bucket="shop-bucket", Key=f"{PREFIX}/{name}")["Body"].read())


@pytest.fixture(params=VERSIONS)
def python(request):
    if request.param == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    return find_python(request.param)


def test_a_whole_task_on_each_python(container, s3, http_server, tmp_path, python):
    """A py> stores, adds a subtask and reads a template; a sh> of the archive reads what was stored, and fails with its code."""
    code = "import digdag\ndef f(d): digdag.env.store(k=digdag.env.params['p'] + '!'); digdag.env.add_subtask({'echo>': d})\n"
    tasks = {
        "+t": task({"py>": "m.f", "d": "${moment(session_time).format('YYYY/MM/DD')}"}, fetch=["k"]),
        "+u": task({"sh>": './run.sh "$k"; exit 7'}, layers=[["stores", [{"task": "+t", "shared": 0, "when": "all"}]]]),
    }
    put(s3, tasks, {"m.py": code, "run.sh": '#!/bin/sh\necho "ran $1 $session_date"\n'})
    assert end(container(python)) == (0, "2026/11/20\n", "")
    assert output(s3, "+t/stores.json") == {"k": "given!"}
    assert output(s3, "+t/output.json")["store_params"] == {"k": "given!"}
    assert end(container(python, "+u")) == (7, "ran given! 2026-11-20\n", "Command failed with code 7 (runtime)\n")
    assert {it.path for it in http_server.requests} == {"/credentials"}, "the task role's credentials"
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing is left behind"


def test_a_stop_reaches_the_command_on_each_python(container, s3, python):
    put(s3, {"+t": task({"sh>": "trap 'echo tidied; exit 5' TERM; sleep 600 & echo started; wait"})})
    with container(python) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (5, "tidied\n")


def test_the_command_has_the_images_python_and_not_the_runners_libraries(container, s3):
    put(
        s3,
        {"+t": task({"py>": "m.f"})},
        {"m.py": "import os, sys\ndef f(): print('botocore' in sys.modules, sys.path)\n"},
    )
    code, out, _ = end(container(sys.executable, PYTHONPATH="/opt/own"))
    assert code == 0
    assert out.startswith("False ")
    assert "/opt/own" in out
    assert runner_zip.NAME not in out


def test_variables_of_the_image_for_python_are_for_its_own_programs(container, s3, tmp_path):
    """A PYTHONPATH with a json.py of its own, warnings as errors: the runner minds neither, the command has both."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/json.py").write_text("raise SystemExit('not the json you know')")
    put(s3, {"+t": task({"sh>": "python3 -c 'import json'; echo $PYTHONWARNINGS"})})
    code, out, err = end(container(sys.executable, PYTHONPATH=str(tmp_path / "own"), PYTHONWARNINGS="error"))
    assert (code, out) == (0, "error\n")
    assert "not the json you know" in err


def test_s3_that_refuses_is_told(container, s3):
    code, _, err = end(container(sys.executable))
    assert (code, err) == (126, f"stepdig: the project archive {KEY} is not in shop-bucket\n")
    code, _, err = end(container(sys.executable, STEPDIG_BUCKET="nowhere"))
    assert code == 126
    assert err.startswith(f"stepdig: s3://nowhere/{KEY}: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_an_image_whose_python_is_too_old_says_so(made, version):
    found = [*Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")]
    if not found:
        pytest.skip(f"no Python {version} here; pyenv install {version}")
    done = subprocess.run([found[0], made], capture_output=True, text=True, check=False)
    assert done.returncode == 126
    assert done.stderr == f"stepdig: the task runner needs Python 3.8 or newer, and this image has {version}\n"


def test_the_bytes_depend_on_nothing_but_the_sources(made):
    again = subprocess.run(
        [sys.executable, "-c", "import sys; from pathlib import Path; from stepdig.packing.runner_zip import runner_zip\n"
         f"sys.stdout.buffer.write(runner_zip(Path({str(ROOT)!r})))"],
        env={"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(made.read_bytes()).hexdigest()


def test_it_carries_s3_alone_and_each_librarys_licence(made):
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert services == {"s3"}
    licensed = {name.partition("-")[0] for name in names if ".dist-info/LICENSE" in name}
    assert licensed == {wheel.file.partition("-")[0] for wheel in wheels.WHEELS}
    assert made.stat().st_size < 4_000_000
