// A question by the client that openapi-generator wrote.
import { AnswersApi, Configuration } from "./index";

declare const process: { env: Record<string, string> };

const api = new AnswersApi(new Configuration({ basePath: process.env.RAGSERVE_URL }));
api
  .query({ queryRequest: { query: "What happens when a queue is full?" } })
  .then((answer) => console.log(answer.answer));
