"""The cases of the Autobahn suite's chapters 1 to 7: what is sent, and what must come back.

Chapters and sections are the suite's; either side of a WebSocket is held to them. A Case goes on until we close, or
until the subject refuses, with the code of what was wrong; a Closing ends with the subject's own Close.
"""

from typing import NamedTuple

from websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_frame, fragments

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
    answers: list[Frame]  # the last is a Close


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
