#!/usr/bin/env python3
"""sdk_check.py PORT BILL - asks the fault server with the packages openai and anthropic, unchanged, and prints a line for each check.

What the vendors' own packages take for an answer is what the server must give; tests/e2e/sdk.sh starts both."""
import http.client
import io
import json
import math
import sys
import traceback
import urllib.request

import anthropic
import openai

port, bill = sys.argv[1:]
origin = f"http://127.0.0.1:{port}"
ai = openai.OpenAI(base_url=f"{origin}/v1", api_key="sk-test-1234", max_retries=0, timeout=20)
claude = anthropic.Anthropic(base_url=origin, api_key="sk-test-1234", max_retries=0, timeout=20)
wrong_ai = ai.with_options(api_key="sk-other-1234")
SPAM = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "mail: cheap pills"}]
USER = SPAM[1:]
SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["work", "spam"]}, "sure": {"type": "boolean"},
                                           "score": {"type": "number", "minimum": 1}, "why": {"type": "string"},
                                           "words": {"type": "array", "items": {"type": "string"}}},
          "required": ["label", "sure", "score", "why", "words"], "additionalProperties": False}
LONG = "A rule that many requests begin with. " * 200
checks = []


def check(function):
    checks.append(function)
    return function


def raises(kind, call, **attributes):
    try:
        call()
    except kind as error:
        for name, value in attributes.items():
            assert getattr(error, name) == value, (name, getattr(error, name), value)
        return error
    raise AssertionError(f"no {kind.__name__}")


def catch(call):
    try:
        call()
    except openai.APIError as error:
        return error
    return None


def chat(model, messages=SPAM, client=ai, **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


def message(model, messages=USER, max_tokens=50, **more):
    return claude.messages.create(model=model, messages=messages, max_tokens=max_tokens, **more)


def control(body=None):
    request = urllib.request.Request(f"{origin}/control", data=json.dumps(body).encode() if body else None)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


# --- OpenAI ---------------------------------------------------------------------------------------------------------------

@check
def openai_chat():
    reply = chat("gpt-test")
    assert reply.choices[0].message.content == "spam" and reply.choices[0].finish_reason == "stop"
    assert reply.model == "gpt-test" and reply.object == "chat.completion"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (6, 1, 7), reply.usage
    assert chat("gpt-test", [{"role": "user", "content": "no row"}]).choices[0].message.content == "ok"


@check
def openai_answers_repeat_and_differ_by_model():
    first = [chat(f"m{i}+right-50").choices[0].message.content for i in range(20)]
    assert first == [chat(f"m{i}+right-50").choices[0].message.content for i in range(20)]
    assert {"spam", "work"} == set(first), first
    assert {chat(f"m{i}+right-0").choices[0].message.content for i in range(5)} == {"work"}


@check
def openai_limits_and_stops():
    wordy = [{"role": "user", "content": "say much"}]
    cut = chat("gpt-test", wordy, max_completion_tokens=3).choices[0]
    assert cut.finish_reason == "length" and cut.message.content == "one two thre", cut
    stopped = chat("gpt-test", wordy, stop=["three"]).choices[0]
    assert stopped.finish_reason == "stop" and stopped.message.content == "one two ", stopped


@check
def openai_stream():
    events = list(chat("gpt-test", [{"role": "user", "content": "say much"}], stream=True, stream_options={"include_usage": True}))
    text = "".join(e.choices[0].delta.content or "" for e in events if e.choices)
    assert text == "one two three four five six", text
    assert events[-2].choices[0].finish_reason == "stop" and not events[-1].choices
    assert events[-1].usage.completion_tokens == math.ceil(len(text) / 4) and events[0].usage is None
    assert all(e.usage is None for e in chat("gpt-test", stream=True))


@check
def openai_schema():
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}
    said = json.loads(chat("gpt-test", response_format=form).choices[0].message.content)
    assert said["label"] == "spam" and said["sure"] is False and said["score"] >= 1 and isinstance(said["words"], list), said
    assert set(said) == set(SCHEMA["properties"])


