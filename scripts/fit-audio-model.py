#!/usr/bin/env python3
"""Fits crates/highlight-detect/data/audio-model.toml to streams whose moments are known.

    scripts/fit-audio-model.py STREAMS [--check | --out crates/highlight-detect/data/audio-model.toml]

STREAMS is a folder of the evaluation kit: NAME.m4a with NAME.truth.json beside it. Each stream is run through the example
`dump_features` (built if it is not there), so the numbers fitted on are those that the detector sees. Then, per half second,

    log-odds = bias + sum of weight x (feature averaged over 4.5 s)

is fitted by logistic regression: ridge penalty on the weights of standardised features, both classes weighted so that moments
count --class-weight times what the rest does. Half seconds within 2 s of a moment's edge, in `ignore` stretches, and next to
silence or gaps take no part. Streams of the families in --without are left out: what they break cannot be heard.

The regression answers "is this half second inside a moment?", which is not the question a highlight answers. So its log-odds
are moved by --shift and multiplied by --scale: the first puts 0 where the choice is best (F1 of what is shipped, on the same
streams), the second keeps chat and words, whose weights are set by hand in the same unit, from being drowned.

--check fits on one renderer of the kit and looks at the other, both ways. That number says what the fit is worth; the one on the
streams that it was fitted on does not. Needs numpy and scipy; takes a few seconds a stream, once (the dump is kept in --cache).
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys

import numpy
from scipy.optimize import minimize

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXED_COLUMNS = ["time_s", "level_db", "voice_db", "log_odds"]
# As in crates/highlight-detect/src/segment.rs (EVIDENCE_CELLS): half seconds averaged, of which a third must hold sound.
EVIDENCE_CELLS = 9
CELL_S = 0.5
EDGE_S = 2.0
HEADER = """\
# The audio scorer: log-odds of a moment = bias + sum of weight x feature, features averaged over 4.5 s.
# Fitted by scripts/fit-audio-model.py (ridge logistic regression: penalty {penalty:g}, class weight {class_weight:g}) on {count} synthetic
# {minutes:g}-minute streams of the evaluation kit (set "{set}", families {family}, renderers {renderer}, seeds {seed}), then shifted by {shift:g}
# and scaled by {scale:g} so that 0 is near the best F1. Features and their units: FEATURE_NAMES in src/model.rs.

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", type=pathlib.Path, help="folder of NAME.m4a and NAME.truth.json")
    parser.add_argument("--out", type=pathlib.Path, help="the model file to write; standard output unless given")
    parser.add_argument("--check", action="store_true", help="fit on one renderer, look at the other; write nothing")
    parser.add_argument("--dump", type=pathlib.Path, help="the dump_features program, if it is elsewhere")
    parser.add_argument("--cache", type=pathlib.Path, help="where dumps are kept; target/fit-audio-model unless given")
    parser.add_argument("--without", type=int, nargs="*", default=[14], help="families to leave out")
    parser.add_argument("--penalty", type=float, default=100.0)
    parser.add_argument("--class-weight", type=float, default=0.3)
    parser.add_argument("--shift", type=float, default=2.75)
    parser.add_argument("--scale", type=float, default=0.5)
    options = parser.parse_args()

    streams = load_all(options)
    if not streams:
        sys.exit(f"no NAME.m4a with NAME.truth.json in {options.streams}")
    if options.check:
        check(streams, options)
        return
    weights, bias = fit(streams, options)
    text = header(streams, options)
    text += f"bias = {(bias - options.shift) * options.scale:.4f}\n\n[weights]\n"
    text += "".join(f"{name} = {weight * options.scale:.4f}\n" for name, weight in zip(streams[0]["names"], weights))
    if options.out:
        options.out.write_text(text)
    else:
        print(text, end="")


def header(streams, options):
    truths = [stream["truth"] for stream in streams]
    several = {key: ranges({truth[key] for truth in truths}) for key in ("family", "renderer", "seed")}
    return HEADER.format(count=len(truths), minutes=truths[0]["duration_s"] / 60, set=truths[0]["set"], **several, **vars(options))


def ranges(values):
    """1, 2, 3, 5 as "1-3, 5"; what is no number as it is."""
    parts = []
    for value in sorted(values):
        if parts and isinstance(value, int) and parts[-1][1] == value - 1:
            parts[-1][1] = value
        else:
            parts.append([value, value])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def load_all(options):
    """Features, labels and sample weights of every stream."""
    program = options.dump or build()
    cache = options.cache or target_folder() / "fit-audio-model"
    cache.mkdir(parents=True, exist_ok=True)
    streams = []
    for media in sorted(options.streams.glob("*.m4a")):
        truth_path = media.with_suffix(".truth.json")
        if not truth_path.exists():
            continue
        truth = json.loads(truth_path.read_text())
        if truth["family"] in options.without:
            continue
        streams.append(load(dumped(program, media, cache), truth))
    return streams


