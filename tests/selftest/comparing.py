"""What a document of `assay watch` says otherwise than subjects/planted/table.yaml: exactly what is expected is found.

Misuse: leaving a key out of the table to have it not compared. Only `place` and `text` may be: a finding without a peer
or a call in the table has none.
"""

import dataclasses
import pathlib

import yaml

PLANTED = pathlib.Path(__file__).resolve().parents[2] / "subjects" / "planted"
MODES = ("fault", "clean")
COMPARED = ("kind", "call", "peer", "place", "text", "mb_per_request")
PEERS_HOST = "127.0.0.1"


@dataclasses.dataclass
class Case:
    name: str
    mode: str
    entry: dict

    @property
    def service(self) -> pathlib.Path:
        return PLANTED / self.entry["service"]

    def expected(self) -> list[dict]:
        """The findings: none of a twin, nor where only failures are planted."""
        if self.mode == "clean":
            return []
        fault = self.entry["fault"]
        found = fault if isinstance(fault, list) else [fault]
        return [each for each in found if each["kind"] != "healthy"]

    def failures(self) -> list[str]:
        fault = self.entry["fault"]
        return [] if isinstance(fault, list) else fault.get("failures", [])

    def load(self) -> list[dict]:
        return self.entry.get("clean_load" if self.mode == "clean" else "load", self.entry.get("load", []))


def read_table(text: str) -> dict:
    table = yaml.safe_load(text)
    for name, entry in table.items():
        for each in entry["fault"] if isinstance(entry["fault"], list) else [entry["fault"]]:
            if unknown := set(each) - {*COMPARED, "failures"}:
                raise ValueError(f"{name}: unknown {', '.join(sorted(unknown))}")
    return table


def place_of(service: pathlib.Path, function: str) -> str:
    for number, line in enumerate(service.read_text(encoding="utf-8").splitlines(), 1):
        if line.endswith(("# planted", "// planted")):
            return f"{service.name}:{number} in {function}"
    raise ValueError(f"{service.name} has no line that ends in 'planted'")


def peer_differs(found: str, wanted: str, peer_port: int) -> bool:
    """Of a path the table has the last part alone: its folder is another each time, and may be gone."""
    if wanted == PEERS_HOST:
        wanted = f"{PEERS_HOST}:{peer_port}"
    if found.startswith("/"):
        found = found.rpartition("/")[2].removesuffix(" (deleted)")
    return found != wanted


def slope_mistakes(numbers: dict, truth_per_hour: float) -> list[str]:
    low, high = numbers["slope_mb_per_hour_low"], numbers["slope_mb_per_hour_high"]
    if low <= truth_per_hour <= high:
        return []
    return [f"{low:.0f} to {high:.0f} MB an hour do not hold the planted {truth_per_hour:.0f}"]


def differences(case: Case, wanted: dict, found: dict, peer_port: int) -> list[str]:
    """Of one finding. One of another kind is another finding: nothing else is told of it."""
    if found["kind"] != wanted["kind"]:
        return [f"{found['kind']} instead of {wanted['kind']}: {found['text']}"]
    wrong = []
    if found["call"] != wanted.get("call", ""):
        wrong.append(f"call {found['call']!r} instead of {wanted.get('call', '')!r}")
    if peer_differs(found["peer"], wanted.get("peer", ""), peer_port):
        wrong.append(f"peer {found['peer']!r} instead of {wanted.get('peer', '')!r}")
    if (words := wanted.get("text", "")) not in found["text"]:
        wrong.append(f"{found['text']!r} without {words!r}")
    if "mb_per_request" in wanted:
        wrong += slope_mistakes(found["numbers"], wanted["mb_per_request"] * case.load()[0]["rate"] * 3600)
    if "place" in wanted and found["place"] != (place := place_of(case.service, wanted["place"])):
        wrong.append(f"place {found['place']!r} instead of {place!r}")
    return wrong


def finding_mistakes(case: Case, findings: list[dict], peer_port: int) -> list[str]:
    """Each that is expected, and no other. Which is which: by the least that is wrong, in the table's order."""
    wrong, left = [], list(findings)
    for wanted in case.expected():
        if not left:
            wrong.append(f"no {wanted['kind']}")
            continue
        nearest = min(left, key=lambda found: (found["kind"] != wanted["kind"],
                                               len(differences(case, wanted, found, peer_port))))
        wrong += differences(case, wanted, nearest, peer_port)
        left.remove(nearest)
    return wrong + [f"also {each['kind']}: {each['text']}" for each in left]


def failure_mistakes(case: Case, failures: list[dict]) -> list[str]:
    """Where some are planted, those and no others, and none in the twin. Elsewhere a service may end as it likes."""
    if not case.failures():
        return []
    planted = case.failures() if case.mode == "fault" else []
    told = [each["text"] for each in failures]
    wrong = [f"no failure {words!r} among {told}" for words in planted if not any(words in text for text in told)]
    others = [text for text in told if not any(words in text for words in planted)]
    return wrong + [f"told of {text!r}" for text in others]


def mistakes(case: Case, seen: dict, peer_port: int) -> list[str]:
    """`seen` is the document."""
    if not seen["findings"] and not case.expected() and seen["verdict"] != "healthy":
        return [f"{seen['verdict']} instead of healthy: {seen['text']}"]
    return finding_mistakes(case, seen["findings"], peer_port) + failure_mistakes(case, seen["failures"])


def is_host_busy(seen: dict) -> bool:
    return any(each["kind"] == "waiting_for_cpu" for each in seen["findings"])
