#!/usr/bin/env python3
"""knowledge.py - whether documents give a model knowledge that it lacks, on invented facts: `make bench-knowledge`.

    bench/knowledge.py KNOWLEDGE [MODEL]

FictionalQA (documents about events that never happened): its distinct questions, clustered by the question that they repeat,
asked closed book and with documents. One look, nothing is chosen on them. Lines as in the other benches (docs/benchmarks.md);
the task that is written to build/bench-knowledge/fictionalqa can be climbed too. Settings: RUNG_DATA, RUNG_MODELS.
"""
import json
import os
import shutil
import subprocess
import sys

DATA = os.environ.get("RUNG_DATA", "../shared/data")
MODELS = os.environ.get("RUNG_MODELS", "models")
FOLDER = "build/bench-knowledge"
TASK = """name: fictionalqa
kind: answer
instruction: Answer the question in a few words.
input: "Question: {{question}}"
examples: {file: questions.jsonl, answer: answer, id: id, group: root, gold_ids: documents}
documents: "*.md"
scorer: contains
"""


def lines(name):
    with open(f"{DATA}/fictionalqa/{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_task(folder):
    """A question that is asked of several documents stands once, with all of them and all their answers."""
    os.makedirs(folder, exist_ok=True)
    for document in lines("documents"):
        with open(f"{folder}/{document['doc_id']}.md", "w", encoding="utf-8") as out:
            out.write(document["text"] + "\n")
    questions = {}
    for q in lines("questions"):
        row = questions.setdefault(q["question"], {"id": q["question_id"], "question": q["question"], "answer": [],
                                                   "root": q["duplicate_root"], "documents": []})
        row["answer"] += [a for a in (q["natural_answer"], q["span_answer"]) if a not in row["answer"]]
        row["documents"].append(q["doc_id"] + ".md")
    with open(f"{folder}/questions.jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in questions.values())
    with open(f"{folder}/task.yaml", "w", encoding="utf-8") as out:
        out.write(TASK)


def row(name, rung, peer, ratio, target, state):
    print(name, rung, peer, ratio, target, state, sep="\t", flush=True)


def main():
    program, model = sys.argv[1], sys.argv[2:3]
    task, kept = f"{FOLDER}/fictionalqa", f"{FOLDER}/fictionalqa/.bench"
    if not os.path.isdir(f"{DATA}/fictionalqa") or not os.path.isdir(MODELS):
        row("fictionalqa, documents against closed book", "-", "-", "-", "0", "absent")
        return
    write_task(task)
    shutil.rmtree(kept, ignore_errors=True)
    os.makedirs(kept)
    text = subprocess.run([program, MODELS, task, kept, *model], stdout=subprocess.PIPE, text=True, check=True).stdout
    fields = [line.split("\t") for line in text.splitlines()]
    scores = {f[0][0]: float(f[1]) for f in fields if len(f) == 2}
    for f in fields:
        if len(f) == 2:
            print(f"# fictionalqa, {f[0]}: {f[1]}")
        else:
            print(f"# fictionalqa, {f[0]}: {f[3]} ({f[4]} to {f[5]}; {f[1]} questions, {f[2]} clusters) points to: {f[6] or 'nothing'}")
    gain = next(f for f in fields if f[0] == "retrieval gain")
    row("fictionalqa, documents against closed book, gain's lower limit above 0", f"{scores['R']:.3f}", f"{scores['C']:.3f}",
        gain[4], "0", "ok" if float(gain[4]) > 0 else "short")


if __name__ == "__main__":
    main()
