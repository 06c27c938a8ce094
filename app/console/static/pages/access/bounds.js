// Limits and budgets of a key or a tenant, as a form.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { Problem } from "../../lib/parts.js";

const FIELDS = [
  ["limits", "requests_per_min", "Requests a minute", 1],
  ["limits", "tokens_per_min", "Tokens a minute", 1],
  ["limits", "concurrent_requests", "Requests at once", 1],
  ["budgets", "day_usd", "Dollars a day", "any"],
  ["budgets", "month_usd", "Dollars a month", "any"],
  ["budgets", "day_tokens", "Tokens a day", 1],
  ["budgets", "month_tokens", "Tokens a month", 1],
];

// Returns what the fields of a form say; what is empty has no bound.
export function boundsOf(data) {
  const bounds = { limits: {}, budgets: { mode: data.get("mode") ?? "enforce" } };
  for (const [part, name] of FIELDS) {
    const text = (data.get(name) ?? "").trim();
    if (text) bounds[part][name] = Number(text);
  }
  return bounds;
}

// The fields; `of` has what holds now.
export function BoundFields({ of }) {
  return html`<div class="fields">${FIELDS.map(
      ([part, name, label, step]) => html`<label>${label}
        <input type="number" name=${name} min=${step === 1 ? 1 : 0} step=${step} placeholder="no bound"
          defaultValue=${of?.[part][name] ?? ""} /></label>`,
    )}
    <label>Over a budget
      <select name="mode">
        <option value="enforce" selected=${of?.budgets.mode !== "warn"}>requests are refused</option>
        <option value="warn" selected=${of?.budgets.mode === "warn"}>it is only told</option>
      </select></label></div>`;
}

export function Bounds({ of, path, onDone }) {
  const [body, setBody] = useState({ limits: {}, budgets: { mode: of.budgets.mode } });
  const [failure, setFailure] = useState(null);
  const read = (event) => setBody(boundsOf(new FormData(event.currentTarget)));
  async function submit(event) {
    event.preventDefault();
    try {
      await call(path, { method: "PATCH", body: boundsOf(new FormData(event.currentTarget)) });
      onDone();
    } catch (refused) {
      setFailure(refused);
    }
  }
  return html`<form class="bounds" onSubmit=${submit} onInput=${read} onFocusIn=${read}>
    <${BoundFields} of=${of} />
    <button>Set them</button>
    <${Problem} failure=${failure} />
    <${Code} path=${path} body=${body} method="PATCH" />
  </form>`;
}
