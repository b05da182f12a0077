"""A redrive restarts the call that failed, with and without something that follows a failure."""

from __future__ import annotations

import asyncio
import json

import pytest

from stepdig.local.engine import Engine
from stepdig.local.functions import Functions
from stepdig.local.integrations import Integrations
from stepdig.local.substitutions import substitute
from stepdig.pipeline import compile_workflow


def statuses(dig: str) -> list[str]:
    """Run a workflow and redrive it once; return both statuses."""
    made = compile_workflow({"w.dig": dig.encode()}.get, "w.dig", display=str, project="p", workflow="w", jobs=None)
    definition = json.loads(substitute(made.definition_text, {name: name for name in made.substitutions}))
    shipped = Functions()
    functions = {"FailRunFunction": shipped["fail_run"], "HttpRequestFunction": shipped["http_request"]}

    async def go() -> list[str]:
        async with Engine(integrations=Integrations(functions=functions)) as engine:
            execution = await engine.start(definition, {}, "x", "p-w").wait()
            first = execution.status
            again = await (await engine.redrive(execution)).wait()
            return [first, again.status]

    return asyncio.run(go())


@pytest.mark.parametrize(
    "more",
    ["", "  _error: {echo>: failed}\n", "  _retry: 0\n", "  _check: {echo>: '${http.last_status}'}\n"],
    ids=["nothing", "error", "retry", "check"],
)
def test_a_redrive_makes_the_request_anew(http_server, more):
    http_server.answer(404, "not there yet")
    dig = f"+a:\n  http>: {http_server.url}/a\n+b:\n  http>: {http_server.url}/b\n{more}+c:\n  echo>: ${{http.last_status}}\n"

    first_fails = statuses(dig)

    assert first_fails == ["FAILED", "SUCCEEDED"]
    assert [request.path for request in http_server.requests] == ["/a", "/a", "/b"]


@pytest.mark.parametrize("more", ["", "  _error: {echo>: failed}\n"], ids=["nothing", "error"])
def test_a_redrive_goes_on_in_the_middle(http_server, more):
    http_server.answer(200)
    http_server.answer(404, "not there yet")
    dig = f"+a:\n  http>: {http_server.url}/a\n+b:\n  http>: {http_server.url}/b\n{more}"

    assert statuses(dig) == ["FAILED", "SUCCEEDED"]
    assert [request.path for request in http_server.requests] == ["/a", "/b", "/b"]
