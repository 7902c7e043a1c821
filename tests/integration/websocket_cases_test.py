"""The cases of the Autobahn suite, chapters 1 to 7, 9 and 10, and 12 and 13 in small, sent as raw frames to our server.

Chapters and sections are the suite's. A case is what is sent, and what must come back before the connection is closed:
by us in good order, or by the server with the code of what was wrong.
"""

import random
import struct
import unittest
import zlib
from typing import NamedTuple

from service import Service
from websocket_frames import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame, Peer, close_frame, encoded, fragments,
)
from websocket_support import BeforeOurServer

PROTOCOL, NOT_UTF8, TOO_LARGE = 1002, 1007, 1009
GREEK = "κόσμε".encode()
FRAGMENTED = [Frame(TEXT, b"fragment1", fin=False), Frame(CONTINUATION, b"fragment2")]
JOINED = Frame(TEXT, b"fragment1fragment2")


class Case(NamedTuple):
    number: str
    sent: list[Frame]
    answers: list[Frame] = []
    refused: int = 0  # with this code; 0: it goes on until we close
    chop: int = 0  # bytes of a piece, all at once: 0


def echoes(number: str, frame: Frame, **more) -> Case:
    return Case(number, [frame], [frame], **more)


def chapter_1() -> list[Case]:
    sizes = [0, 125, 126, 127, 128, 65_535, 65_536]
    cases = []
    for section, opcode, byte in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        cases += [echoes(f"1.{section}.{at}", Frame(opcode, byte * size)) for at, size in enumerate(sizes, 1)]
        cases.append(echoes(f"1.{section}.8", Frame(opcode, byte * 65_536), chop=997))
    return cases


