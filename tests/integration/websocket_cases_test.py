"""The cases of the Autobahn suite, chapters 1 to 7, 9 and 10, as raw frames before our server and before our client."""

import contextlib
import unittest
from collections.abc import Callable

from websocket_cases import (
    PROTOCOL, TOO_LARGE, Case, chapter_1, chapter_2, chapter_3, chapter_4, chapter_5, chapter_6, chapter_7,
    said,
)
from websocket_frames import BINARY, RSV1, TEXT, Frame, Peer, close_frame, cut, encoded, fragments
from websocket_support import our_client_met, our_server_met

MIB = 1 << 20
Subject = contextlib.AbstractContextManager[Callable[..., Peer]]


class Subjects:
    """What is held to the cases: `met(mode, sessions)` is the way to it, see websocket_support."""

    def met(self, mode: str, sessions: int) -> Subject:
        raise NotImplementedError

    def run_cases(self, mode: str, cases: list[Case]):
        with self.met(mode, len(cases)) as meet:
            for case in cases:
                with self.subTest(case.number, mode=mode), meet() as peer:
                    self.run_case(peer, case)

    def run_case(self, peer: Peer, case: Case):
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
        self.run_cases("plain", cases)
        # An extension that was offered and declined, or not asked for, is none.
        self.run_cases("kept", chapter_5() + chapter_1())

    def test_closing(self):
        cases = chapter_7()
        with self.met("plain", len(cases)) as meet:
            for case in cases:
                with self.subTest(case.number), meet() as peer:
                    peer.send(*case.sent)
                    for expected in case.answers:
                        self.assertEqual(said(peer.message()), said(expected))
                    self.assertTrue(peer.ends())

    def test_whoever_goes_on_sending_is_told_why_all_the_same(self):
        """A mask where there is none, and none where there must be one; then a megabyte that nobody wants."""
        with self.met("plain", 1) as meet, meet() as peer:
            peer.send_bytes(encoded(Frame(TEXT, b"hello"), mask=not peer.is_client) + bytes(MIB))
            self.assertEqual(said(peer.message()), said(close_frame(PROTOCOL)))
            self.assertTrue(peer.ends())

    def test_limits_and_fragments_of_large_messages(self):
        """Chapters 9 and 10, up to what a message may have by default."""
        cases = [
            (opcode, size, piece)
            for opcode in (TEXT, BINARY) for size in (65_536, 262_144, MIB) for piece in (size, 65_536, 4096, 1300, 256)
        ]
        with self.met("plain", len(cases)) as meet:
            for opcode, size, piece in cases:
                payload = b"*" * size
                pieces = cut(payload, piece if piece * 4096 >= size else size)
                with self.subTest(size=size, piece=piece), meet() as peer:
                    peer.send(*fragments(opcode, pieces), chop=1460 if piece == 4096 else 0)
                    self.assertEqual(said(peer.message()), (opcode, payload))

    def test_the_largest_messages(self):
        """The rest of chapter 9: whole, and in fragments of every size; and what is larger than the subject takes."""
        with self.met("large", 1) as meet, meet() as peer:
            for opcode, byte in ((TEXT, b"*"), (BINARY, b"\xfe")):
                for size, small in ((4 * MIB, [64 << 2 * n for n in range(8)]), (8 * MIB, [65_536]), (16 * MIB, [MIB])):
                    payload = byte * size
                    for piece in (size, *small):
                        peer.send(*fragments(opcode, cut(payload, piece)))
                        got = peer.message()
                        self.assertTrue(got.opcode == opcode and got.payload == payload, f"{size} in {piece}")
                for chop in [64 << n for n in range(6)]:  # bytes a segment
                    peer.send(Frame(opcode, byte * MIB), chop=chop)
                    self.assertEqual(len(peer.message().payload), MIB)
            peer.send(*fragments(BINARY, [bytes(16 * MIB), b"1"]))
            self.assertEqual(said(peer.message()), said(close_frame(TOO_LARGE)))
            self.assertTrue(peer.ends())

    def test_many_messages_one_by_one_and_at_once(self):
        sizes = (0, 16, 64, 256, 1024, 4096)
        with self.met("plain", len(sizes)) as meet:
            for size in sizes:
                with self.subTest(size=size), meet() as peer:
                    for frame in (Frame(TEXT, b"*" * size), Frame(BINARY, b"\xfe" * size)):
                        for _ in range(500):
                            peer.send(frame)
                            self.assertEqual(said(peer.message()), said(frame))
                        peer.send_bytes(peer.encoded(frame) * 500)
                        self.assertEqual({said(peer.message()) for _ in range(500)}, {said(frame)})

    def test_compressed_without_an_agreement(self):
        with self.met("kept", 1) as meet, meet() as peer:
            peer.send(Frame(TEXT, b"\xcaH\xcd\xc9\xc9\x07\x00", rsv=RSV1))
            self.assertEqual(said(peer.message()), said(close_frame(PROTOCOL)))
            self.assertTrue(peer.ends())


class Server(Subjects, unittest.TestCase):
    """Ours, before a raw client."""

    def met(self, mode: str, sessions: int) -> Subject:
        return our_server_met("/" + mode)


class Client(Subjects, unittest.TestCase):
    """Ours, before a raw server."""

    def met(self, mode: str, sessions: int) -> Subject:
        return our_client_met(mode, sessions)


if __name__ == "__main__":
    unittest.main()
