"""A small hub on loopback, as far as the real `huggingface_hub` client asks it, which can break off."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "hf_of_the_tests"
_API = re.compile(r"/api/(models|datasets)/([\w.-]+/[\w.-]+)(?:/(\w+)/([^/?]+))?")
_FILE = re.compile(r"/(datasets/)?([\w.-]+/[\w.-]+)/resolve/([^/]+)/([^?]+)")

Files = dict[str, bytes]


@dataclass
class Repository:
    revisions: dict[str, Files] = field(default_factory=dict)
    """Branch, tag or commit -> its files."""
    is_private: bool = False

    def commit_of(self, revision: str) -> str:
        return hashlib.sha1(repr(sorted(self.revisions[revision].items())).encode()).hexdigest()

    def files(self, revision: str) -> Files | None:
        commits = {self.commit_of(name): files for name, files in self.revisions.items()}
        return self.revisions.get(revision, commits.get(revision))


@dataclass
class Hub:
    address: str
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    """(`models` or `datasets`, id)."""
    log: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path in the repository or of the API, Range) of every request."""
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """File -> after how many bytes each of the next answers breaks off."""
    broken_commits: int = 0
    """How many of the next uploads find the line cut."""
    commits: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, repo_id: str, folder: Path, revision: str = "main", **options: Any) -> None:
        files = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        repository = self.repositories.setdefault((kind, repo_id), Repository(**options))
        repository.revisions[revision] = files

    def asked_for(self, part: str = "", method: str = "GET") -> list[str]:
        """Files that were sent, in order."""
        return [path for verb, path, _ in self.log if verb == method and "/api/" not in path and part in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *arguments: Any) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.hub.log.append(("POST", self.path, ""))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(401, "Invalid username or password.")
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        found = _API.match(self.path)
        assert found is not None, self.path
        kind, repo_id, what, revision = found.groups()
        repository = self.hub.repositories[kind, repo_id]
        if what == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for file in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        if what == "tag":
            repository.revisions[json.loads(body)["tag"]] = dict(repository.revisions[revision])
            return self._json({})
        return self._commit(repository, f"{'datasets/' * (kind == 'datasets')}{repo_id}", revision, body)

    def _create(self, asked: dict[str, Any]) -> None:
        kind = f"{asked.get('type', 'model')}s"
        repo_id = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        new = Repository({"main": {}}, asked.get("private", asked.get("visibility") == "private"))
        self.hub.repositories.setdefault((kind, repo_id), new)
        self._json({"url": f"{self.hub.address}/{repo_id}", "name": repo_id})

    def _commit(self, repository: Repository, place: str, revision: str, body: bytes) -> None:
        if self.hub.broken_commits:
            self.hub.broken_commits -= 1
            return self._hang_up()
        lines = [json.loads(line) for line in body.splitlines()]
        self.hub.commits += [line["value"] for line in lines if line["key"] == "header"]
        for line in lines:
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                repository.revisions[revision][line["value"]["path"]] = content
        commit = repository.commit_of(revision)
        return self._json({"commitUrl": f"{self.hub.address}/{place}/commit/{commit}", "commitOid": commit})

    def _answer(self) -> None:
        api, file = _API.match(self.path), _FILE.match(self.path)
        if api is not None:
            kind, repo_id, what, revision = api.groups()
            self.hub.log.append((self.command, self.path, ""))
        elif file is not None:
            kind, repo_id, revision = "datasets" if file[1] else "models", file[2], file[3]
            self.hub.log.append((self.command, file[4], self.headers.get("Range", "")))
        else:
            return self._error(404, "Not found")
        repository = self.hub.repositories.get((kind, repo_id))
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.is_private and not allowed):
            return self._error(401, "Repository not found", "RepoNotFound")
        files = repository.files(revision or "main")
        if files is None:
            return self._error(404, "Revision not found", "RevisionNotFound")
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        if file is not None:
            return self._file(files, file[4], commit)
        return self._json(
            _tree(files) if what == "tree" else {"id": repo_id, "sha": commit, **_siblings(files)}
        )

    def _file(self, files: Files, path: str, commit: str) -> None:
        if path not in files:
            return self._error(404, "Entry not found", "EntryNotFound")
        content, start = files[path], 0
        if (asked := self.headers.get("Range")) is not None:
            start = int(asked.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return None
        cuts = self.hub.cuts.get(path)
        if cuts:
            self.wfile.write(content[start : start + cuts.pop(0)])
            return self._hang_up()
        self.wfile.write(content[start:])
        return None

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def _json(self, data: Any) -> None:
        text = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _error(self, status: int, message: str, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("X-Error-Message", message)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _tree(files: Files) -> list[dict[str, Any]]:
    return [
        {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        for path, content in files.items()
    ]


def _siblings(files: Files) -> dict[str, Any]:
    return {"siblings": [{"rfilename": path} for path in files], "private": False, "tags": []}


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub with nothing on it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"hub": hub})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
