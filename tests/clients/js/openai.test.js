// OpenAI's own library.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { FOLLOW_UP, IN_ANSWER, KEY, QUESTION, V1 } from "./service.js";

const client = new OpenAI({ baseURL: V1, apiKey: KEY });
const asked = { role: "user", content: QUESTION };

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
