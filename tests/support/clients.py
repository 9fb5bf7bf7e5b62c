"""clients.py BASE UPSTREAM PART - what the packages openai and langchain-openai (PART) make of `rung serve` with the task "one", the local models and an
upstream that calls tools (tests/e2e/clients.sh). A line a check, as the other tests have it."""
import sys
import traceback

BASE, UPSTREAM, PART = sys.argv[1:4]
GRASS = [{"role": "user", "content": "grass number 3"}]
TOOL = {"type": "function", "function": {"name": "weather", "description": "of a town", "parameters": {
    "type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}}}
SCHEMA = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"], "additionalProperties": False}
failures = 0


def check(name):
    def run(test):
        global failures
        try:
            test()
            print(f"[       OK ] {PART}: {name}", flush=True)
        except Exception:
            failures += 1
            print(f"{name}: {traceback.format_exc()[-900:]}\n[  FAILED  ] {PART}: {name}", flush=True)
    return run


def with_openai():
    import openai
    ai = openai.OpenAI(base_url=BASE, api_key="none", max_retries=2, timeout=60)

    @check("chat, and what we add")
    def _():
        reply = ai.chat.completions.create(model="rung/one", messages=GRASS)
        assert reply.choices[0].message.content == "green" and reply.choices[0].finish_reason == "stop"
        assert reply.model_extra["rung::task"] == "one" and reply.model_extra["rung::verdict"], reply.model_extra

    @check("streaming, with usage")
    def _():
        events = list(ai.chat.completions.create(model="rung/one", messages=GRASS, stream=True, stream_options={"include_usage": True}))
        assert "".join(e.choices[0].delta.content or "" for e in events if e.choices) == "green" and events[-1].usage.total_tokens >= 0

    @check("tools are passed through, whole and streamed")
    def _():
        messages = [{"role": "user", "content": "Is it raining in Bern?"}]
        call = ai.chat.completions.create(model=UPSTREAM, messages=messages, tools=[TOOL]).choices[0].message.tool_calls[0]
        assert (call.function.name, call.function.arguments) == ("weather", '{"town":"Bern"}'), call
        parts = ai.chat.completions.create(model=UPSTREAM, messages=messages, tools=[TOOL], stream=True)
        said = "".join(t.function.arguments or "" for p in parts if p.choices for t in p.choices[0].delta.tool_calls or [])
        assert said == '{"town":"Bern"}', said

    @check("JSON by a schema, of a local model")
    def _():
        import json
        reply = ai.chat.completions.create(model="local", messages=[{"role": "user", "content": "A colour."}], max_tokens=100,
                                           response_format={"type": "json_schema", "json_schema": {"name": "colour", "schema": SCHEMA}})
        assert json.loads(reply.choices[0].message.content)["colour"] in ("red", "green")

    @check("responses: a task, a local model, streamed, and of an upstream")
    def _():
        reply = ai.responses.create(model="rung/one", input="grass number 3", instructions="Say the colour.")
        assert reply.output_text == "green" and reply.status == "completed" and reply.model_extra["rung::task"] == "one", reply
        whole = ai.responses.create(model="local", input=[{"role": "user", "content": [{"type": "input_text", "text": "Name three colours."}]}],
                                    max_output_tokens=12)
        assert whole.status == "incomplete" and whole.incomplete_details.reason == "max_output_tokens" and whole.usage.output_tokens == 12, whole
        with ai.responses.stream(model="local", input="Name three colours.", max_output_tokens=12) as stream:
            said = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        assert said == whole.output_text, (said, whole.output_text)
        import json
        shaped = ai.responses.create(model="local", input="A colour.", max_output_tokens=100,
                                     text={"format": {"type": "json_schema", "name": "colour", "schema": SCHEMA}})
        assert json.loads(shaped.output_text)["colour"] in ("red", "green")
        assert ai.responses.create(model=UPSTREAM, input="anything").output_text == "dry"
        assert "".join(e.delta for e in ai.responses.create(model=UPSTREAM, input="anything", stream=True) if e.type == "response.output_text.delta") == "dry"

    @check("embeddings, of a local model")
    def _():
        both = ai.embeddings.create(model="all-MiniLM-L6-v2", input=["a cat", "a kitten"])
        assert len(both.data) == 2 and len(both.data[0].embedding) == 384 and both.usage.prompt_tokens > 0

    @check("errors are the vendor's classes")
    def _():
        for model, messages, kind in (("rung/three", GRASS, openai.NotFoundError), ("local", [{"role": "tool", "content": "x"}, *GRASS], openai.BadRequestError)):
            try:
                ai.chat.completions.create(model=model, messages=messages)
            except kind as e:
                assert e.status_code in (400, 404) and e.body["message"], e
            else:
                raise AssertionError(model)

    @check("a response to nothing is refused as a completion is")
    def _():
        for input in ([{"role": "user"}], [{"role": "user", "content": None}], [{"role": "user", "content": 3}]):
            try:
                ai.responses.create(model="rung/one", input=input)
            except openai.BadRequestError as e:
                assert "content" in e.body["message"], e
            else:
                raise AssertionError(input)

    @check("a failure that passes is tried again, and not noticed")
    def _():
        assert ai.chat.completions.create(model=UPSTREAM, messages=[{"role": "user", "content": "fail once"}]).choices[0].message.content == "dry"

    @check("the models are listed")
    def _():
        assert {"rung/one", "local", "all-MiniLM-L6-v2", UPSTREAM} <= {m.id for m in ai.models.list()}


def with_langchain():
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings
    chat = lambda model, **more: ChatOpenAI(base_url=BASE, api_key="none", model=model, timeout=60, **more)

    @check("invoke and batch")
    def _():
        assert chat("rung/one").invoke("grass number 3").content == "green"
        assert [m.content for m in chat("rung/one").batch(["grass number 3", "blood number 2"])] == ["green", "red"]

    @check("stream")
    def _():
        assert "".join(p.content for p in chat("rung/one").stream("grass number 3")) == "green"

    @check("structured output, of a local model")
    def _():
        model = chat("local", max_tokens=100).with_structured_output({"title": "colour", **SCHEMA}, method="json_schema")
        assert model.invoke("A colour.")["colour"] in ("red", "green")

    @check("tools")
    def _():
        assert chat(UPSTREAM).bind_tools([TOOL]).invoke("Is it raining in Bern?").tool_calls[0]["args"] == {"town": "Bern"}

    @check("embeddings")
    def _():
        vectors = OpenAIEmbeddings(base_url=BASE, api_key="none", model="all-MiniLM-L6-v2", check_embedding_ctx_length=False)
        assert len(vectors.embed_query("a cat")) == 384


{"openai": with_openai, "langchain": with_langchain}[PART]()
sys.exit(failures > 0)