@check
def openai_log_probabilities():
    choice = chat("gpt-test", logprobs=True, top_logprobs=5, max_completion_tokens=1).choices[0]
    first = choice.logprobs.content[0]
    candidates = {c.token: math.exp(c.logprob) for c in first.top_logprobs}
    assert choice.message.content == "spam" == first.token and {"spam", "work"} <= set(candidates), candidates
    assert candidates["spam"] == max(candidates.values()) and sum(candidates.values()) <= 1
    assert bytes(first.bytes).decode() == "spam" and len(first.top_logprobs) <= 5


@check
def openai_echo_of_tokens():
    def tokens(**body):
        r = urllib.request.Request(f"{origin}/tokenize", json.dumps({"model": "gpt-test+echo"} | body).encode(), {"Authorization": "Bearer sk-test-1"})
        return json.loads(urllib.request.urlopen(r).read())["tokens"]
    prompt, labels = tokens(messages=SPAM, add_generation_prompt=True), [tokens(prompt=t, add_special_tokens=False) for t in ("spam", "work")]
    said = ai.completions.create(model="gpt-test+echo", prompt=[prompt + t for t in labels], echo=True, logprobs=1, max_tokens=1)
    sums = [sum(c.logprobs.token_logprobs[len(prompt):-1]) for c in said.choices]
    assert [c.index for c in said.choices] == [0, 1] and sums[0] == -.5 > sums[1], sums
    for c in said.choices:
        assert len(c.logprobs.tokens) == len(c.logprobs.token_logprobs) == len(c.logprobs.top_logprobs) == len(prompt) + 5
        assert c.logprobs.token_logprobs[0] is None and c.finish_reason == "length"
    assert said.usage.prompt_tokens == 2 * len(prompt) + 8 and said.usage.completion_tokens == 2
    raises(openai.NotFoundError, lambda: ai.completions.create(model="gpt-test", prompt="x", echo=True, logprobs=1, max_tokens=1))


@check
def openai_usage_of_caches_and_reasoning():
    long = [{"role": "system", "content": LONG + "openai"}, USER[0]]
    assert chat("gpt-cache", long).usage.prompt_tokens_details.cached_tokens == 0
    second = chat("gpt-cache", long, reasoning_effort="low").usage
    assert second.prompt_tokens_details.cached_tokens == math.ceil(len(LONG + "openai") / 4), second
    assert second.completion_tokens_details.reasoning_tokens == 16 and second.completion_tokens == 17, second


@check
def openai_models():
    names = [m.id for m in ai.models.list()]
    assert "gpt-test" in names and ai.models.retrieve("gpt-test").id == "gpt-test"


@check
def openai_embeddings():
    texts = ["the red fox", "a red fox", "numbers of a bill"]
    packed = ai.embeddings.create(model="text-embedding-test", input=texts, dimensions=64)
    plain = ai.embeddings.create(model="text-embedding-test", input=texts, dimensions=64, encoding_format="float")
    for a, b in zip(packed.data, plain.data):
        assert len(a.embedding) == 64 and max(abs(x - y) for x, y in zip(a.embedding, b.embedding)) < 1e-6
        assert abs(sum(x * x for x in a.embedding) - 1) < 1e-5
    fox, other_fox, bill_ = (d.embedding for d in packed.data)
    assert sum(map(float.__mul__, fox, other_fox)) > .4 > abs(sum(map(float.__mul__, fox, bill_))) + .1
    assert [d.index for d in packed.data] == [0, 1, 2] and packed.usage.prompt_tokens == 3 + 3 + 5


@check
def rerank():
    body = {"model": "rerank-test", "query": "red fox", "documents": ["a cat", "one fox", {"text": "the red fox"}], "top_n": 2}
    said = ai.post("/rerank", body=body, cast_to=object)
    assert [(r["index"], r["relevance_score"]) for r in said["results"]] == [(2, 1), (1, .5)], said


