// A question by the types that openapi-typescript wrote.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { env: Record<string, string> };

const client = createClient<paths>({ baseUrl: process.env.RAGSERVE_URL });
const { data, error } = await client.POST("/v1/query", {
  body: { query: "What happens when a queue is full?" },
});
if (error) throw new Error(error.detail);
if (!("answer" in data)) throw new Error("a whole answer was asked for");
console.log(data.answer);
