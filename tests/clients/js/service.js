// The service that the clients are tried against, and the questions that they ask of it.
export const ROOT = (process.env.RAGSERVE_URL ?? "http://127.0.0.1:8000").replace(/\/$/, "");
export const V1 = `${ROOT}/v1`;
const tools = process.env.RAGSERVE_TOOLS_URL;
// Where functions find a model that calls them: `python -m tests.tools_service`.
export const TOOLS_V1 = tools && `${tools.replace(/\/$/, "")}/v1`;
export const KEY = "unused";
export const QUESTION = "What happens when a queue is full?";
export const FOLLOW_UP = "And what does the header Retry-After say?";
export const IN_ANSWER = /503/;