@check
def openai_files():
    made = ai.files.create(file=("a b.jsonl", io.BytesIO(b'{"x": 1}\r\n--not a boundary\n')), purpose="batch")
    assert made.filename == "a b.jsonl" and made.bytes == 27 and made.purpose == "batch" and made.id
    assert ai.files.content(made.id).content == b'{"x": 1}\r\n--not a boundary\n'
    assert ai.files.retrieve(made.id) == made and made.id in [f.id for f in ai.files.list(purpose="batch")]
    assert ai.files.delete(made.id).deleted
    raises(openai.NotFoundError, lambda: ai.files.retrieve(made.id), status_code=404)


def batch_file(*models):
    lines = [{"custom_id": f"r{i}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": m, "messages": SPAM}}
             for i, m in enumerate(models)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return ai.files.create(file=("in.jsonl", text.encode()), purpose="batch").id


def batch_create(file, **more):
    return ai.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h", **more)


def lines_of(file):
    return [json.loads(line) for line in ai.files.content(file).text.splitlines()] if file else []


@check
def openai_batch():
    paid = control()["paid"]
    batch = batch_create(batch_file("gpt-test", "gpt-b", "fault-content-filter-400", "gpt-c"), metadata={"run": "1"})
    assert batch.status == "validating" and batch.metadata == {"run": "1"}
    seen = [ai.batches.retrieve(batch.id) for _ in range(2)]
    assert [b.status for b in seen] == ["in_progress", "completed"], seen
    done = seen[-1]
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (4, 3, 1)
    out, errors = lines_of(done.output_file_id), lines_of(done.error_file_id)
    assert [line["custom_id"] for line in out] != ["r0", "r1", "r3"] and {line["custom_id"] for line in out} == {"r0", "r1", "r3"}
    assert all(line["response"]["body"]["choices"][0]["message"]["content"] == "spam" for line in out)
    assert errors[0]["custom_id"] == "r2" and errors[0]["response"]["status_code"] == 400
    assert errors[0]["response"]["body"]["error"]["code"] == "content_filter"
    assert control()["paid"] == paid + 3 and batch.id in [b.id for b in ai.batches.list()]
    raises(openai.ConflictError, lambda: ai.batches.cancel(batch.id))


@check
def openai_batch_cancelled_in_the_middle():
    batch = batch_create(batch_file("gpt-d", "gpt-e", "gpt-f", "gpt-g"))
    ai.batches.retrieve(batch.id)
    assert ai.batches.cancel(batch.id).status == "cancelling"
    batch = ai.batches.retrieve(batch.id)
    assert batch.status == "cancelled" and batch.request_counts.completed == 2 and len(lines_of(batch.output_file_id)) == 2


@check
def openai_batch_that_expires_or_is_none():
    batch = batch_create(batch_file("gpt-h", "gpt-i+expired"))
    for _ in range(2):
        seen = ai.batches.retrieve(batch.id)
    assert seen.status == "expired" and lines_of(seen.error_file_id)[0]["error"]["code"] == "batch_expired"
    file = ai.files.create(file=("in.jsonl", b"{}\n"), purpose="batch").id
    broken = ai.batches.retrieve(batch_create(file).id)
    assert broken.status == "failed" and broken.errors.data[0].code == "invalid_json_line" and broken.errors.data[0].line == 1
    raises(openai.BadRequestError, lambda: batch_create("file-none"))


def training_file(n):
    line = json.dumps({"messages": [*USER, {"role": "assistant", "content": "spam"}]}) + "\n"
    return ai.files.create(file=("train.jsonl", (line * n).encode()), purpose="fine-tune").id


@check
def openai_fine_tuning():
    job = ai.fine_tuning.jobs.create(model="gpt-test", training_file=training_file(12), suffix="mails", seed=7,
                                     method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}})
    assert job.status == "validating_files" and job.seed == 7 and job.fine_tuned_model is None
    states = [ai.fine_tuning.jobs.retrieve(job.id) for _ in range(2)]
    assert [s.status for s in states] == ["running", "succeeded"]
    done = states[-1]
    assert done.fine_tuned_model.startswith("ft:gpt-test:org-test:mails:")
    assert done.hyperparameters.n_epochs == 2 and done.trained_tokens > 0
    events = list(ai.fine_tuning.jobs.list_events(job.id, limit=7))
    assert len(events) == 25 == len({e.id for e in events}) and events[-1].message == "Created fine-tuning job", len(events)
    checkpoints = ai.fine_tuning.jobs.checkpoints.list(job.id).data
    assert [c.step_number for c in checkpoints] == [20, 10] and checkpoints[0].fine_tuned_model_checkpoint == done.fine_tuned_model
    assert ai.files.content(done.result_files[0]).text.startswith("step,train_loss")
    assert chat(done.fine_tuned_model).choices[0].message.content == "spam"
    assert done.fine_tuned_model in [m.id for m in ai.models.list()] and job.id in [j.id for j in ai.fine_tuning.jobs.list()]
    raises(openai.NotFoundError, lambda: chat("ft:gpt-test:org-test::none"), code="model_not_found")


