#!/usr/bin/env python3
"""layers.py - what `make check` enforces without a compiler.

Errors: an include against the order of the layers, a call that the project does without, printing or exiting in the
library. Pointed at, not refused: functions over 60 lines, files over 600, module headers over 150."""
import pathlib
import re
import sys

# One folder, one noun; each sees only the folders before it. ARCHITECTURE.md says why.
LAYERS = ["base", "stats", "cost", "decide", "store", "llm", "train", "schema", "task", "prompt", "http", "model", "retrieve", "tune",
          "variant", "eval", "report", "data", "serve"]
# These see less than their place allows.
ONLY = {"stats": {"base"}, "cost": {"base"}, "decide": {"base", "stats", "cost"}, "llm": {"base"}, "train": {"base", "llm"}, "http": {"base"},
        "store": {"base"}, "schema": {"base", "llm"}}
BANNED = re.compile(r"\b(system|popen|strcpy|strcat|sprintf|gets|atoi|atof|strtok|setjmp|longjmp)\s*\(")
LIBRARY_BANNED = re.compile(r"\b(printf|puts|putchar|exit|perror|_exit)\s*\(")

errors, smells = [], []


def check_includes(path, text):
    layer = path.parts[1] if len(path.parts) > 2 else None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "([a-z]+)/', line)
        where = f"{path}:{number}"
        if path.parts[0] == "cli" and match:
            errors.append(f"{where}: cli/ includes only rung.h and its own headers, not {match.group(1)}/")
        if not match or layer is None or path.parts[0] != "src" or match.group(1) == layer:
            continue
        other = match.group(1)
        allowed = ONLY.get(layer, set(LAYERS[: LAYERS.index(layer)]))
        if other not in allowed:
            errors.append(f"{where}: {layer}/ must not include {other}/")


def code_of(text):
    """The text without comments and string literals, line numbers kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|//[^\n]*', blank, text, flags=re.S)


def check_calls(path, text):
    for number, line in enumerate(code_of(text).splitlines(), 1):
        for pattern, only in ((BANNED, True), (LIBRARY_BANNED, path.parts[0] == "src")):
            match = pattern.search(line)
            if match and only and not line.lstrip().startswith("#"):
                errors.append(f"{path}:{number}: {match.group(1)}() is not used in this project")


def point_at_length(path, text):
    lines = text.splitlines()
    limit = 150 if path.suffix == ".h" else 600
    if len(lines) > limit:
        smells.append(f"{path}: {len(lines)} lines")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start > 60:
                smells.append(f"{path}:{start}: a function of {number - start} lines")
            start = None


files = sorted(p for folder in ("src", "cli", "include") for p in pathlib.Path(folder).rglob("*.[ch]"))
for file in files:
    content = file.read_text()
    check_includes(file, content)
    check_calls(file, content)
    point_at_length(file, content)
for smell in smells:
    print(f"look at: {smell}")
for error in errors:
    print(error, file=sys.stderr)
sys.exit(1 if errors else 0)
