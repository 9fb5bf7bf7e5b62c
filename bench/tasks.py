#!/usr/bin/env python3
"""tasks.py - writes the tasks that figures in docs/benchmarks.md are measured on, from real labelled data.

    bench/tasks.py NAME [FOLDER]        NAME: banking77, email-five, snips-intent, snips-few, codiesp; FOLDER: build/bench-tasks/NAME
    build/rung climb build/bench-tasks/NAME
    bench/tasks.py score FOLDER VARIANT...   of a task with many labels: micro-F1 on test of each, and of all their labels together

Splits are the data's own; where it has no dev part, a tenth of its training part is drawn by a fixed seed (snips-few: 400). Setting: RUNG_DATA.
"""
import csv
import json
import os
import random
import subprocess
import sys

DATA = os.environ.get("RUNG_DATA", "../shared/data")
HEAD = """name: {name}
kind: classify
{more}instruction: {instruction}
input: "{input}"
labels: {labels}
examples: {{file: examples.jsonl, answer: answer, id: id, split: split}}
"""


def lines(path):
    with open(f"{DATA}/{path}", encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def with_dev(rows):
    """A tenth of what is trained on becomes dev."""
    dev = set(random.Random(1).sample(range(len(rows)), len(rows) // 10))
    return [dict(row, split="dev" if i in dev else "train") for i, row in enumerate(rows)]


def banking77():
    parts = {}
    for part in ("train", "test"):
        with open(f"{DATA}/banking77/{part}.csv", encoding="utf-8", newline="") as f:
            parts[part] = [{"id": f"{part}-{i}", "text": r["text"], "answer": r["category"]} for i, r in enumerate(csv.DictReader(f))]
    rows = with_dev(parts["train"]) + [dict(row, split="test") for row in parts["test"]]
    return {"instruction": "Name what this customer of a bank asks about.", "input": "{{text}}"}, rows


def email_five():
    rows = [{"id": r["id"], "subject": r["subject"], "text": r["text"], "answer": r["label"], "split": r["split"]}
            for r in lines("email_five/email_five.jsonl")]
    return {"instruction": "Sort this e-mail.", "input": "Subject: {{subject}}\\n{{text}}"}, rows


def snips_intent():
    train = [{"id": f"train-{i}", "text": r["text"].strip(), "answer": r["intent"]} for i, r in enumerate(lines("snips/snips_train.jsonl"))]
    test = [{"id": f"test-{i}", "text": r["text"].strip(), "answer": r["intent"], "split": "test"}
            for i, r in enumerate(lines("snips/snips_validate.jsonl"))]
    return {"instruction": "Say what the user wants.", "input": "{{text}}"}, with_dev(train) + test


def snips_few():
    """Someone who begins: three examples of an intent to learn from, 400 for dev, of which a cascade sets half aside."""
    texts, rows = snips_intent()
    intents = sorted({r["answer"] for r in rows})
    train = [r for r in rows if r["split"] == "train"]
    random.Random(2).shuffle(train)
    pool = [r for i in intents for r in [t for t in train if t["answer"] == i][:3]]
    ids = {r["id"] for r in pool}
    dev = [dict(r, split="dev") for r in train if r["id"] not in ids][:400]
    return texts | {"more": "cascade: {risk: 0.05}\n"}, pool + dev + [r for r in rows if r["split"] == "test"]


def definitions(codes):
    """What ICD-10-CM says of the codes; a few are not in that year's edition."""
    found = {}
    for part in ("A-R", "S", "T-Z"):
        with open(f"{DATA}/icd10cm/icd10cm_2021_{part}.tsv", encoding="utf-8", newline="") as f:
            found |= {r["code"]: r["description"] for r in csv.DictReader(f, delimiter="\t")}
    return {code: found.get(code) for code in codes}


def codiesp():
    rows = [{"id": r["id"], "text": r["text"], "answer": sorted(set(r["codes"])), "split": r["split"]}
            for part in ("train", "dev", "test") for r in lines(f"codiesp/codiesp_{part}_en.jsonl")]
    return {"instruction": "List the ICD-10-CM codes of the conditions that this case report states.", "input": "{{text}}",
            "more": "many: true\nscorer: set_f1\n", "define": definitions}, rows


TASKS = {"banking77": banking77, "email-five": email_five, "snips-intent": snips_intent, "snips-few": snips_few, "codiesp": codiesp}


def micro(wanted, said):
    right = sum(len(w & s) for w, s in zip(wanted, said))
    precision, recall = right / max(1, sum(map(len, said))), right / sum(map(len, wanted))
    return f"precision {precision:.3f}, recall {recall:.3f}, micro-F1 {2 * precision * recall / max(1e-9, precision + recall):.3f}"


def score(folder, variants):
    with open(f"{folder}/examples.jsonl", encoding="utf-8") as f:
        rows = [row for row in map(json.loads, f) if row["split"] == "test"]
    wanted = [set(row["answer"]) for row in rows]
    asked = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows)
    union = [set() for _ in rows]
    for variant in variants:
        out = subprocess.run(["build/rung", "ask", folder, "--variant", variant], input=asked, capture_output=True, text=True, check=True)
        said = [set((json.loads(line)["answer"] or "").split(", ")) - {"", "none"} for line in out.stdout.splitlines()]
        print(f"{variant}: {micro(wanted, said)}, of {len(rows)}")
        union = [u | s for u, s in zip(union, said, strict=True)]
    if len(variants) > 1:
        print(f"their union: {micro(wanted, union)}")


def main():
    if sys.argv[1:2] == ["score"]:
        return score(sys.argv[2], sys.argv[3:])
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TASKS:
        sys.exit(f"{name or 'no task'}: name one of {', '.join(TASKS)}")
    if not os.path.isdir(DATA):
        sys.exit(f"{DATA} is not there; RUNG_DATA names the folder that holds the data")
    folder = sys.argv[2] if len(sys.argv) > 2 else f"build/bench-tasks/{name}"
    texts, rows = TASKS[name]()
    answers = {a for row in rows for a in (row["answer"] if isinstance(row["answer"], list) else [row["answer"]])}
    labels = texts.pop("define", list)(sorted(answers))
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/task.yaml", "w", encoding="utf-8") as out:
        out.write(HEAD.format(name=name, labels=json.dumps(labels), more=texts.pop("more", ""), **texts))
    with open(f"{folder}/examples.jsonl", "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