@check
def openai_fine_tuning_that_ends_otherwise():
    few = ai.fine_tuning.jobs.create(model="gpt-test", training_file=training_file(3))
    few = ai.fine_tuning.jobs.retrieve(few.id)
    assert few.status == "failed" and few.error.code == "invalid_n_examples", few
    failed = ai.fine_tuning.jobs.create(model="gpt-test+job-failed", training_file=training_file(12))
    assert ai.fine_tuning.jobs.retrieve(failed.id).error.code == "server_error"
    cancelled = ai.fine_tuning.jobs.create(model="gpt-test", training_file=training_file(12))
    assert ai.fine_tuning.jobs.cancel(cancelled.id).status == "cancelled"
    assert ai.fine_tuning.jobs.retrieve(cancelled.id).status == "cancelled"


@check
def openai_errors():
    refused = raises(openai.AuthenticationError, lambda: chat("gpt-test", client=wrong_ai), status_code=401, code="invalid_api_key")
    assert "sk-ot***1234" in str(refused)
    raises(openai.AuthenticationError, lambda: chat("fault-401"))
    raises(openai.PermissionDeniedError, lambda: chat("fault-403"))
    raises(openai.NotFoundError, lambda: chat("fault-404-model"), code="model_not_found")
    raises(openai.APIStatusError, lambda: chat("fault-408"), status_code=408)
    raises(openai.ConflictError, lambda: chat("fault-409"))
    assert "retry-after" not in raises(openai.RateLimitError, lambda: chat("fault-429"), code="rate_limit_exceeded").response.headers
    assert raises(openai.RateLimitError, lambda: chat("fault-429-after")).response.headers["retry-after"] == "1"
    raises(openai.RateLimitError, lambda: chat("fault-429-quota"), code="insufficient_quota")
    raises(openai.InternalServerError, lambda: chat("fault-500"), status_code=500)
    raises(openai.InternalServerError, lambda: chat("fault-503"), status_code=503)
    raises(openai.BadRequestError, lambda: chat("fault-content-filter-400"), code="content_filter")
    raises(openai.BadRequestError, lambda: chat("fault-no-temperature", temperature=0), param="temperature")
    raises(openai.BadRequestError, lambda: chat("fault-no-seed", seed=1), param="seed")
    raises(openai.BadRequestError, lambda: chat("fault-no-logprobs", logprobs=True), param="logprobs")
    raises(openai.BadRequestError, lambda: chat("fault-max-completion-tokens", max_tokens=3), param="max_tokens")
    raises(openai.BadRequestError, lambda: chat("fault-none-such"), param="model")
    assert chat("fault-no-temperature").choices[0].message.content == "spam"
    some = [i for i in range(60) if "503" in str(catch(lambda i=i: chat(f"gpt-{i}+503-once-of-4")))]
    assert 5 <= len(some) <= 28 and not any(catch(lambda i=i: chat(f"gpt-{i}+503-once-of-4")) for i in some), some
    assert chat("fault-500-once", client=ai.with_options(max_retries=1)).choices[0].message.content == "spam"


@check
def openai_broken_connections():
    short = ai.with_options(timeout=.3)
    for model in ("fault-hang-before-headers", "fault-hang-before-first", "fault-stall"):
        raises(openai.APITimeoutError, lambda model=model: chat(model, client=short))
    for model in ("fault-cut", "fault-bad-chunk"):
        raises(openai.APIConnectionError, lambda model=model: chat(model))
    stream = chat("fault-cut", [{"role": "user", "content": "say much"}], stream=True)
    raises(Exception, lambda: list(stream))


