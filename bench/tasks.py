#!/usr/bin/env python3
"""tasks.py - writes the tasks that figures in docs/benchmarks.md are measured on, from real labelled data.

    bench/tasks.py NAME [FOLDER]        NAME: banking77, email-five, snips-intent, codiesp; FOLDER: build/bench-tasks/NAME
    build/rung climb build/bench-tasks/NAME

Splits are the data's own; where it has no dev part, a tenth of its training part is drawn by a fixed seed. Setting: RUNG_DATA.
"""
import csv
import json
import os
import random
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


def codiesp():
    rows = [{"id": r["id"], "text": r["text"], "answer": sorted(set(r["codes"])), "split": r["split"]}
            for part in ("train", "dev", "test") for r in lines(f"codiesp/codiesp_{part}_en.jsonl")]
    return {"instruction": "List the ICD-10-CM codes of the conditions that this case report states.", "input": "{{text}}",
            "more": "many: true\nscorer: set_f1\n"}, rows


TASKS = {"banking77": banking77, "email-five": email_five, "snips-intent": snips_intent, "codiesp": codiesp}


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TASKS:
        sys.exit(f"{name or 'no task'}: name one of {', '.join(TASKS)}")
    if not os.path.isdir(DATA):
        sys.exit(f"{DATA} is not there; RUNG_DATA names the folder that holds the data")
    folder = sys.argv[2] if len(sys.argv) > 2 else f"build/bench-tasks/{name}"
    texts, rows = TASKS[name]()
    answers = {a for row in rows for a in (row["answer"] if isinstance(row["answer"], list) else [row["answer"]])}
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/task.yaml", "w", encoding="utf-8") as out:
        out.write(HEAD.format(name=name, labels=json.dumps(sorted(answers)), more=texts.pop("more", ""), **texts))
    with open(f"{folder}/examples.jsonl", "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
