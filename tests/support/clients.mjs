// clients.mjs BASE UPSTREAM - what the Node packages openai and @langchain/openai make of `rung serve` (tests/e2e/clients.sh, clients.py).
import assert from "node:assert/strict";
import OpenAI from "openai";

const [base, upstream] = process.argv.slice(2);
const ai = new OpenAI({ baseURL: base, apiKey: "none", maxRetries: 2, timeout: 60000 });
const grass = [{ role: "user", content: "grass number 3" }];
const tool = { type: "function", function: { name: "weather", parameters: { type: "object", properties: { town: { type: "string" } }, required: ["town"] } } };
const schema = { type: "object", properties: { colour: { enum: ["red", "green"] } }, required: ["colour"], additionalProperties: false };
let failures = 0;

async function check(name, test) {
  try {
    await test();
    console.log(`[       OK ] node: ${name}`);
  } catch (error) {
    failures++;
    console.log(`${name}: ${error.stack}\n[  FAILED  ] node: ${name}`);
  }
}

await check("chat", async () => {
  const reply = await ai.chat.completions.create({ model: "rung/one", messages: grass });
  assert.equal(reply.choices[0].message.content, "green");
  assert.equal(reply["rung::task"], "one");
});
await check("streaming", async () => {
  let said = "";
  for await (const part of await ai.chat.completions.create({ model: "rung/one", messages: grass, stream: true }))
    said += part.choices[0]?.delta?.content ?? "";
  assert.equal(said, "green");
});
await check("tools, streamed by the helper", async () => {
  const stream = ai.chat.completions.stream({ model: upstream, messages: [{ role: "user", content: "Is it raining in Bern?" }], tools: [tool] });
  const call = (await stream.finalMessage()).tool_calls[0];
  assert.deepEqual([call.function.name, call.function.arguments], ["weather", '{"town":"Bern"}']);
});
await check("JSON by a schema, of a local model", async () => {
  const reply = await ai.chat.completions.create({ model: "local", messages: [{ role: "user", content: "A colour." }], max_tokens: 100,
    response_format: { type: "json_schema", json_schema: { name: "colour", schema } } });
  assert.ok(["red", "green"].includes(JSON.parse(reply.choices[0].message.content).colour));
});
await check("embeddings, in base64 as it asks for them", async () => {
  const reply = await ai.embeddings.create({ model: "all-MiniLM-L6-v2", input: ["a cat", "a kitten"] });
  assert.equal(reply.data.length, 2);
  assert.equal(reply.data[0].embedding.length, 384);
  assert.ok(Math.abs(reply.data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-4);
});
await check("errors are the vendor's classes", async () => {
  await assert.rejects(ai.chat.completions.create({ model: "rung/three", messages: grass }), OpenAI.NotFoundError);
  await assert.rejects(ai.chat.completions.create({ model: "local", messages: [{ role: "tool", content: "x" }, ...grass] }), OpenAI.BadRequestError);
});
await check("a failure that passes is tried again", async () => {
  const reply = await ai.chat.completions.create({ model: upstream, messages: [{ role: "user", content: "fail once" }] });
  assert.equal(reply.choices[0].message.content, "dry");
});

let langchain = null;
try {
  langchain = await import("@langchain/openai");
} catch {
  console.log("no @langchain/openai; run `make sdk`\n[  SKIPPED ] node: LangChain's ChatOpenAI");
}
if (langchain) {
  await check("LangChain's ChatOpenAI: invoke and stream", async () => {
    const chat = new langchain.ChatOpenAI({ model: "rung/one", apiKey: "none", configuration: { baseURL: base } });
    assert.equal((await chat.invoke("grass number 3")).content, "green");
    let said = "";
    for await (const part of await chat.stream("grass number 3")) said += part.content;
    assert.equal(said, "green");
  });
}
process.exit(failures > 0 ? 1 : 0);
