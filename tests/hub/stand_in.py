"""A hub in this process: the few requests of `huggingface_hub` that a push and a pull make, answered from memory."""

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import yaml


class StandIn(ThreadingHTTPServer):
    """Repositories as lists of commits, each a dict of files; what was asked for is in `log`, with its headers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories, self.log, self.authorizations = {}, [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, repository, files):
        commits = self.repositories[repository]
        commits.append((hashlib.sha1(repr(len(commits)).encode()).hexdigest(), {**commits[-1][1], **files}))
        return commits[-1][0]

    def files(self, repository, revision):
        commits = self.repositories.get(repository, [])
        if revision == "main" and commits:
            return commits[-1]
        return next((commit for commit in commits if commit[0] == revision), None)


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, content=b"", headers=()):
        body = json.dumps(content).encode() if isinstance(content, dict | list) else content
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def missing(self, code):
        self.reply(404, {"error": code}, [("X-Error-Code", code), ("X-Error-Message", code)])

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def parts(self):
        self.server.log.append(f"{self.command} {self.path}")
        self.server.authorizations.append(self.headers.get("Authorization"))
        return [unquote(part) for part in self.path.split("?")[0].strip("/").split("/")]

    def do_POST(self):
        hub, body = self.server, self.body()
        match self.parts():
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                name = f"{asked['organization']}/{asked['name']}"
                known = name in hub.repositories
                hub.repositories.setdefault(name, [("0" * 40, {})])
                self.reply(409 if known else 200, {"url": f"{hub.url}/{name}", "id": name})
            case ["api", "validate-yaml"]:
                card = yaml.safe_load(json.loads(body)["content"].split("---")[1])
                unknown = card.get("license") not in ("mit", "apache-2.0", "other")
                errors = [{"message": '"license" must be one of [...]'}] if unknown else []
                self.reply(400 if errors else 200, {"errors": errors, "warnings": []})
            case ["api", "models", _, _, "preupload", _]:
                names = [file["path"] for file in json.loads(body)["files"]]
                modes = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
                self.reply(200, {"files": modes})  # the true hub says "lfs" of bundles, and hf_xet then sends them
            case ["api", "models", owner, name, "commit", _]:
                rows = [json.loads(line) for line in body.decode().splitlines()]
                values = [row["value"] for row in rows if row["key"] == "file"]
                files = {value["path"]: base64.b64decode(value["content"]) for value in values}
                commit = hub.commit(f"{owner}/{name}", files)
                url = f"{hub.url}/{owner}/{name}/commit/{commit}"
                self.reply(200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})
            case _:
                self.missing("EntryNotFound")

    def do_GET(self):
        hub, parts = self.server, self.parts()
        match parts:
            case ["api", "models", owner, name, "revision", revision]:
                repository = f"{owner}/{name}"
                if repository not in hub.repositories:
                    return self.missing("RepoNotFound")
                found = hub.files(repository, revision)
                if found is None:
                    return self.missing("RevisionNotFound")
                siblings = [{"rfilename": file} for file in found[1]]
                return self.reply(200, {"id": repository, "sha": found[0], "siblings": siblings})
            case [owner, name, "resolve", revision, *path]:
                found = hub.files(f"{owner}/{name}", revision)
                content = found[1].get("/".join(path)) if found else None
                if content is None:
                    return self.missing("EntryNotFound")
                tag = f'"{hashlib.sha256(content).hexdigest()}"'
                return self.reply(200, content, [("ETag", tag), ("X-Repo-Commit", found[0])])
        return self.missing("EntryNotFound")

    do_HEAD = do_GET


@contextmanager
def standing_in():
    with StandIn() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
