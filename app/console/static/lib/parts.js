// What several pages show.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { address } from "./api.js";
import { words } from "./format.js";

// What went wrong, and what to do where the person can do something.
export function Problem({ failure }) {
  if (!failure) return null;
  const wantsKey = failure.status === 401 || failure.status === 403;
  return html`<p class="problem" role="alert">
    ${failure.message}${wantsKey ? " Enter a key that may, with the button Key above." : ""}
  </p>`;
}

export const Outcome = ({ of }) =>
  html`<span class=${`outcome ${of}`}>${words(of)}</span>`;

// Asks before something that cannot be taken back: the word has to be typed.
export function Confirm({ word, label, onDone, onCancel }) {
  const [typed, setTyped] = useState("");
  const input = useRef(null);
  useEffect(() => input.current?.focus(), []);
  const submit = (event) => {
    event.preventDefault();
    if (typed.trim() === word) onDone();
  };
  return html`<form class="confirm" onSubmit=${submit}>
    <label>${label} Type <b>${word}</b> to go on:
      <input ref=${input} value=${typed} autocomplete="off"
        onInput=${(event) => setTyped(event.target.value)} /></label>
    <button disabled=${typed.trim() !== word}>Do it</button>
    <button type="button" class="quiet" onClick=${onCancel}>Leave it</button>
  </form>`;
}

// Calls again and again while the page is seen; returns what came, the failure, and a way to call
// at once.
export function usePolled(load, everyMs, keys = []) {
  const [state, setState] = useState({ value: null, failure: null });
  const again = useRef(() => {});
  useEffect(() => {
    let isOver = false;
    let timer;
    const run = async () => {
      clearTimeout(timer);
      try {
        const value = await load();
        if (!isOver) setState({ value, failure: null });
      } catch (failure) {
        if (!isOver) setState((former) => ({ ...former, failure }));
      }
      if (!isOver) timer = setTimeout(() => (document.hidden ? wait() : run()), everyMs);
    };
    const wait = () => addEventListener("visibilitychange", run, { once: true });
    again.current = run;
    addEventListener("ragserve-key", run);
    run();
    return () => {
      isOver = true;
      clearTimeout(timer);
      removeEventListener("ragserve-key", run);
      removeEventListener("visibilitychange", run);
    };
  }, keys);
  return { ...state, again: () => again.current() };
}

// The same request for a terminal and for a program.
export function Code({ path, body, method = "POST" }) {
  const [language, setLanguage] = useState("curl");
  const text = language === "curl" ? curlOf(path, body, method) : pythonOf(path, body, method);
  return html`<details class="code">
    <summary>The same by curl or Python</summary>
    <div class="row">
      ${["curl", "Python"].map(
        (name) => html`<button type="button" class="quiet" aria-pressed=${name === language}
          onClick=${() => setLanguage(name)}>${name}</button>`,
      )}
      <button type="button" class="quiet" onClick=${() => navigator.clipboard?.writeText(text)}>
        Copy</button>
    </div>
    <pre tabindex="0">${text}</pre>
  </details>`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlOf(path, body, method) {
  const lines = [`curl -sN ${method === "GET" ? "" : `-X ${method} `}${address(path)}`];
  lines.push("-H 'authorization: Bearer '\"$RAGSERVE_API_KEY\"");
  if (body !== undefined) {
    lines.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return lines.join(" \\\n  ");
}

function pythonOf(path, body, method) {
  const json = body === undefined ? "" : `\n    json=json.loads(${pythonText(body)}),`;
  return `import json
import os

import httpx

response = httpx.request(
    "${method}",
    "${address(path)}",
    headers={"Authorization": f"Bearer {os.environ.get('RAGSERVE_API_KEY', '')}"},${json}
    timeout=60,
)
response.raise_for_status()
print(response.text)`;
}

const pythonText = (body) => JSON.stringify(JSON.stringify(body));
