"""What a long check has done so far, in a JSON file that a person can read; killed, it goes on from there."""

import json
import sys
import time
from pathlib import Path
from typing import Any


class State:
    """Counts under names; `save` replaces the file, and prints one line where `say` is given."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """Go on from `path`, which must have been made with the same settings."""
        self.path = path
        self.values: dict[str, Any] = {"settings": settings, "done": 0, "seconds": 0.0, "counts": {}, "faults": []}
        if path.exists():
            self.values = json.loads(path.read_text(encoding="utf-8"))
        if self.values["settings"] != settings:
            sys.exit(f"{path} was made with {self.values['settings']}, not {settings}; name another --state")
        self._since = time.monotonic()

    @property
    def done(self) -> int:
        return int(self.values["done"])

    @property
    def faults(self) -> list[dict[str, Any]]:
        faults: list[dict[str, Any]] = self.values["faults"]
        return faults

    def add(self, counts: dict[str, float]) -> None:
        for name, count in counts.items():
            self.values["counts"][name] = self.values["counts"].get(name, 0) + count

    def save(self, done: int, say: str = "") -> None:
        now = time.monotonic()
        self.values["done"] = done
        self.values["seconds"] = round(self.values["seconds"] + now - self._since, 1)
        self._since = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(self.values, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(self.path)
        if say:
            print(f"{time.strftime('%H:%M:%S')} {say}", flush=True)
