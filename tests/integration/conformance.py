"""Runs the checks of a conformance.yaml against a service; the file's head says what they mean.

    for failure in failures(path, port): print(failure)
"""

import hashlib
import http.client
import json
import pathlib
from typing import Any, Iterator, NamedTuple

import yaml

TIMEOUT_S = 10
REQUEST_KEYS = {"method", "target", "headers", "body", "body_repeat"}
EXPECT_KEYS = {"status", "headers", "json", "json_lengths", "body_sha256"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(port: int, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        try:
            connection.request(method, target, body, headers or {})
        except (BrokenPipeError, ConnectionResetError):
            pass  # a body that is too large is refused before its end; the answer is there
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, fields, answer.read())
    finally:
        connection.close()


def body_of(request: dict[str, Any]) -> bytes | None:
    if "body_repeat" in request:
        return (request["body_repeat"]["text"] * request["body_repeat"]["count"]).encode()
    return request["body"].encode() if "body" in request else None


def differences(seen: Any, expected: Any, at: str = "") -> Iterator[str]:
    """Where `seen` does not contain `expected`, by JSON pointer."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        for key, value in expected.items():
            if key in seen:
                yield from differences(seen[key], value, f"{at}/{key}")
            else:
                yield f"{at}/{key} is missing"
    elif isinstance(expected, list) and isinstance(seen, list) and len(seen) == len(expected):
        for index, value in enumerate(expected):
            yield from differences(seen[index], value, f"{at}/{index}")
    elif type(seen) is not type(expected) or seen != expected:
        yield f"{at or 'the body'} is {seen!r:.200}, not {expected!r:.200}"


def at_pointer(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def mismatches(answer: Answer, expect: dict[str, Any]) -> Iterator[str]:
    if answer.status != expect["status"]:
        yield f"status {answer.status}, not {expect['status']}"
    for name, start in expect.get("headers", {}).items():
        if not answer.headers.get(name, "").startswith(start):
            yield f"{name}: {answer.headers.get(name)!r} does not begin with {start!r}"
    if "body_sha256" in expect and hashlib.sha256(answer.body).hexdigest() != expect["body_sha256"]:
        yield f"a body of {len(answer.body)} bytes with another SHA-256"
    if "json" not in expect and "json_lengths" not in expect:
        return
    try:
        document = answer.json()
        yield from differences(document, expect.get("json", {}))
        for pointer, length in expect.get("json_lengths", {}).items():
            found = len(at_pointer(document, pointer))
            if found != length:
                yield f"{pointer} has {found} elements, not {length}"
    except (ValueError, KeyError, IndexError, TypeError) as wrong:
        yield f"body {answer.body[:200]!r}: {wrong!r}"


def failures(path: pathlib.Path, port: int) -> Iterator[str]:
    """A line for each check that fails."""
    with open(path) as file:
        checks = yaml.safe_load(file)["checks"]
    for check in checks:
        request, expect = check["request"], check["expect"]
        if unknown := (request.keys() - REQUEST_KEYS) | (expect.keys() - EXPECT_KEYS):
            yield f"{check['name']}: unknown keys {sorted(unknown)}"
            continue
        try:
            answer = send(port, request["method"], request["target"], request.get("headers"), body_of(request))
            wrong = list(mismatches(answer, expect))
        except (OSError, http.client.HTTPException) as failure:
            wrong = [repr(failure)]
        if wrong:
            yield f"{check['name']}: {'; '.join(wrong)}"
