#!/usr/bin/env python3
"""snips.py - writes a task of kind extract: utterances to their intent and slots, from the SNIPS data; and scores a variant on its test.

    bench/snips.py [FOLDER [POOL DEV TEST]]        FOLDER: build/bench-snips; 300 60 100 examples
    build/rung climb build/bench-snips --rungs 0-1
    build/rung tune build/bench-snips              # trains 3/encoder
    bench/snips.py score FOLDER VARIANT            # mean F1 of the fields, exact frames, right intents; asks build/rung

The answer is {"intent": one of 7, "slots": {name: text, ...}} with 39 optional slots. Examples are drawn from the training and
the validation part (test) by a fixed seed; a slot that stands twice in an utterance keeps its first value. Setting: RUNG_DATA.
"""
import json
import os
import random
import re
import subprocess
import sys
import unicodedata

DATA = os.environ.get("RUNG_DATA", "../shared/data")
TASK = """name: snips
kind: extract
instruction: Say what the user wants, and which parts of the text name what.
input: "Text: {{text}}"
schema: schema.json
examples: {file: examples.jsonl, answer: answer, id: id, split: split}
"""


def rows(part):
    with open(f"{DATA}/snips/snips_{part}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def answer_of(row):
    slots = {}
    for slot in row["slots"]:
        slots.setdefault(slot["slot"], slot["value"].strip())
    return {"intent": row["intent"], "slots": slots}


def schema_of(data):
    slots = sorted({slot["slot"] for row in data for slot in row["slots"]})
    return {"type": "object", "required": ["intent", "slots"],
            "properties": {"intent": {"enum": sorted({row["intent"] for row in data})},
                           "slots": {"type": "object", "properties": {name: {"type": "string"} for name in slots}}}}


def fields(answer):
    """As src/task/fields.c compares them."""
    plain = lambda text: re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).lower()).strip() or text
    return {("intent", answer["intent"])} | {(name, plain(value)) for name, value in answer["slots"].items()}


def score(folder, variant):
    with open(f"{folder}/examples.jsonl", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["split"] == "test"]
    asked = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows)
    said = subprocess.run(["build/rung", "ask", folder, "--variant", variant], input=asked, capture_output=True, text=True, check=True)
    f1 = exact = intents = 0
    for row, line in zip(rows, said.stdout.splitlines(), strict=True):
        want, got = fields(row["answer"]), fields(json.loads(json.loads(line)["answer"]))
        f1 += 2 * len(want & got) / (len(want) + len(got))
        exact += want == got
        intents += ("intent", row["answer"]["intent"]) in got
    print(f"{variant}: F1 {f1 / len(rows):.3f}, exact frames {exact / len(rows):.3f}, intents {intents / len(rows):.3f}, of {len(rows)}")


def main():
    if sys.argv[1:2] == ["score"]:
        return score(*sys.argv[2:4])
    folder = sys.argv[1] if len(sys.argv) > 1 else "build/bench-snips"
    pool, dev, test = (int(n) for n in sys.argv[2:5]) if len(sys.argv) > 4 else (300, 60, 100)
    if not os.path.isdir(f"{DATA}/snips"):
        sys.exit(f"{DATA}/snips is not there; RUNG_DATA names the folder that holds it")
    train, held_out = rows("train"), rows("validate")
    draw = random.Random(1)
    chosen = draw.sample(train, pool + dev)
    parts = [("train", chosen[:pool]), ("dev", chosen[pool:]), ("test", draw.sample(held_out, test))]
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/schema.json", "w", encoding="utf-8") as out:
        json.dump(schema_of(train + held_out), out, indent=1)
    with open(f"{folder}/examples.jsonl", "w", encoding="utf-8") as out:
        for split, part in parts:
            for i, row in enumerate(part):
                example = {"id": f"{split}-{i}", "text": row["text"].strip(), "answer": answer_of(row), "split": split}
                out.write(json.dumps(example, ensure_ascii=False) + "\n")
    with open(f"{folder}/task.yaml", "w", encoding="utf-8") as out:
        out.write(TASK)
    print(f"{folder}: {pool} pool, {dev} dev, {test} test")


if __name__ == "__main__":
    main()
