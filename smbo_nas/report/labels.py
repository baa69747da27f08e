"""Short names for operations, and what kind of operation each is."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from predictors.graph import CONCAT, IDENTITY_OPS, NONE_OPS, OUTPUT, SUM, ArchGraph, is_input
from smbo_nas.report.text import NBSP, TIMES

Kind = Literal["end", "convolution", "pooling", "skip", "merge", "other", "none"]
KIND_NAMES: dict[Kind, str] = {
    "end": "input, output",
    "convolution": "convolution",
    "pooling": "pooling",
    "skip": "skip connection",
    "merge": "sum, concatenation",
    "other": "other operation",
    "none": "no signal",
}

_SIZE = re.compile(r"(?<!\d)(\d+)x(\d+)")
_NOISE = re.compile(r"[-_](bn|relu|bnrelu)(?=[-_]|$)|^(nor|normal)[-_]|^relu[-_]", re.IGNORECASE)
_WORDS = {
    "maxpool": "max pool",
    "avgpool": "avg pool",
    "sepconv": "sep conv",
    "dilconv": "dil conv",
    "learned group": "learned",
}


def kind_of(op: str) -> Kind:
    """The kind of an operation, from its name."""
    name = op.lower()
    if is_input(op) or op == OUTPUT:
        return "end"
    if op in NONE_OPS:
        return "none"
    if op in (SUM, CONCAT):
        return "merge"
    if op in IDENTITY_OPS or "skip" in name or "identity" in name:
        return "skip"
    if "conv" in name:
        return "convolution"
    return "pooling" if "pool" in name else "other"


def short_name(op: str) -> str:
    """What people call an operation: `nor_conv_3x3` is "conv 3x3" (with the real sign), `add` is "sum"."""
    if op == SUM:
        return "sum"
    if kind_of(op) == "skip" and op in IDENTITY_OPS:
        return "skip"
    name = _NOISE.sub("", _NOISE.sub("", op)) if kind_of(op) == "convolution" else op
    name = _SIZE.sub(rf" \1{TIMES}\2 ", name).replace("_", " ")
    words = " ".join(name.split()) or op
    for joined, apart in _WORDS.items():
        words = words.replace(joined, apart)
    return words


def label_lines(op: str, width: int = 10, lines: int = 2) -> list[str]:
    """The short name broken into at most `lines` lines of about `width` characters, an ellipsis where it is cut."""
    result: list[str] = []
    for word in short_name(op).split():
        word = word if len(word) <= width + 1 else word[:width] + "…"
        starts_size = word[0].isdigit() and bool(result) and not result[-1][0].isdigit()
        if result and len(result[-1]) + 1 + len(word) <= width and not (starts_size and len(result) < lines):
            result[-1] += " " + word
        else:
            result.append(word)
    if len(result) > lines:
        result = [*result[: lines - 1], result[lines - 1].rstrip("…")[:width] + "…"]
    return result


def operation_summary(graph: ArchGraph | None) -> str:
    """The operations that carry signal, most frequent first: "conv 3x3 x2, skip"."""
    if graph is None:
        return "no architecture"
    counts = Counter(
        short_name(op)
        for op, live in zip(graph.ops, graph.live, strict=True)
        if live and kind_of(op) not in ("end", "merge")
    )
    if not counts:
        return "identity only" if any(graph.live) else "no path from input to output"
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    unbroken = ((name.replace(" ", NBSP), n) for name, n in ranked)
    return ", ".join(f"{name}{NBSP}{TIMES}{n}" if n > 1 else name for name, n in unbroken)
