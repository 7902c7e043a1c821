"""permessage-deflate on Python's zlib, and what the Autobahn suite's chapters 12 and 13 send with it.

The suite's sizes, fragments, offers and answers are all here; its files are made up, each of the kind it has.
"""

import functools
import itertools
import json
import math
import random
import zlib
from collections.abc import Iterator
from typing import NamedTuple

# (size of a message, in characters where it is text; bytes in a fragment of it once compressed, 0: all in one)
SIZES = [
    *((size, 0) for size in (16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072)),
    *((size, 256) for size in (8192, 16_384, 32_768, 65_536, 131_072)),
    (131_072, 1024), (131_072, 4096), (131_072, 32_768),
]

# Chapter 13's, which asks for what may be asked of a server in every way; chapter 12's is the first.
SUITE_CAN = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
SUITE_OFFERS = [
    SUITE_CAN,
    SUITE_CAN + "; server_no_context_takeover",
    SUITE_CAN + "; server_max_window_bits=9",
    SUITE_CAN + "; server_max_window_bits=15",
    SUITE_CAN + "; server_no_context_takeover; server_max_window_bits=9",
    SUITE_CAN + "; server_no_context_takeover; server_max_window_bits=15",
    f"{SUITE_CAN}; server_no_context_takeover; server_max_window_bits=9, {SUITE_CAN}; server_no_context_takeover, "
    + SUITE_CAN,
]
# The suite always says that it keeps no context itself; these clients do, and one of them in a small window.
MORE_OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
]

# What the suite's server asks of the client in chapter 13: (no context kept, window or 0).
SUITE_ANSWERS = [(False, 0), (True, 0), (False, 9), (False, 15), (True, 9), (True, 15), (True, 9)]


def parameters(extension: str) -> dict[str, str]:
    """Of one extension, by name; "" where there is no value."""
    _, *given = extension.split(";")
    return {name.strip(): value.strip() for name, _, value in (each.partition("=") for each in given)}


def answer(offered: str, no_takeover: bool, bits: int) -> str:
    """A server's that keeps to the offer, and asks that of the client."""
    chosen = "permessage-deflate"
    given = parameters(offered.split(",")[0])
    if "server_no_context_takeover" in given:
        chosen += "; server_no_context_takeover"
    if "server_max_window_bits" in given:
        chosen += "; server_max_window_bits=" + given["server_max_window_bits"]
    if no_takeover:
        chosen += "; client_no_context_takeover"
    if bits and "client_max_window_bits" in given:
        chosen += f"; client_max_window_bits={bits}"
    return chosen


class Direction:
    """What one side sends, as the two have agreed on it: `side` is "client" or "server". One object for packing, and
    another, at the other end, for unpacking."""

    def __init__(self, agreed: dict[str, str], side: str):
        self.window = int(agreed.get(side + "_max_window_bits", "15"))
        self.kept = side + "_no_context_takeover" not in agreed
        self.pack = self.unpack = None

    def packed(self, payload: bytes) -> bytes:
        if self.pack is None or not self.kept:
            self.pack = zlib.compressobj(wbits=-self.window)
        return (self.pack.compress(payload) + self.pack.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")

    def unpacked(self, payload: bytes) -> bytes:
        """Fails where it refers to a message before, or further back, than agreed on."""
        if self.unpack is None or not self.kept:
            self.unpack = zlib.decompressobj(wbits=-self.window)
        pieces, packed = [], payload + b"\x00\x00\xff\xff"
        while packed:  # in small ones: zlib lets a reference reach back over all that one call puts out
            pieces.append(self.unpack.decompress(packed, 1 << self.window))
            packed = self.unpack.unconsumed_tail
        return b"".join(pieces)


class Data(NamedTuple):
    content: str | bytes

    def messages(self, size: int) -> Iterator[bytes]:
        """Pieces of this size, one behind the other, round and round."""
        for at in itertools.count(0, size):
            start = at % len(self.content)
            piece = self.content[start : start + size]
            piece += self.content[: size - len(piece)]
            yield piece.encode() if isinstance(piece, str) else piece

    def is_text(self) -> bool:
        return isinstance(self.content, str)


WORDS = "ein Dienst, der mit Würde langsamer wird, wirft Last ab, bevor sie über ihm zusammenbricht: κόσμε".split()


def prose(rng: random.Random) -> str:
    return "\n".join(" ".join(rng.choices(WORDS, k=9)) for _ in range(3000))


def records(rng: random.Random) -> str:
    return json.dumps(
        [{"id": at, "name": rng.choice(WORDS), "price": rng.randrange(10_000) / 100, "tags": rng.choices(WORDS, k=3)}
         for at in range(2000)],
        ensure_ascii=False,
    )


def markup(rng: random.Random) -> str:
    rows = (f'<tr class="row"><td>{at}</td><td>{rng.choice(WORDS)}</td><td>{rng.randrange(10**6)}</td></tr>'
            for at in range(3000))
    return "<!doctype html>\n<table>\n" + "\n".join(rows) + "\n</table>\n"


def picture(rng: random.Random) -> bytes:
    """512 times 512 shades of grey, with a little noise."""
    rows, columns = ([math.sin(at / scale) for at in range(512)] for scale in (45, 60))
    return bytes(int(100 + 80 * row * column) + rng.randrange(6) for row in rows for column in columns)


def document(rng: random.Random) -> bytes:
    """Streams that are packed already, and what is written between them."""
    head = b"%d 0 obj\n<< /Length 3000 /Filter /FlateDecode >>\nstream\n"
    return b"".join(head % at + rng.randbytes(3000) + b"\nendstream\nendobj\n" for at in range(80))


@functools.cache
def all_data() -> list[Data]:
    """In the order of chapter 12's sections; chapter 13 has the first alone. Its prose is binary in the suite, too."""
    rng = random.Random(1)
    return [Data(records(rng)), Data(picture(rng)), Data(prose(rng).encode()), Data(markup(rng)), Data(document(rng))]
