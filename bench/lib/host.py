"""What a figure depends on besides the programs: the machine, the kernel, and what else ran meanwhile."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def facts() -> dict[str, object]:
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in _field("/proc/cpuinfo", "flags").split(),
        "governor": governor.read_text().strip() if governor.exists() else "not exposed",
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()} {platform.version()}",
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class CoreTimes:
    """Seconds one core has spent since boot. The resolution is one tick (10 ms on most kernels)."""

    idle_s: float
    steal_s: float
    total_s: float

    def shares_until(self, later: CoreTimes) -> dict[str, float]:
        """The shares of the time between: not idle, and taken by the hypervisor for other guests."""
        total_s = max(later.total_s - self.total_s, _TICK_S)
        return {
            "busy": 1 - (later.idle_s - self.idle_s) / total_s,
            "steal": (later.steal_s - self.steal_s) / total_s,
        }


def core_times(core: int) -> CoreTimes:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name == f"cpu{core}":
            # user nice system idle iowait irq softirq steal; guest times are already within user and nice.
            seconds = [int(value) * _TICK_S for value in values[:8]]
            return CoreTimes(seconds[3] + seconds[4], seconds[7], sum(seconds))
    raise ValueError(f"this machine has no core {core}")
