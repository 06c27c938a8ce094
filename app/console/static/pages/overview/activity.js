// The last minutes: how much was asked, how long it took, and where that time went.

import { html } from "../../vendor/preact.js";
import { count, dollars, minute, ms, number } from "../../lib/format.js";
import { Plot } from "../../lib/plot.js";

const PARTS = new Set(["total", "queue", "ttft", "tpot"]);

export function Activity({ of }) {
  const { total, minutes, gateways } = of;
  const labels = minutes.map((one) => minute(one.at));
  const open = gateways.reduce((sum, one) => sum + one.open_requests, 0);
  const limit = gateways.reduce((sum, one) => sum + one.limit, 0);
  const each = (name) => minutes.map((one) => one[name]);
  const times = (share) => minutes.map((one) => one.times.total?.[share] ?? null);
  const bad = minutes.map((one) => one.failed + one.rejected);
  return html`<h2>Last ${minutes.length} minutes</h2>
    <dl class="tiles">
      <${Tile} name="requests/s" value=${number(total.requests_per_s)} />
      <${Tile} name="p50" value=${ms(total.times.total?.p50_ms) || "none"} />
      <${Tile} name="p95" value=${ms(total.times.total?.p95_ms) || "none"} />
      <${Tile} name="waiting, p95" value=${ms(total.times.queue?.p95_ms) || "none"} />
      <${Tile} name="failed" value=${count(total.failed)} isBad=${total.failed > 0} />
      <${Tile} name="turned down" value=${count(total.rejected)} />
      <${Tile} name="under way" value=${limit ? `${open} of ${limit}` : "unknown"} />
      <${Tile} name="cost" value=${dollars(total.cost_usd)} />
    </dl>
    <div class="plots">
      <${Plot} title="Requests by the minute" labels=${labels} format=${count} series=${[
        { name: "answered", is: "bar", values: each("requests").map((all, at) => all - bad[at]) },
        { name: "failed or turned down", is: "bar", values: bad },
      ]} />
      <${Plot} title="Time of an answer" labels=${labels} format=${ms} series=${[
        { name: "p50", is: "line", values: times("p50_ms") },
        { name: "p95", is: "line", values: times("p95_ms") },
      ]} />
    </div>`;
}

function Tile({ name, value, isBad }) {
  return html`<div class=${isBad ? "bad" : ""}><dt>${name}</dt><dd>${value}</dd></div>`;
}

export function Stages({ of }) {
  const stages = Object.entries(of.times).filter(([name]) => !PARTS.has(name));
  const most = Math.max(...stages.map(([, times]) => times.p95_ms));
  if (stages.length === 0) return null;
  return html`<h2>Stages</h2>
    <table class="list stages">
      <thead><tr><th>Stage</th><th class="figure">p50</th><th class="figure">p95</th><th class="wide-only">
        <span class="hidden">Compared</span></th></tr></thead>
      <tbody>${stages.map(
        ([name, times]) => html`<tr key=${name}><th scope="row">${name}</th>
          <td class="figure">${ms(times.p50_ms)}</td><td class="figure">${ms(times.p95_ms)}</td>
          <td class="wide-only"><${Bar} p50=${times.p50_ms / most} p95=${times.p95_ms / most} /></td></tr>`,
      )}</tbody></table>`;
}

function Bar({ p50, p95 }) {
  return html`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="s1 weak" width=${1000 * p95} height="10" /><rect class="s0" width=${1000 * p50} height="10" /></svg>`;
}
