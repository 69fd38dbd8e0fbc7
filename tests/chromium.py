"""A headless Chromium driven over a pipe, so that a page can be clicked and typed into; no network, no library."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATH = next((path for name in BROWSERS if (path := shutil.which(name))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(PATH is None, reason="no Chromium here")
OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe", "--window-size=1280,900"),
)
LONGEST_S = 240  # on a machine that does other things too


class Chromium:
    """One page in one browser; `complaints` are errors of scripts and what the console says."""

    def __init__(self, profile: Path) -> None:
        assert PATH
        (read, self._to), (self._from, write) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read, write)]
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []

        def wire() -> None:  # the browser reads at 3 and writes at 4
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [PATH, *OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=wire,  # noqa: PLW1509  no threads here
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (read, write, *high):
            os.close(end)
        self._buffer, self._number, self._session = b"", 0, None
        self.complaints: list[str] = []
        self._loaded = False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(LONGEST_S)
        os.close(self._to)
        os.close(self._from)

    def ask(self, method: str, **parameters):
        """Send one command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number = self._number
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        deadline = time.monotonic() + LONGEST_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], deadline - time.monotonic())
            assert ready, "Chromium does not answer"
            self._buffer += os.read(self._from, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        if message.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}:
            self.complaints.append(json.dumps(message["params"]))
        self._loaded |= message.get("method") == "Page.loadEventFired"
        return message

    def open(self, path: Path) -> None:
        """Show a file, and wait until it is loaded."""
        self._loaded = False
        self.ask("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._next()

    def value(self, expression: str):
        """What an expression of JavaScript is."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true."""
        deadline = time.monotonic() + LONGEST_S
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.05)

    def go_offline(self) -> None:
        """Take the network away from what is open."""
        rates = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.ask("Network.emulateNetworkConditions", offline=True, **rates)

    def fill(self, name: str, text: str) -> None:
        """Put text into a field, as pasting does."""
        field = f"document.getElementById({json.dumps(name)})"
        self.value(f"{field}.value = {json.dumps(text)}; {field}.dispatchEvent(new Event('input')); null")

    def press(self, key: str, text: str = "") -> None:
        """Press one key, as a keyboard does."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        shared = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key.upper()[0]))}
        self.ask(
            "Input.dispatchKeyEvent", type="keyDown", text=text or {"Enter": "\r", "Tab": ""}.get(key, key), **shared
        )
        self.ask("Input.dispatchKeyEvent", type="keyUp", **shared)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        for character in text:
            self.press(character)

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])
