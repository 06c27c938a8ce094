// Calls of the service that this page came from. The key is kept for this tab alone, and goes out
// as a header.

const ROOT = new URL("../../", import.meta.url);
const KEY = "ragserve-key";

export function key() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function setKey(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
  dispatchEvent(new Event("ragserve-key"));
}

export function address(path) {
  return new URL(path.replace(/^\//, ""), ROOT).href;
}

// An answer that is no success: `status` and `code` as the service gave them, 0 where there was no
// answer at all.
export class Failure extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function send(path, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = { accept: "application/json", ...headers };
  if (key()) sent.authorization = `Bearer ${key()}`;
  let content = body;
  if (body !== undefined && !(body instanceof FormData)) {
    sent["content-type"] = "application/json";
    content = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(address(path), { method, headers: sent, body: content, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service does not answer.");
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

export async function call(path, options) {
  return (await send(path, options)).json();
}

// As `call`; without a key nothing is asked, since it would be refused.
export async function forOperators(path, options) {
  if (!key()) throw new Failure("This is for operators.", 401, "unauthorized");
  return call(path, options);
}

async function failureOf(response) {
  const problem = await response.json().catch(() => ({}));
  const told = problem.detail ?? problem.title ?? response.statusText;
  return new Failure(told || `status ${response.status}`, response.status, problem.code ?? "");
}
