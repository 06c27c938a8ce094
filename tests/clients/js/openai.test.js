// OpenAI's own library.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { FOLLOW_UP, IN_ANSWER, KEY, QUESTION, TOOLS_V1, V1 } from "./service.js";

const client = new OpenAI({ baseURL: V1, apiKey: KEY });
const asked = { role: "user", content: QUESTION };
const tools = new OpenAI({ baseURL: TOOLS_V1 ?? V1, apiKey: KEY });
const noTools = TOOLS_V1 ? false : "RAGSERVE_TOOLS_URL names no service";
const booking = { role: "user", content: "Please call book_berth." };
const schema = { type: "object", properties: { feet: { type: "integer" } }, required: ["feet"] };
const berth = { type: "function", function: { name: "book_berth", parameters: schema } };

test("openai: chat, and a second turn with the message as it came", async () => {
  const first = await client.chat.completions.create({ model: "ragserve", messages: [asked] });
  assert.match(first.choices[0].message.content, IN_ANSWER);
  assert.equal(first.model, "ragserve");
  const turns = [asked, first.choices[0].message, { role: "user", content: FOLLOW_UP }];
  const second = await client.chat.completions.create({ model: "ragserve", messages: turns });
  assert.ok(second.choices[0].message.content);
});

test("openai: chat, streamed, and by its helper", async () => {
  const stream = await client.chat.completions.create({
    model: "ragserve",
    messages: [asked],
    stream: true,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.match(text, IN_ANSWER);
  const helper = client.chat.completions.stream({ model: "ragserve", messages: [asked] });
  assert.match(await helper.finalContent(), IN_ANSWER);
});

test("openai: embeddings and models", async () => {
  const vectors = await client.embeddings.create({ model: "ragserve", input: ["a", "b"] });
  assert.deepEqual(vectors.data.map((one) => one.embedding.length), [384, 384]);
  assert.equal((await client.models.retrieve("ragserve")).id, "ragserve");
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes("ragserve"));
});

test("openai: an error has its code and its field", async () => {
  const wrong = client.chat.completions.create({ model: "gpt-9", messages: [asked] });
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
    return true;
  });
});

test("openai: responses: whole, a second turn, streamed", async () => {
  const first = await client.responses.create({ model: "ragserve", input: QUESTION });
  assert.match(first.output_text, IN_ANSWER);
  const input = [asked, ...first.output, { role: "user", content: FOLLOW_UP }];
  assert.ok((await client.responses.create({ model: "ragserve", input })).output_text);
  const kinds = new Set();
  const stream = await client.responses.create({ model: "ragserve", input: QUESTION, stream: true });
  for await (const event of stream) kinds.add(event.type);
  assert.ok(kinds.has("response.output_text.delta") && kinds.has("response.completed"));
});

test("openai: files and vector stores", async () => {
  const text = "# Slipway\n\nThe slipway of Kyle is swept by Ishbel on Thursdays.";
  const upload = new File([text], "slipway.md");
  const file = await client.files.create({ file: upload, purpose: "assistants" });
  try {
    const query = "Who sweeps the slipway of Kyle?";
    const found = await client.vectorStores.search("vs_default", { query });
    assert.equal(found.data[0].file_id, file.id);
  } finally {
    assert.ok((await client.files.delete(file.id)).deleted);
  }
});

test("openai: batches", async () => {
  const body = { model: "ragserve", messages: [asked] };
  const lines = ["first", "second"].map((custom_id) =>
    JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body }),
  );
  const upload = new File([lines.join("\n")], "questions.jsonl");
  const file = await client.files.create({ file: upload, purpose: "batch" });
  let batch = await client.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const ends = Date.now() + 60_000;
  while (batch.status !== "completed" && Date.now() < ends) {
    await sleep(200);
    batch = await client.batches.retrieve(batch.id);
  }
  assert.equal(batch.status, "completed");
  const answers = (await (await client.files.content(batch.output_file_id)).text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(answers.map((answer) => answer.custom_id), ["first", "second"]);
  for (const { response } of answers) {
    assert.match(response.body.choices[0].message.content, IN_ANSWER);
  }
});

test("openai: functions, and a second turn", { skip: noTools }, async () => {
  const ask = { model: "ragserve", tools: [berth] };
  const first = await tools.chat.completions.create({ ...ask, messages: [booking] });
  const { message } = first.choices[0];
  const [call] = message.tool_calls;
  assert.deepEqual([call.function.name, call.function.arguments], ["book_berth", '{"feet": 7}']);
  const told = { role: "tool", tool_call_id: call.id, content: "berth 7" };
  const messages = [booking, message, told];
  const second = await tools.chat.completions.create({ ...ask, messages });
  assert.match(second.choices[0].message.content, /It returned: berth 7/);
});

test("openai: chat.completions.parse", { skip: noTools }, async () => {
  const parsed = await tools.chat.completions.parse({
    model: "ragserve",
    messages: [booking],
    response_format: zodResponseFormat(z.object({ feet: z.number().int() }), "berth"),
  });
  assert.deepEqual(parsed.choices[0].message.parsed, { feet: 7 });
});
