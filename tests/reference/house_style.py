#!/usr/bin/env python3
"""house_style.py FOLDER - whether every line of examples/house-style keeps to the twelve rules of its README.md, as far as a program can
tell, and says what its note says. Prints what does not; exits 1 then. tests/e2e/generate.sh runs it."""
import json
import pathlib
import re
import sys

COMPONENTS = "api auth cli import search share storage sync thumbs web"
LINE = re.compile(rf"- \*\*({'|'.join(COMPONENTS.split())}):\*\* (\*\*Breaking:\*\* )?([A-Z][a-z]+)"
                  r"((?: (?:[^ `()\n]|`[^`\n]+`)+)+)(?: \((?:(#[0-9]+(?:, #[0-9]+)*)(?:, (@[a-z]+))?|(@[a-z]+))\))?\.")
VERBS = set("""Accept Add Allow Animate Ask Build Cache Check Compress Count Cut Decode Double Drop Empty End Extend Find Fix Free Hide
Ignore Index Keep Let Limit List Load Log Map Merge Move Name Notify Open Pause Print Raise Read Reduce Refuse Reject Remember Remove Rename
Replace Require Resume Retry Return Revert Rotate Scan Select Serve Shorten Show Skip Sort Speed Split Stop Support Sync Tolerate Treat Turn
Undo Update Upgrade Use Vacuum Wait Warn Exit Export""".split())
SHORT = set("""acct auth bg btn btns cfg cmd config conn db def def. del desc dir dirs dl dupes err fav hdr hw idx img imgs info lib libs loc
mem msg param params perf perms pic pics pos pw req reqs sec temp thumb thumbs ts tz vid vids w/ w/o b/c &""".split())
NUMBERS = {"1": "one|single|a", "2": "two|both|pairs", "3": "three", "4": "four"}


def faults(note, line):
    match = LINE.fullmatch(line)
    if not match:
        return ["is not of the form"]
    _, breaking, verb, rest, tickets, after, alone = match.groups()
    author, plain = after or alone, re.sub(r"`[^`]+`", "", rest)
    words, lower, found = plain.split(), note.lower(), []
    if len(line) > 120:
        found.append(f"is {len(line)} characters long")
    if verb not in VERBS:
        found.append(f"begins with {verb}")
    found += [f"has the article {w}" for w in words if w.lower() in ("a", "an", "the")]
    found += [f"has the abbreviation {w}" for w in words if w.lower().strip(",") in SHORT]
    found += [f"has {code}, which the note does not" for code in re.findall(r"`([^`]+)`", rest)
              if not all(part in lower for part in re.split(r"[ +]", code.lower()))]
    numbers = [int(t) for t in re.findall(r"\d+", tickets or "")]
    if numbers != sorted(set(numbers)):
        found.append("has its tickets out of order")
    found += [f"has ticket {n}, which the note does not" for n in numbers if not re.search(rf"(?<!\d){n}(?!\d)", note)]
    named = {int(n) for n in re.findall(r"(?:#|gh[- ]?|hel[- ]?|issue |ticket |bug |fixes |closes )(\d+)", lower)}
    found += [f"lacks ticket {n}" for n in sorted(named - set(numbers))]
    if author and author[1:] not in lower:
        found.append(f"has author {author}, whom the note does not name")
    if bool(breaking) != bool(re.search(r"break(?!s in)|!:|!!? ?break|bc break", lower)):
        found.append("and its note differ in what breaks")
    for n in re.findall(r"\d[\d.,-]*\d|\d", plain):
        if n not in note and not re.search(rf"\b({NUMBERS.get(n, 'never')})\b", lower):
            found.append(f"has {n}, which the note does not")
    if re.search(r"\d(s|ms|min|h|kb|mb|gb|%)\b", plain, re.I):
        found.append("has a unit without its space")
    return found


def main():
    rows = [json.loads(line) for line in (pathlib.Path(sys.argv[1]) / "changes.jsonl").read_text().splitlines()]
    wrong = [f"{row['id']}: {fault}: {row['line']!r} from {row['note']!r}" for row in rows for fault in faults(row["note"], row["line"])]
    tickets = [t for row in rows for t in re.findall(r"#\d+", row["line"].rsplit("(", 1)[-1])]
    wrong += [f"ticket {t} stands twice" for t in sorted(set(tickets)) if tickets.count(t) > 1]
    wrong += [f"{row['line']} stands twice" for row in rows if [r["line"] for r in rows].count(row["line"]) > 1]
    print("\n".join(wrong) if wrong else f"{len(rows)} lines keep to the style")
    return bool(wrong)


sys.exit(main())
