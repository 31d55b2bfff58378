"""A hub on the loopback that speaks as much of Hugging Face's as its client asks for."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

Files = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """Repositories by name, each a list of commits, and who may write."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits: dict[str, list[Files]] = {}
        self.private: set[str] = set()
        self.token = "hf_right"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def running() -> Iterator[Hub]:
    """A hub for as long as the context lasts."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


@contextlib.contextmanager
def reached(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Hub]:
    """A hub that Hugging Face's client takes for its own, with a login that may write."""
    client = pytest.importorskip("huggingface_hub.constants", reason="needs the extra hub")
    with running() as hub:
        pages = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(client, "ENDPOINT", hub.url)
        monkeypatch.setattr(client, "HUGGINGFACE_CO_URL_TEMPLATE", pages)
        monkeypatch.setattr(client, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(client, "HF_HUB_CACHE", str(cache))
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


def oid(number: int) -> str:
    """The name of a commit."""
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer({"error": "Invalid username or password."}, 401)
            return
        words = urlsplit(self.path).path.strip("/").split("/")
        if words == ["api", "repos", "create"]:
            given = json.loads(body)
            name = f"{given['organization']}/{given['name']}"
            self.server.commits.setdefault(name, [{".gitattributes": b"* text\n"}])
            if given.get("private") or given.get("visibility") == "private":
                self.server.private.add(name)
            self.answer({"url": f"{self.server.url}/{name}"})
            return
        if words == ["api", "validate-yaml"]:
            self.answer({"errors": [], "warnings": []})
            return
        name, what = "/".join(words[2:4]), words[4]
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self.answer({"files": files})
        else:
            self.answer(self.commit(name, body))

    def commit(self, name: str, body: bytes) -> Any:  # noqa: ANN401
        commits = self.server.commits[name]
        files = dict(commits[-1])
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del files[line["value"]["path"]]
        commits.append(files)
        sha = oid(len(commits))
        url = f"{self.server.url}/{name}/commit/{sha}"
        return {"success": True, "commitOid": sha, "commitUrl": url}

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        words = unquote(urlsplit(self.path).path).strip("/").split("/")
        if words[:2] == ["api", "models"]:
            self.facts("/".join(words[2:4]), words[4:])
        elif "resolve" in words:
            at = words.index("resolve")
            files, sha = self.at("/".join(words[:at]), words[at + 1])
            data = files["/".join(words[at + 2 :])]
            self.send(data, 200, {"X-Repo-Commit": sha, "ETag": f'"{oid(hash(data))}"'})
        else:
            self.answer({"error": "Entry not found"}, 404)

    def facts(self, name: str, rest: list[str]) -> None:
        if name not in self.server.commits:
            self.send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})
            return
        files, sha = self.at(name, rest[1] if len(rest) > 1 else "main")
        if rest[:1] == ["tree"]:
            self.answer(
                [
                    {"type": "file", "path": path, "size": len(data), "oid": oid(hash(data))}
                    for path, data in files.items()
                ]
            )
            return
        siblings = [{"rfilename": path} for path in files]
        self.answer({"id": name, "sha": sha, "siblings": siblings, "private": False, "tags": []})

    def at(self, name: str, revision: str) -> tuple[Files, str]:
        commits = self.server.commits[name]
        names = {oid(i + 1): i for i in range(len(commits))}
        number = names.get(revision, len(commits) - 1)
        return commits[number], oid(number + 1)

    def answer(self, value: Any, code: int = 200) -> None:  # noqa: ANN401
        self.send(json.dumps(value).encode(), code, {"Content-Type": "application/json"})

    def send(self, data: bytes, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