@check
def openai_odd_replies():
    assert chat("fault-empty-choices").choices == []
    assert chat("fault-null-content").choices[0].message.content is None
    assert chat("fault-length").choices[0].finish_reason == "length"
    assert chat("fault-content-filter").choices[0].finish_reason == "content_filter"
    refusal = chat("fault-refusal").choices[0].message
    assert refusal.content is None and refusal.refusal.startswith("I'm sorry")
    assert len(chat("fault-huge").choices[0].message.content) > 10e6
    assert chat("fault-no-usage").usage is None
    assert chat("fault-slow-1").choices[0].message.content == "spam"
    raises(Exception, lambda: chat("fault-wrong-json").choices[0])
    assert chat("fault-wrong-form").choices is None


# --- Anthropic ------------------------------------------------------------------------------------------------------------

@check
def anthropic_message():
    reply = message("claude-test", system="Sort.")
    assert reply.content[0].text == "spam" and reply.stop_reason == "end_turn" and reply.role == "assistant"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (6, 1), reply.usage
    assert message("claude-test", [{"role": "user", "content": "say much"}], max_tokens=3).stop_reason == "max_tokens"
    stopped = message("claude-test", [{"role": "user", "content": "say much"}], stop_sequences=["three"])
    assert stopped.stop_reason == "stop_sequence" and stopped.stop_sequence == "three" and stopped.content[0].text == "one two "


@check
def anthropic_stream():
    with claude.messages.stream(model="claude-test", max_tokens=50, messages=[{"role": "user", "content": "say much"}]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert final.content[0].text == "one two three four five six" and final.usage.output_tokens == 7, final
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and {"content_block_delta", "message_delta"} <= set(kinds), kinds


@check
def anthropic_stream_that_stalls():
    short = claude.with_options(timeout=.3)
    with short.messages.create(model="fault-stall", max_tokens=50, messages=USER, stream=True) as stream:
        seen = []

        def read_all():
            for event in stream:
                seen.append(event.type)
        raises(Exception, read_all)
    assert "content_block_delta" in seen and "message_stop" not in seen, seen


@check
def anthropic_usage_of_caches():
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    first, second = (message("claude-cache", system=system).usage for _ in range(2))
    tokens = math.ceil(len(LONG) / 4)
    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (tokens, 0), first
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, tokens), second
    assert first.input_tokens == second.input_tokens < 10


