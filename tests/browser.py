"""Chromium driven by its debugging pipe: pages are opened, asked and typed into; what a script says wrong is kept."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 240.0  # on a machine that does other things too
OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)


class Browser:
    """A browser with one page and no network but files; close it."""

    def __init__(self, profile: Path) -> None:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        if path is None:
            pytest.skip("needs Chromium")
        (read, self._to), (self._from, write) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read, write)]
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []

        def wire() -> None:  # the browser reads at 3 and writes at 4
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [path, *OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=wire,  # noqa: PLW1509  no threads here
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (read, write, *high):
            os.close(end)
        self.complaints: list[str] = []
        self._number, self._left, self._session = 0, b"", None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(LIMIT_S)
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol answers; events that come before are looked at."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def value(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"]
        return result.get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true."""
        deadline = time.monotonic() + LIMIT_S
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.05)

    def open(self, path: Path, ready: str) -> None:
        """Load a file and wait until an expression is true; then there is no network."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait(ready)
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def type(self, name: str, text: str) -> None:
        """Put text into a field, as typing does."""
        field = f"document.getElementById({json.dumps(name)})"
        self.value(f"{field}.value = {json.dumps(text)}; {field}.dispatchEvent(new Event('input'))")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has ended"
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(event["params"]["exceptionDetails"])[:300])
        if event.get("method") in {"Runtime.consoleAPICalled", "Log.entryAdded"}:
            self.complaints.append(str(event["params"])[:300])
