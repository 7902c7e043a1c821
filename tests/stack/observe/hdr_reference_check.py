"""Compares our histogram and its codec with the HdrHistogram organisation's Python implementation.

Usage: hdr_reference_check.py PATH_OF_HDR_TOOL

For several layouts and distributions: what we encode, the reference decodes to the same buckets, extremes and
percentiles; what the reference encodes, we decode to the same buckets. Exits with 1
on the first difference or if the package hdrhistogram is missing.
"""

import base64
import math
import random
import subprocess
import sys
import zlib

try:
    from hdrh.histogram import HdrHistogram
except ImportError as missing:
    sys.exit(f"FAILED: {sys.executable} lacks the package hdrhistogram, install version 0.10.3 ({missing})")

# lowest discernible, highest trackable, significant digits
LAYOUTS = [
    (1, 3_600_000_000_000, 3),
    (1, 3_600_000_000, 2),
    (1000, 3_600_000_000_000, 3),
    (1, 2**62, 3),
    (64, 1_000_000_000, 4),
    (7, 2_000_000, 5),
    (1, 1_000_000, 1),
]
# The reference rounds the rank to the nearest, we round it up: at this count every quantile below has a whole
# rank.
SAMPLES = 10_000
QUANTILES = ["0", "0.5", "0.75", "0.9", "0.95", "0.99", "0.999", "0.9999", "1"]
COMPRESSED_HEADER_BYTES = 8
HEADER_BYTES = 40


def distributions(highest):
    """Name and values, all within [0, highest], of every distribution to try."""
    rng = random.Random(20240607)
    scale = highest / 1000

    def clamped(draw):
        return [min(highest, max(0, int(draw()))) for _ in range(SAMPLES)]

    yield "uniform", clamped(lambda: rng.uniform(0, highest))
    yield "exponential", clamped(lambda: rng.expovariate(1 / scale))
    yield "lognormal", clamped(lambda: rng.lognormvariate(8, 2))
    yield "pareto", clamped(lambda: 100 * rng.paretovariate(0.9))
    yield "log-uniform", clamped(lambda: highest ** rng.random())
    yield "constant", [highest // 3] * SAMPLES
    yield "extremes", [0, highest] * (SAMPLES // 2)
    yield "one value", [highest // 7]
    yield "empty", []


def run(tool, *arguments, stdin):
    done = subprocess.run([tool, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"hdr_tool {arguments} exits with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def buckets_of(reference):
    counts = reference.counts[: reference.counts_len]
    return [(reference.get_value_from_index(i), count) for i, count in enumerate(counts) if count != 0]


def expect(what, ours, theirs):
    if ours != theirs:
        raise AssertionError(f"{what}: ours {str(ours)[:300]}, reference {str(theirs)[:300]}")


def summary_of(reference):
    """What `hdr_tool summary` has to print, except for the mean's last digits."""
    summary = {"count": reference.get_total_count(), "mean": reference.get_mean_value()}
    percentiles = {quantile: float(quantile) * 100 for quantile in QUANTILES}
    values = reference.get_percentile_to_value_dict(list(percentiles.values()))
    summary["min"] = reference.get_min_value()
    summary["max"] = reference.get_max_value()
    return summary | {quantile: values.get(percentile, 0) for quantile, percentile in percentiles.items()}


def check_summary(tool, encoded, expected):
    ours = dict(line.split() for line in run(tool, "summary", stdin=encoded).splitlines())
    # Both take the middle of every bucket; the reference adds up in doubles, we in whole numbers.
    expect("mean", math.isclose(float(ours.pop("mean")), expected["mean"], rel_tol=1e-12), True)
    for name, value in ours.items():
        expect(name, int(value), expected[name])


def check(tool, layout, values):
    reference = HdrHistogram(*layout)
    for value in values:
        if not reference.record_value(value):
            raise AssertionError(f"the reference refuses {value}")
    expected = buckets_of(reference)

    ours = run(tool, "encode", *map(str, layout), stdin="".join(f"{value}\n" for value in values)).strip()
    decoded = HdrHistogram.decode(ours)
    decoded_layout = (
        decoded.lowest_trackable_value,
        decoded.highest_trackable_value,
        decoded.significant_figures,
    )
    expect("layout read by the reference", decoded_layout, layout)
    expect("our buckets read by the reference", buckets_of(decoded), expected)
    summary = summary_of(decoded)
    check_summary(tool, ours, summary)

    theirs = reference.encode().decode("ascii")
    lines = run(tool, "decode", stdin=theirs).splitlines()
    expect("the reference's buckets read by us", [tuple(map(int, line.split())) for line in lines], expected)
    check_summary(tool, theirs, summary)

    # Beyond the header the bytes may differ: the port writes a single empty bucket as a run of one, the
    # original in Java (and we) as a zero; for an empty histogram it writes nothing, the original one zero.
    if values:
        plain = [zlib.decompress(base64.b64decode(text)[COMPRESSED_HEADER_BYTES:]) for text in (ours, theirs)]
        expect("encoded header", plain[0][:HEADER_BYTES].hex(), plain[1][:HEADER_BYTES].hex())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    checked = 0
    for layout in LAYOUTS:
        for name, values in distributions(layout[1]):
            try:
                check(sys.argv[1], layout, values)
            except AssertionError as difference:
                sys.exit(f"FAILED: layout {layout}, {name}: {difference}")
            checked += 1
    print(f"{checked} histograms agree with the reference in every bucket and quantile")


if __name__ == "__main__":
    main()
