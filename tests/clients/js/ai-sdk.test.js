// Vercel's AI SDK: its providers for OpenAI, for whatever speaks as OpenAI does, and for Cohere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createCohere } from "@ai-sdk/cohere";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, rerank, streamText } from "ai";
import { FOLLOW_UP, IN_ANSWER, KEY, QUESTION, V1 } from "./service.js";

const openai = createOpenAI({ baseURL: V1, apiKey: KEY });
const compatible = createOpenAICompatible({ name: "ragserve", baseURL: V1, apiKey: KEY });
const models = {
  "@ai-sdk/openai": openai.chat("ragserve"),
  "@ai-sdk/openai-compatible": compatible("ragserve"),
};

for (const [name, model] of Object.entries(models)) {
  test(`${name}: chat: generateText, a second turn, streamText`, async () => {
    const asked = { role: "user", content: QUESTION };
    const first = await generateText({ model, messages: [asked], frequencyPenalty: 0 });
    assert.match(first.text, IN_ANSWER);
    const turns = [asked, ...first.response.messages, { role: "user", content: FOLLOW_UP }];
    assert.ok((await generateText({ model, messages: turns })).text);
    const stream = streamText({ model, prompt: QUESTION });
    assert.match(await stream.text, IN_ANSWER);
  });
}

test("@ai-sdk/openai: the citations are its sources", async () => {
  const { sources } = await generateText({ model: models["@ai-sdk/openai"], prompt: QUESTION });
  assert.ok(sources.length > 0);
  assert.match(sources[0].url, /^docs\//);
});

test("@ai-sdk/openai: embed", async () => {
  const { embedding } = await embed({ model: openai.embedding("ragserve"), value: "a" });
  assert.equal(embedding.length, 384);
});

test("@ai-sdk/cohere: rerank", async () => {
  const cohere = createCohere({ baseURL: V1.replace("/v1", "/v2"), apiKey: KEY });
  const documents = ["Ships sail.", "Cats sleep a lot."];
  const model = cohere.reranking("ragserve");
  const { ranking } = await rerank({ model, query: "animals", documents });
  assert.equal(ranking[0].originalIndex, 1);
});

test("@ai-sdk/openai: as it comes (responses; store: false for a second turn)", async () => {
  const model = openai("ragserve");
  const providerOptions = { openai: { store: false } };
  const asked = { role: "user", content: QUESTION };
  const first = await generateText({ model, messages: [asked], providerOptions });
  assert.match(first.text, IN_ANSWER);
  const turns = [asked, ...first.response.messages, { role: "user", content: FOLLOW_UP }];
  assert.ok((await generateText({ model, messages: turns, providerOptions })).text);
  assert.match(await streamText({ model, prompt: QUESTION }).text, IN_ANSWER);
});
