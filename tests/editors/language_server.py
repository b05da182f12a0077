"""A client of the YAML language server, as VS Code's YAML extension has it, over its standard input and output."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

TIMEOUT = 60  # seconds for an answer, on a machine that is busy


class LanguageServer:
    """A server with settings; documents are given as text and asked about by line and column, counted from 0."""

    def __init__(self, command: list[str], folder: Path, settings: Mapping[str, object]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._settings, self._folder, self._number, self._opened = settings, folder, 0, 0
        self._diagnostics: dict[str, list[dict[str, object]]] = {}
        root = folder.as_uri()
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": "test"}],
                "capabilities": {
                    "textDocument": {
                        "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
                        "hover": {"contentFormat": ["markdown"]},
                    },
                    "workspace": {"configuration": True, "workspaceFolders": True},
                },
            },
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": settings})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, text: str, name: str = "") -> str:
        """Open a document and return its URI."""
        self._opened += 1
        uri = (self._folder / (name or f"workflows/shop/n{self._opened}.dig")).as_uri()
        item = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return uri

    def diagnostics(self, text: str, name: str = "") -> list[tuple[int, str]]:
        """Return line and message of what is underlined in a text."""
        uri = self.open(text, name)
        while uri not in self._diagnostics:
            self._read()
        found = []
        for it in self._diagnostics[uri]:
            span = it["range"]
            assert isinstance(span, dict)
            found.append((span["start"]["line"], str(it["message"])))
        return found

    def completions(self, text: str, name: str = "") -> dict[str, dict[str, object]]:
        """Return what is offered where `|` stands, by label."""
        answer = self._at("textDocument/completion", text, name)
        items = answer["items"] if isinstance(answer, dict) else answer
        assert isinstance(items, list)
        return {str(it["label"]): it for it in items}

    def hover(self, text: str) -> str:
        """Return what is shown where `|` stands."""
        answer = self._at("textDocument/hover", text)
        return json.dumps(answer, ensure_ascii=False)

    def _at(self, method: str, text: str, name: str = "") -> object:
        before, _, after = text.partition("|")
        line = before.count("\n")
        column = len(before) - before.rfind("\n") - 1
        uri = self.open(before + after, name)
        return self.ask(method, {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}})

    def ask(self, method: str, params: object) -> object:
        """Send a request and return its answer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                assert "error" not in message, message
                return message.get("result")

    def tell(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, object]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()

    def _read(self) -> dict[str, object]:
        """Read one message; answer what the server asks, keep what it says is wrong. A server that hangs is ended."""
        watch = threading.Timer(TIMEOUT, self._process.kill)
        watch.start()
        try:
            return self._message()
        finally:
            watch.cancel()

    def _message(self) -> dict[str, object]:
        out = self._process.stdout
        assert out is not None
        length = 0
        while (line := out.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, (self._process.poll(), self._process.stderr and self._process.stderr.read())
        message = json.loads(out.read(length))
        assert isinstance(message, dict)
        if "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def _answer(self, message: dict[str, object]) -> object:
        if message["method"] != "workspace/configuration":
            return None
        params = message["params"]
        assert isinstance(params, dict)
        return [self._settings.get(str(it.get("section")), {}) for it in params["items"]]