def chapter_2() -> list[Case]:
    def pinged(number: str, *payloads: bytes, chop: int = 0) -> Case:
        pings, pongs = ([Frame(opcode, each) for each in payloads] for opcode in (PING, PONG))
        return Case(number, pings, pongs, chop=chop)

    ten = [b"payload-%d" % at for at in range(10)]
    return [
        pinged("2.1", b""), pinged("2.2", b"Hello, world!"), pinged("2.3", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
        pinged("2.4", b"\xfe" * 125), Case("2.5", [Frame(PING, b"\xfe" * 126)], refused=PROTOCOL),
        pinged("2.6", b"\xfe" * 125, chop=1), Case("2.7", [Frame(PONG, b"")]),
        Case("2.8", [Frame(PONG, b"unsolicited pong payload")]),
        Case("2.9", [Frame(PONG, b"unsolicited"), Frame(PING, b"ping")], [Frame(PONG, b"ping")]),
        pinged("2.10", *ten), pinged("2.11", *ten, chop=1),
    ]


def chapter_3() -> list[Case]:
    text, ping = Frame(TEXT, b"Hello, world!"), Frame(PING, b"")
    cases = []
    for rsv in range(1, 8):
        bad = Frame((TEXT, TEXT, TEXT, TEXT, BINARY, PING, CLOSE)[rsv - 1], b"*" * 5, rsv=rsv << 4)
        alone = rsv in (1, 5, 6, 7)
        cases.append(Case(f"3.{rsv}", [bad] if alone else [text, bad, ping], [] if alone else [text], PROTOCOL,
                          1 if rsv == 4 else 0))
    return cases


def chapter_4() -> list[Case]:
    text = Frame(TEXT, b"Hello, world!")
    cases = []
    for section, first in ((1, 3), (2, 11)):
        for at in range(5):
            bad = Frame(first + at, b"reserved opcode payload" if at in (1, 3) else b"")
            alone = at < 2
            cases.append(Case(f"4.{section}.{at + 1}", [bad] if alone else [text, bad, Frame(PING, b"")],
                              [] if alone else [text], PROTOCOL, 1 if at == 4 else 0))
    return cases


def chapter_5() -> list[Case]:
    ping, pong = Frame(PING, b"ping"), Frame(PONG, b"ping")
    between = [FRAGMENTED[0], ping, FRAGMENTED[1]]
    five = fragments(TEXT, [b"fragment%d" % at for at in range(1, 6)])
    cases = [
        Case("5.1", [Frame(PING, b"a", fin=False), Frame(CONTINUATION, b"b")], refused=PROTOCOL),
        Case("5.2", [Frame(PONG, b"a", fin=False), Frame(CONTINUATION, b"b")], refused=PROTOCOL),
        Case("5.18", [FRAGMENTED[0], Frame(TEXT, b"fragment2")], refused=PROTOCOL),
        Case("5.15", [*FRAGMENTED, Frame(CONTINUATION, b"3", fin=False), Frame(TEXT, b"4")], [JOINED], PROTOCOL),
    ]
    for at, chop in enumerate((0, 15, 1)):  # at once, a frame in a piece, a byte in a piece
        cases += [Case(f"5.{3 + at}", FRAGMENTED, [JOINED], chop=chop),
                  Case(f"5.{6 + at}", between, [pong, JOINED], chop=chop)]
    for number, (fin, chop) in enumerate(((True, 0), (True, 20), (True, 1), (False, 0), (False, 20), (False, 1)), 9):
        nothing_to_continue = [Frame(CONTINUATION, b"non-continuation", fin), Frame(TEXT, b"Hello, world!")]
        cases.append(Case(f"5.{number}", nothing_to_continue, refused=PROTOCOL, chop=chop))
    for number, fin in ((16, False), (17, True)):
        once = [Frame(CONTINUATION, b"fragment1", fin), Frame(TEXT, b"fragment2", False), Frame(CONTINUATION, b"3")]
        cases.append(Case(f"5.{number}", once * 2, refused=PROTOCOL))
    for number, chop in ((19, 0), (20, 1)):
        sent = [*five[:2], Frame(PING, b"first"), *five[2:4], Frame(PING, b"second"), five[4]]
        joined = Frame(TEXT, b"".join(frame.payload for frame in five))
        cases.append(Case(f"5.{number}", sent, [Frame(PONG, b"first"), Frame(PONG, b"second"), joined], chop=chop))
    return cases


# Chapter 6: what is UTF-8, and what is not; {section: payloads}.
VALID = {
    "6.5": [b"", GREEK[:2], GREEK[:4], GREEK[:6], GREEK],
    "6.7": [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    "6.9": [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    "6.11": [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"],
    # Non-characters: U+FFFE and U+FFFF of each plane.
    "6.22": [chr(plane << 16 | last).encode() for plane in range(17) for last in (0xFFFE, 0xFFFF)],
    "6.23": [chr(each).encode() for each in range(0xFFF9, 0x10000)],
}
INVALID = {
    "6.3": [GREEK + b"\xed\xa0\x80" + b"edited"],
    "6.6": [GREEK[:1], GREEK[:3], GREEK[:5], GREEK[:-1] + b"x"],
    "6.8": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    "6.10": [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    "6.11b": [b"\xf4\x90\x80\x80"],
    "6.12": [b"\x80", b"\xbf", *(b"\x80\xbf" * n for n in range(1, 4)), b"\x80\xbf\x80", bytes(range(0x80, 0xC0))],
    "6.13": [b" ".join(bytes([first]) for first in firsts) + b" "
             for firsts in (range(0xC0, 0xE0), range(0xE0, 0xF0), range(0xF0, 0xF8), range(0xF8, 0xFC), (0xFC, 0xFD))],
    "6.14": [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80", b"\xdf", b"\xef\xbf",
             b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"],
    "6.15": [b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"],
    "6.16": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    "6.17": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    "6.18": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    "6.19": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"],
    "6.20": [b"\xed" + bytes([second, 0x80 if second % 2 == 0 else 0xBF])
             for second in (0xA0, 0xAD, 0xAE, 0xAF, 0xB0, 0xBE, 0xBF)],
    "6.21": [b"\xed" + high + b"\xed" + low for high in (b"\xa0\x80", b"\xad\xbf", b"\xae\x80", b"\xaf\xbf")
             for low in (b"\xb0\x80", b"\xbf\xbf")],
}


def chapter_6() -> list[Case]:
    whole = Frame(TEXT, "Hello-µ@ßöäüàá-UTF-8!!".encode())
    singly = [whole.payload[at : at + 1] for at in range(len(whole.payload))]
    cases = [
        echoes("6.1.1", Frame(TEXT, b"")),
        Case("6.1.2", fragments(TEXT, [b"", b"", b""]), [Frame(TEXT, b"")]),
        Case("6.1.3", fragments(TEXT, [b"", b"middle frame payload", b""]), [Frame(TEXT, b"middle frame payload")]),
        echoes("6.2.1", whole),
        Case("6.2.2", fragments(TEXT, [whole.payload[:12], whole.payload[12:]]), [whole]),
        Case("6.2.3", fragments(TEXT, singly), [whole]),
        Case("6.2.4", fragments(TEXT, [GREEK[at : at + 1] for at in range(len(GREEK))]), [Frame(TEXT, GREEK)]),
        Case("6.3.2", fragments(TEXT, [bytes([each]) for each in GREEK + b"\xed\xa0\x80edited"]), refused=NOT_UTF8),
        # Refused before the message is complete: nothing of the rest is ever sent.
        Case("6.4.1", [Frame(TEXT, GREEK, False), Frame(CONTINUATION, b"\xf4\x90\x80\x80", False)], refused=NOT_UTF8),
        Case("6.4.2", [Frame(TEXT, GREEK + b"\xf4", False), Frame(CONTINUATION, b"\x90", False)], refused=NOT_UTF8),
    ]
    for section, payloads in VALID.items():
        cases += [echoes(f"{section}.{at}", Frame(TEXT, payload)) for at, payload in enumerate(payloads, 1)]
    for section, payloads in INVALID.items():
        cases += [Case(f"{section}.{at}", [Frame(TEXT, each)], refused=NOT_UTF8) for at, each in enumerate(payloads, 1)]
    return cases


class Closing(NamedTuple):
    number: str
    sent: list[Frame]
    answers: list[Frame]  # the last is the server's Close


def chapter_7() -> list[Closing]:
    text, bye = Frame(TEXT, b"Hello World!"), close_frame(1000)
    large = Frame(TEXT, b"BAsd7&jh23" * 26_214)
    good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    bad = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535]
    protocol = close_frame(PROTOCOL)
    cases = [
        Closing("7.1.1", [text, bye], [text, bye]), Closing("7.1.2", [bye, bye], [bye]),
        Closing("7.1.3", [bye, Frame(PING, b"")], [bye]), Closing("7.1.4", [bye, text], [bye]),
        Closing("7.1.5", [FRAGMENTED[0], bye, FRAGMENTED[1]], [bye]),
        Closing("7.1.6", [large, text, bye, Frame(PING, b"")], [large, text, bye]),
        Closing("7.3.1", [Frame(CLOSE, b"")], [Frame(CLOSE, b"")]), Closing("7.3.2", [Frame(CLOSE, b"a")], [protocol]),
        Closing("7.3.3", [bye], [bye]), Closing("7.3.4", [close_frame(1000, b"Hello World!")], [bye]),
        Closing("7.3.5", [close_frame(1000, b"*" * 123)], [bye]),
        Closing("7.3.6", [close_frame(1000, b"*" * 124)], [protocol]),
        Closing("7.5.1", [close_frame(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")], [close_frame(NOT_UTF8)]),
    ]
    cases += [Closing(f"7.7.{at}", [close_frame(code)], [close_frame(code)]) for at, code in enumerate(good, 1)]
    return cases + [Closing(f"7.9.{at}", [close_frame(code)], [protocol]) for at, code in enumerate(bad, 1)]


def said(frame: Frame) -> tuple:
    """What counts of an answer; of a Close its code alone, since its reason is free text."""
    if frame.opcode == CLOSE:
        return CLOSE, frame.payload[:2]
    return frame.opcode, frame.payload


class Cases(BeforeOurServer):
    def run_case(self, path: str, case: Case):
        with self.subTest(case.number, path=path), Peer(self.service.port, path) as peer:
            peer.send(*case.sent, chop=case.chop)
            for expected in case.answers:
                self.assertEqual(said(peer.message()), said(expected))
            if not case.refused:
                peer.send(close_frame(1000))
            self.assertEqual(said(peer.message()), said(close_frame(case.refused or 1000)))
            self.assertTrue(peer.ends())

    def test_messages_pings_bits_opcodes_fragments_and_utf8(self):
        cases = [*chapter_1(), *chapter_2(), *chapter_3(), *chapter_4(), *chapter_5(), *chapter_6()]
        self.assertEqual(len({case.number for case in cases}), len(cases))
        for case in cases:
            self.run_case("/plain", case)
        for case in chapter_5() + chapter_1():  # an extension that was offered and declined, or not asked for, is none
            self.run_case("/kept", case)

    def test_closing(self):
        for case in chapter_7():
            with self.subTest(case.number), Peer(self.service.port, "/plain") as peer:
                peer.send(*case.sent)
                for expected in case.answers:
                    self.assertEqual(said(peer.message()), said(expected))
                self.assertTrue(peer.ends())

    def test_limits_and_fragments_of_large_messages(self):
        """Chapters 9 and 10, up to what a message may have by default."""
        for opcode in (TEXT, BINARY):
            for size in (65_536, 262_144, 1_048_576):
                payload = b"*" * size
                for piece in (size, 65_536, 4096, 1300, 256):
                    pieces = [payload[at : at + piece] for at in range(0, size, piece)] if piece * 4096 >= size else []
                    with self.subTest(size=size, piece=piece), Peer(self.service.port, "/plain") as peer:
                        peer.send(*fragments(opcode, pieces or [payload]), chop=1460 if piece == 4096 else 0)
                        self.assertEqual(said(peer.message()), (opcode, payload))

    def test_the_largest_messages(self):
        """The rest of chapter 9: whole, and in fragments of every size; and what is larger than the endpoint takes."""
        mib = 1 << 20
        with Peer(self.service.port, "/large") as peer:
            for opcode, byte in ((TEXT, b"*"), (BINARY, b"\xfe")):
                for size, small in ((4 * mib, [64 << 2 * n for n in range(8)]), (8 * mib, [65_536]), (16 * mib, [mib])):
                    payload = byte * size
                    for piece in (size, *small):
                        peer.send(*fragments(opcode, [payload[at : at + piece] for at in range(0, size, piece)]))
                        got = peer.message()
                        self.assertTrue(got.opcode == opcode and got.payload == payload, f"{size} in {piece}")
                for chop in [64 << n for n in range(6)]:  # bytes a segment
                    peer.send(Frame(opcode, byte * mib), chop=chop)
                    self.assertEqual(len(peer.message().payload), mib)
            peer.send(*fragments(BINARY, [bytes(16 * mib), b"1"]))
            self.assertEqual(said(peer.message()), said(close_frame(TOO_LARGE)))

    def test_many_messages_one_by_one_and_at_once(self):
        for size in (0, 16, 64, 256, 1024, 4096):
            with self.subTest(size=size), Peer(self.service.port, "/plain") as peer:
                for frame in (Frame(TEXT, b"*" * size), Frame(BINARY, b"\xfe" * size)):
                    for _ in range(500):
                        peer.send(frame)
                        self.assertEqual(said(peer.message()), said(frame))
                    peer.send_bytes(encoded(frame) * 500)
                    self.assertEqual({said(peer.message()) for _ in range(500)}, {said(frame)})


class Compressor:
    """One direction of permessage-deflate, on zlib."""

    def __init__(self, window: int, kept: bool):
        self.window, self.kept = window, kept
        self.pack = self.unpack = None

    def packed(self, payload: bytes) -> bytes:
        if self.pack is None or not self.kept:
            self.pack = zlib.compressobj(wbits=-self.window)
        return (self.pack.compress(payload) + self.pack.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")

    def unpacked(self, payload: bytes) -> bytes:
        if self.unpack is None or not self.kept:
            self.unpack = zlib.decompressobj(wbits=-self.window)
        return self.unpack.decompress(payload + b"\x00\x00\xff\xff")


WORDS = "a service that must degrade well sheds load instead of collapsing κόσμε".split()
OFFERS = ["", "; client_max_window_bits", "; client_no_context_takeover; server_no_context_takeover",
          "; client_max_window_bits=9; server_max_window_bits=9",
          "; server_max_window_bits=9, permessage-deflate; client_max_window_bits=15"]


class Compression(unittest.TestCase):
    """Chapters 12 and 13: sizes, fragments and parameters."""

    def exchange(self, peer: Peer, rng: random.Random, size: int, piece: int):
        ours = Compressor(int(self.parameter(peer, "client_max_window_bits", "15")),
                          "client_no_context_takeover" not in peer.extensions)
        theirs = Compressor(15, "server_no_context_takeover" not in peer.extensions)
        for turn in range(20):
            text = " ".join(rng.choices(WORDS, k=size // 5 + 1)).encode()[:size].decode(errors="ignore").encode()
            packed = ours.packed(text)
            pieces = [packed[at : at + piece] for at in range(0, len(packed), piece)] or [b""]
            peer.send(*fragments(TEXT, pieces, RSV1))
            got = peer.message()
            self.assertEqual(got.opcode, TEXT)
            self.assertEqual(theirs.unpacked(got.payload) if got.rsv == RSV1 else got.payload, text, f"message {turn}")

    def parameter(self, peer: Peer, name: str, otherwise: str) -> str:
        for each in peer.extensions.split(";"):
            key, _, value = each.strip().partition("=")
            if key == name and value:
                return value.strip('"')
        return otherwise

    def test_every_size_in_every_mode(self):
        rng = random.Random(1)
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            for path in ("/fresh", "/kept"):
                for offer in OFFERS:
                    for size, piece in ((16, 1), (64, 16), (256, 1 << 20), (1024, 64), (8192, 256), (131_072, 4096)):
                        with self.subTest(path=path, offer=offer, size=size):
                            with Peer(service.port, path, "permessage-deflate" + offer) as peer:
                                self.assertTrue(peer.extensions.startswith("permessage-deflate"), peer.extensions)
                                self.exchange(peer, rng, size, piece)
            self.assertEqual(service.stop(), 0, service.stderr())

    def test_what_is_no_deflate_and_what_was_not_agreed(self):
        with Service("ASSAY_WEBSOCKET_PEER") as service:
            garbage = Frame(TEXT, b"\xff" * 64, rsv=RSV1)
            with Peer(service.port, "/kept", "permessage-deflate") as peer:
                peer.send(garbage)
                closed = peer.message()
                self.assertEqual(closed.opcode, CLOSE)
                self.assertIn(struct.unpack("!H", closed.payload[:2])[0], (PROTOCOL, NOT_UTF8))
            with Peer(service.port, "/plain", "permessage-deflate") as peer:
                self.assertEqual(peer.extensions, "")
                peer.send(Frame(TEXT, Compressor(15, False).packed(b"hello"), rsv=RSV1))
                self.assertEqual(said(peer.message()), said(close_frame(PROTOCOL)))
            self.assertEqual(service.stop(), 0, service.stderr())


if __name__ == "__main__":
    unittest.main()
