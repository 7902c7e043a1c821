"""Writes the eight pictures of the shop beside this file: small valid PNGs of about 8 KB, the same for the same seed.

They are committed, because another zlib may compress to other bytes and conformance.yaml knows their SHA-256.
"""

import pathlib
import random
import struct
import zlib

SIDE = 54  # pixels
NOISE = 12  # levels; what makes the picture as large as a photograph of its size


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(number: int) -> bytes:
    """A gradient in a colour of its own, with noise."""
    noise = random.Random(number)
    colour = [noise.randrange(60, 200) for _ in range(3)]
    rows = bytearray()
    for y in range(SIDE):
        rows.append(0)  # the row's filter: none
        for x in range(SIDE):
            rows += bytes(min(255, level * (x + y) // SIDE + noise.randrange(NOISE)) for level in colour)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    data = zlib.compress(bytes(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


if __name__ == "__main__":
    for number in range(8):
        pathlib.Path(__file__).with_name(f"{number}.png").write_bytes(picture(number))
