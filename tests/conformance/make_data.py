#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""Writes small files for the data sets that read some, each with a configuration for ttfm-conformance.

Usage: make_data.py FOLDER
"""

import json
import struct
import sys
import zlib
from pathlib import Path


def byte(i: int) -> int:
    return (i * 37 + 11) % 256


def pixels(count: int) -> bytes:
    return bytes(byte(i) for i in range(count))


def png(width: int, height: int, seed: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(byte(seed + i) for i in range(3 * width)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def idx(folder: Path) -> dict:
    for name, count in (("train", 40), ("t10k", 12)):
        images = struct.pack(">IIII", 0x803, count, 6, 5) + pixels(count * 30)
        labels = struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)
    return {"folder": folder.name, "validation": 8}


def cifar10(folder: Path) -> dict:
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        records = b"".join(bytes([i % 10]) + pixels(3072) for i in range(4))
        (folder / f"{name}.bin").write_bytes(records)
    return {"folder": folder.name, "validation": 4, "flip": True}


def image_folder(folder: Path) -> dict:
    for label in ("cats", "dogs"):
        (folder / label).mkdir(exist_ok=True)
        for i in range(8):
            (folder / label / f"{i}.png").write_bytes(png(9 + i, 8, 40 * i + len(label)))
    return {"folder": folder.name, "size": 8, "flip": True, "validation": 0.3}


def tensor(folder: Path) -> dict:
    x, label = pixels(20 * 3 * 4 * 4), struct.pack("<20q", *(i % 3 for i in range(20)))
    header = json.dumps({"x": {"dtype": "U8", "shape": [20, 3, 4, 4], "data_offsets": [0, len(x)]},
                         "label": {"dtype": "I64", "shape": [20], "data_offsets": [len(x), len(x) + len(label)]}})
    header += " " * (-len(header) % 8)
    (folder / "data.safetensors").write_bytes(struct.pack("<Q", len(header)) + header.encode() + x + label)
    return {"file": f"{folder.name}/data.safetensors"}


def main() -> int:
    out = Path(sys.argv[1])
    for write in (idx, cifar10, image_folder, tensor):
        folder = out / write.__name__
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"type": write.__name__, **write(folder)}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        (out / f"{write.__name__}.toml").write_text("[dataset]\n" + lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