def target_folder():
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    found = subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True, text=True)
    return pathlib.Path(json.loads(found.stdout)["target_directory"])


def build():
    example = ["-p", "streamliner-examples", "--example", "dump_features"]
    subprocess.run(["cargo", "build", "--release", "--quiet", *example], cwd=ROOT, check=True)
    return target_folder() / "release" / "examples" / "dump_features"


def dumped(program, media, cache):
    """The features of a stream; dumped anew when the program or the stream is newer than the dump."""
    table = cache / f"{media.stem}.csv"
    newest = max(program.stat().st_mtime, media.stat().st_mtime)
    if not table.exists() or table.stat().st_mtime < newest:
        print(f"listening to {media.name}", file=sys.stderr)
        partial = table.with_suffix(".partial")
        with partial.open("w") as output:
            subprocess.run([program, media], check=True, stdout=output)
        partial.rename(table)
    return table


def load(table, truth):
    with table.open() as file:
        header, *rows = csv.reader(file)
    if header[: len(FIXED_COLUMNS)] != FIXED_COLUMNS:
        sys.exit(f"{table} was not written by dump_features")
    time = numpy.array([float(row[0]) for row in rows]) + CELL_S / 2
    features = numpy.array([[float(value) for value in row[len(FIXED_COLUMNS) :]] for row in rows])

    # The mean over what holds sound, as the detector takes it. Next to gaps and in silence all features are zero.
    heard = (features != 0).any(axis=1)
    window = numpy.ones(EVIDENCE_CELLS)
    count = numpy.convolve(heard, window, "same")
    mean = numpy.stack([numpy.convolve(column * heard, window, "same") for column in features.T], axis=1)
    mean /= numpy.maximum(count, 1)[:, None]

    label = numpy.zeros(len(time))
    counts = (count * 3 >= EVIDENCE_CELLS).astype(float)
    for moment in truth["highlights"]:
        label[(time >= moment["start_s"]) & (time < moment["end_s"])] = 1
        for edge in (moment["start_s"], moment["end_s"]):
            counts[numpy.abs(time - edge) < EDGE_S] = 0
    for ignored in truth.get("ignore", []):
        counts[(time > ignored["start_s"] - EDGE_S) & (time < ignored["end_s"] + EDGE_S)] = 0
    return {"names": header[len(FIXED_COLUMNS) :], "truth": truth, "x": mean, "y": label, "w": counts}


def joined(streams):
    x, y, w = (numpy.concatenate([stream[key] for stream in streams]) for key in ("x", "y", "w"))
    return x[w > 0], y[w > 0], w[w > 0]


def fit(streams, options):
    """Weights in log-odds per unit of each feature, and the bias."""
    x, y, w = joined(streams)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - mean) / deviation
    w = w.copy()
    w[y == 1] *= options.class_weight * (y == 0).sum() / (y == 1).sum()
    sign = 2 * y - 1

    def loss(parameters):
        margin = (z @ parameters[:-1] + parameters[-1]) * sign
        value = (numpy.logaddexp(0, -margin) * w).sum() + options.penalty / 2 * (parameters[:-1] ** 2).sum()
        slope = -sign * w / (1 + numpy.exp(margin))
        return value, numpy.r_[z.T @ slope + options.penalty * parameters[:-1], slope.sum()]

    found = minimize(loss, numpy.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B")
    weights = found.x[:-1] / deviation
    return weights, found.x[-1] - (weights * mean).sum()


def average_precision(streams, weights, bias):
    """Of half seconds, ranked by their log-odds."""
    x, y, _ = joined(streams)
    y = y[numpy.argsort(-(x @ weights + bias), kind="stable")]
    return (numpy.cumsum(y) / numpy.arange(1, len(y) + 1) * y).sum() / y.sum()


def check(streams, options):
    renderers = sorted({stream["truth"]["renderer"] for stream in streams})
    print("average precision of half seconds (row: fitted on, column: looked at)")
    print("      " + "".join(f"{name:>8}" for name in renderers))
    fits = [(name, [s for s in streams if s["truth"]["renderer"] == name]) for name in renderers]
    for name, own in [*fits, ("all", streams)]:
        weights, bias = fit(own, options)
        row = [average_precision(others, weights, bias) for _, others in fits]
        print(f"{name:<6}" + "".join(f"{value:8.3f}" for value in row))


if __name__ == "__main__":
    main()
