// Usage: what was asked and what it cost, by day and by release, key or model; and drift below it.

import { html, useState } from "../../vendor/preact.js";
import { call, Failure, key } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { count, dayBefore, dollars } from "../../lib/format.js";
import { Plot } from "../../lib/plot.js";
import { Problem } from "../../lib/parts.js";
import { useLoaded } from "../../lib/poll.js";
import { Drift } from "./drift.js";
import { groupsOf, tokensOf } from "./groups.js";
import { Sums } from "./sums.js";

const FIGURES = {
  requests: ["Requests", (row) => row.requests, count],
  tokens: ["Tokens", tokensOf, count],
  cost: ["Cost", (row) => row.cost_usd, dollars],
};
const DIMENSIONS = { release: "release", key: "key", model: "model", tenant: "tenant" };
const SPANS = { 7: "7 days", 30: "30 days", 90: "90 days" };

async function ask(path) {
  if (!key()) throw new Failure("Usage is for who has a key.", 401, "unauthorized");
  return call(path);
}

export function UsageAndDrift() {
  return html`<h1>Usage</h1><${Usage} />${key() && html`<${Drift} />`}`;
}

function Usage() {
  const [by, setBy] = useState("release");
  const [days, setDays] = useState(30);
  const [figure, setFigure] = useState("requests");
  const path = `/v1/usage?by=day,${by}&from=${dayBefore(days - 1)}&to=${dayBefore(0)}`;
  const { value, failure, isLoading } = useLoaded(() => ask(path), [path]);
  const [title, valueOf, format] = FIGURES[figure];
  const groups = value ? groupsOf(value.rows, by, valueOf) : [];
  const labels = Array.from({ length: days }, (_, back) => dayBefore(days - 1 - back));
  return html`<form class="row" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} label="Plot" of=${{ requests: "requests", tokens: "tokens", cost: "cost" }}
        value=${figure} onChange=${setFigure} />
      <${Choice} label="By" of=${DIMENSIONS} value=${by} onChange=${setBy} />
      <${Choice} label="Time" of=${SPANS} value=${days} onChange=${(text) => setDays(Number(text))} />
    </form>
    <${Problem} failure=${failure} />
    <p role="status" class="hidden">${isLoading ? "Loading" : "Loaded"}</p>
    ${value && value.rows.length === 0 &&
    html`<p class="empty">Nothing was asked in these ${days} days.</p>`}
    ${value && value.rows.length > 0 &&
    html`<${Plot} title=${`${title} by day and ${by}`} labels=${labels} format=${format}
        series=${groups.map(({ name, byDay }) => ({
          name, is: "bar", values: labels.map((day) => byDay.get(day) ?? 0),
        }))} />
      <${Sums} of=${value} by=${by} />`}
    ${value && html`<${Code} path=${path} method="GET" />`}`;
}

function Choice({ label, of, value, onChange }) {
  return html`<label>${label}
    <select value=${value} onChange=${(event) => onChange(event.target.value)}>${Object.entries(of).map(
      ([name, said]) => html`<option value=${name} selected=${name === String(value)}>${said}</option>`,
    )}</select></label>`;
}
