"""Zip files as bundles are, packed by hand: quick, and able to lie in every field of a header."""

import hashlib
import json
import random
import struct
import zlib
from collections.abc import Mapping
from typing import Any

Members = dict[str, bytes]
LOCAL, ENTRY, END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
WEIGHTS = "weights.bin"


def packed(members: Mapping[str, bytes], rng: random.Random | None = None) -> bytes:
    """An archive of the members; with `rng`, one number of one header may be another one."""
    stream, directory = bytearray(), bytearray()
    lie = rng.choice([*members, *[""] * 9]) if rng else ""
    for name, content in members.items():
        deflated = name == "MODEL_CARD.md" or (len(content) > 100_000 and name != WEIGHTS)
        data = raw_deflated(content) if deflated else content
        padding = -(len(stream) + 34 + len(name)) % 16
        extra = struct.pack("<2H", 0xD935, padding) + bytes(padding)
        sizes = [0, 8 * deflated, 0, 0, zlib.crc32(content), len(data), len(content), len(name)]
        local, entry = [b"PK\3\4", 20, *sizes, len(extra)], [b"PK\1\2", 20, 20, *sizes, 0, 0, 0, 0, 0, len(stream)]
        if rng and name == lie:
            tampered(rng.choice([local, entry]), rng)
        stream += struct.pack(LOCAL, *local) + name.encode("utf-8", "surrogatepass") + extra + data
        directory += struct.pack(ENTRY, *entry) + name.encode("utf-8", "surrogatepass")
    end = [b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(stream), 0]
    if rng and not rng.randrange(20):
        tampered(end, rng)
    return bytes(stream + directory + struct.pack(END, *end))


def raw_deflated(content: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def tampered(fields: list[Any], rng: random.Random) -> None:
    """Give one field of a header a number that it should not have."""
    index = rng.randrange(1, len(fields))
    fields[index] = rng.choice([0, 1, 8, 9, 0x7FFF, 0xFFFF, fields[index] ^ 1 << rng.randrange(16)]) & 0xFFFF


def hashed(manifest: dict[str, Any], members: Mapping[str, bytes]) -> Members:
    """The members with a manifest whose sizes and hashes are theirs, so that no hash stops a reader early."""
    table = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
        if name != "manifest.json"
    }
    text = json.dumps({**manifest, "members": table}).encode("utf-8", "surrogatepass")
    return {**members, "manifest.json": text}
