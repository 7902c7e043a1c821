"""The whole grid of the Autobahn suite's chapters 12 and 13, before our server and before our client.

A case is as in the suite but for the number of its messages, 1000 there and here what VOLUME_BYTES allow. Each is run
with a subject that keeps its context and with one that does not, and the subject is held to the window and to the
context that were agreed on.
"""

import itertools
import unittest
from typing import NamedTuple

from websocket_deflate import (
    MORE_OFFERS, SIZES, SUITE_ANSWERS, SUITE_OFFERS, Data, Direction, all_data, answer, parameters,
)
from websocket_frames import BINARY, CLOSE, RSV1, TEXT, Frame, Peer, close_frame, cut, fragments
from websocket_support import our_client_met, our_server_met

VOLUME_BYTES = 256 * 1024  # of a case
LEAST_MESSAGES, MOST_MESSAGES = 4, 100
BAD_PAYLOAD = 1007
ALWAYS_COMPRESSED_BYTES = 256  # shorter ones may be sent as they are


Terms = str | tuple[bool, int]  # a client's offer; or what a server asks of the client, see answer()


class Case(NamedTuple):
    number: str
    data: Data
    terms: Terms
    size: int
    piece: int


def grid(section: str, data: Data, terms: Terms) -> list[Case]:
    return [Case(f"{section}.{at}", data, terms, size, piece) for at, (size, piece) in enumerate(SIZES, 1)]


def chapters(all_terms: list[Terms]) -> list[Case]:
    twelve = [grid(f"12.{at}", data, all_terms[0]) for at, data in enumerate(all_data(), 1)]
    thirteen = [grid(f"13.{at}", all_data()[0], terms) for at, terms in enumerate(all_terms, 1)]
    return list(itertools.chain(*twelve, *thirteen))


class Grid(unittest.TestCase):
    def exchange(self, peer: Peer, case: Case, ours: Direction, theirs: Direction):
        opcode = TEXT if case.data.is_text() else BINARY
        count = min(max(VOLUME_BYTES // case.size, LEAST_MESSAGES), MOST_MESSAGES)
        for turn, payload in enumerate(itertools.islice(case.data.messages(case.size), count)):
            packed = ours.packed(payload)
            peer.send(*fragments(opcode, cut(packed, case.piece or len(packed)), RSV1))
            got = peer.message()
            self.assertEqual(got.opcode, opcode)
            if case.size >= ALWAYS_COMPRESSED_BYTES:
                self.assertEqual(got.rsv, RSV1)
            echo = theirs.unpacked(got.payload) if got.rsv == RSV1 else got.payload
            self.assertTrue(echo == payload, f"message {turn} of {count} comes back as another")
        peer.send(close_frame())
        self.assertEqual(peer.message(), close_frame())
        self.assertTrue(peer.ends())

    def test_server(self):
        cases = chapters(SUITE_OFFERS + MORE_OFFERS)
        for mode in ("kept", "fresh"):
            with our_server_met("/" + mode) as meet:
                for case in cases:
                    with self.subTest(case.number, mode=mode), meet(case.terms) as peer:
                        agreed = self.agreed_on(peer.extensions, case.terms.split(",")[0], mode)
                        self.exchange(peer, case, Direction(agreed, "client"), Direction(agreed, "server"))

    def agreed_on(self, chosen: str, offered: str, mode: str) -> dict[str, str]:
        """What our server has made of the offer, which must be no more than that."""
        self.assertTrue(chosen.startswith("permessage-deflate"), chosen)
        asked, agreed = parameters(offered), parameters(chosen)
        for name, must in (("server_no_context_takeover", mode == "fresh" or "server_no_context_takeover" in asked),
                           ("client_no_context_takeover", mode == "fresh" or "client_no_context_takeover" in asked),
                           ("client_max_window_bits", "client_max_window_bits" in asked),
                           ("server_max_window_bits", "server_max_window_bits" in asked)):
            self.assertEqual(name in agreed, must, f"{chosen}: {name}")
            if asked.get(name):
                self.assertLessEqual(int(agreed[name]), int(asked[name]))
        return agreed

    def test_client(self):
        cases = chapters(SUITE_ANSWERS)
        for mode in ("kept", "fresh"):
            with our_client_met(mode, len(cases)) as meet:
                for case in cases:
                    agreed: dict[str, str] = {}

                    def choose(offered: str, case=case, agreed=agreed) -> str:
                        chosen = answer(offered, *case.terms)
                        agreed.update(parameters(chosen))
                        return chosen

                    with self.subTest(case.number, mode=mode), meet(choose) as peer:
                        self.assertEqual("server_no_context_takeover" in agreed, mode == "fresh")
                        self.exchange(peer, case, Direction(agreed, "server"), Direction(agreed, "client"))

    def test_what_is_no_deflate(self):
        garbage = Frame(TEXT, b"\xff" * 64, rsv=RSV1)
        for name, met in (("server", our_server_met("/kept")), ("client", our_client_met("kept", 1))):
            terms = SUITE_OFFERS[0] if name == "server" else lambda offered: answer(offered, False, 0)
            with self.subTest(name), met as meet, meet(terms) as peer:
                peer.send(garbage)
                closed = peer.message()
                self.assertEqual((closed.opcode, closed.payload[:2]), (CLOSE, close_frame(BAD_PAYLOAD).payload))
                self.assertTrue(peer.ends())


if __name__ == "__main__":
    unittest.main()
