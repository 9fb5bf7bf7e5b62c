#!/usr/bin/env python3
"""schemas.py - outputs written under random schemas, checked with the Python package jsonschema.

    build/plain/tests/schema_random dump 500 | python3 tests/reference/schemas.py

Each line is {"schema": ..., "output": text}. Every schema must be one by the metaschema of draft 2020-12; every output
must be JSON, name no property twice and satisfy its schema. Python's re stands in for ECMA-262: the patterns of the
test mean the same in both. Needs jsonschema."""
import json
import sys

import jsonschema


def parse(text):
    def no_duplicates(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), text
        return dict(pairs)

    return json.loads(text, object_pairs_hook=no_duplicates)


def main():
    outputs = bad = longest = 0
    for line in sys.stdin:
        pair = json.loads(line)
        validator = jsonschema.Draft202012Validator
        validator.check_schema(pair["schema"])
        value = parse(pair["output"])
        errors = [e.message for e in validator(pair["schema"]).iter_errors(value)]
        if errors:
            bad += 1
            print(f"{json.dumps(pair['schema'])}\n{pair['output']}\n{errors[0]}\n", file=sys.stderr)
        outputs += 1
        longest = max(longest, len(pair["output"]))
    print(f"{outputs} outputs, the longest of {longest} characters; {bad} not valid")
    return 1 if bad or not outputs else 0


sys.exit(main())