@check
def anthropic_schema():
    reply = message("claude-test", output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    assert json.loads(reply.content[0].text)["label"] == "spam"


@check
def anthropic_models():
    assert "claude-test" in [m.id for m in claude.models.list()] and claude.models.retrieve("claude-test").type == "model"


@check
def anthropic_errors():
    wrong = claude.with_options(api_key="sk-other-1234")
    raises(anthropic.AuthenticationError, lambda: wrong.messages.create(model="c", max_tokens=5, messages=USER), status_code=401)
    raises(anthropic.APIStatusError, lambda: message("fault-529"), status_code=529)
    raises(anthropic.PermissionDeniedError, lambda: message("fault-403"))
    raises(anthropic.NotFoundError, lambda: message("fault-404-model"))
    assert raises(anthropic.RateLimitError, lambda: message("fault-429-after")).response.headers["retry-after"] == "1"
    assert "credit balance" in str(raises(anthropic.BadRequestError, lambda: message("fault-429-quota")))
    raises(anthropic.BadRequestError, lambda: message("claude-test", []))
    schema = {"format": {"type": "json_schema", "schema": SCHEMA}}
    raises(anthropic.BadRequestError, lambda: message("fault-no-schema", output_config=schema))
    short = claude.with_options(timeout=.3)
    raises(anthropic.APITimeoutError, lambda: short.messages.create(model="fault-stall", max_tokens=5, messages=USER))
    assert message("fault-refusal").stop_reason == "refusal" and message("fault-content-filter").stop_reason == "refusal"
    assert message("fault-null-content").content == []


@check
def anthropic_batch():
    def request(i, model):
        return {"custom_id": f"r{i}", "params": {"model": model, "max_tokens": 20, "messages": USER}}
    models = ["claude-test", "fault-500", "claude-b", "c+expired"]
    batch = claude.messages.batches.create(requests=[request(i, m) for i, m in enumerate(models)])
    assert batch.processing_status == "in_progress" and batch.request_counts.processing == 4 and batch.results_url is None
    seen = [claude.messages.batches.retrieve(batch.id) for _ in range(2)]
    assert [b.processing_status for b in seen] == ["in_progress", "ended"]
    counts = seen[-1].request_counts
    assert (counts.processing, counts.succeeded, counts.errored, counts.expired, counts.canceled) == (0, 2, 1, 1, 0), counts
    results = list(claude.messages.batches.results(batch.id))
    assert [r.custom_id for r in results] == ["r3", "r1", "r0", "r2"]
    by_id = {r.custom_id: r.result for r in results}
    assert by_id["r0"].message.content[0].text == "spam" and by_id["r1"].error.error.type == "api_error" and by_id["r3"].type == "expired"
    assert batch.id in [b.id for b in claude.messages.batches.list()]
    assert claude.messages.batches.delete(batch.id).type == "message_batch_deleted"


@check
def anthropic_batch_cancelled():
    requests = [{"custom_id": f"r{i}", "params": {"model": f"c{i}", "max_tokens": 9, "messages": USER}} for i in range(4)]
    batch = claude.messages.batches.create(requests=requests)
    claude.messages.batches.retrieve(batch.id)
    assert claude.messages.batches.cancel(batch.id).processing_status == "canceling"
    counts = claude.messages.batches.retrieve(batch.id).request_counts
    assert (counts.succeeded, counts.canceled) == (2, 2), counts
    assert sorted(r.result.type for r in claude.messages.batches.results(batch.id)) == ["canceled", "canceled", "succeeded", "succeeded"]


# --- the server's own -----------------------------------------------------------------------------------------------------

@check
def faults_by_control():
    control({"reset": True})
    control({"fault": "503", "after": 1, "times": 2})
    assert chat("gpt-test").choices
    for _ in range(2):
        raises(openai.InternalServerError, lambda: chat("gpt-test"), status_code=503)
    assert chat("gpt-test").choices
    said = control()
    assert said["requests"] == 4 and said["paid"] == 2 and said["by_fault"] == {"503": 2} and said["in_flight"] == 0, said
    assert said["by_path"] == {"POST /v1/chat/completions": 4} and said["most_in_flight"] == 1, said
    control({"reset": True})
    assert control()["requests"] == 0


@check
def bills():
    with open(bill, encoding="utf-8") as file:
        before = file.readlines()
    chat("gpt-billed")
    chat("gpt-billed")
    raises(openai.InternalServerError, lambda: chat("fault-500"))
    raises(openai.APIConnectionError, lambda: chat("fault-cut"))
    list(chat("gpt-billed", stream=True))
    control() # behind what was sent before
    with open(bill, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file.readlines()[len(before):]]
    assert [line[0] for line in lines] == ["gpt-billed"] * 3 and all(line[2:] == ["6", "1"] for line in lines), lines
    assert lines[0][1] == lines[1][1] != lines[2][1]


@check
def refused_until_it_is_reset():
    kept = http.client.HTTPConnection("127.0.0.1", int(port))

    def say(body):
        kept.request("POST", "/control", json.dumps(body))
        assert json.load(kept.getresponse())["ok"]
    say({"fault": "refused", "ms": 60000})
    raises(openai.APIConnectionError, lambda: chat("gpt-test"))
    say({"reset": True})
    assert chat("gpt-test").choices


failed = False
for one in checks:
    name = one.__name__.replace("_", " ")
    try:
        one()
        print(f"[       OK ] {name}", flush=True)
    except Exception as error: # noqa: BLE001 - whatever it was, the next check is to run
        traceback.print_exc(limit=-2, file=sys.stdout)
        print(f"[  FAILED  ] {name}", flush=True)
        failed = True
sys.exit(failed)
