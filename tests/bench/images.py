# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""Files of random images, in the formats that ttfm's data sets read."""

import json
import os
import struct
import zlib


def write_tensor(file, count, shape):
    """A safetensors file with `x`, uint8."""
    values = os.urandom(count * shape[0] * shape[1] * shape[2])
    header = json.dumps({"x": {"dtype": "U8", "shape": [count, *shape], "data_offsets": [0, len(values)]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + values)


def write_idx(folder, count, side=28):
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(
        struct.pack(">4I", 0x803, count, side, side) + os.urandom(count * side**2))
    (folder / "train-labels-idx1-ubyte").write_bytes(
        struct.pack(">2I", 0x801, count) + bytes(i % 10 for i in range(count)))


def write_cifar10(folder, count):
    folder.mkdir()
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        records = (bytes([i % 10]) + os.urandom(3 * 32**2) for i in range(count // 5))
        (folder / f"{name}.bin").write_bytes(b"".join(records))


def png(pixels, width, height):
    """8 bits for each of red, green and blue, row by row."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b""))


def write_png(folder, count, side=32):
    folder.mkdir()
    for i in range(count):
        (folder / f"{i:05}.png").write_bytes(png(os.urandom(3 * side**2), side, side))


WRITERS = {"tensor.safetensors": lambda file, count: write_tensor(file, count, (3, 32, 32)), "idx": write_idx,
           "cifar10": write_cifar10, "png": write_png}
