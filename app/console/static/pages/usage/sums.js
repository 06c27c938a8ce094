// Sums of usage, group by group.

import { html } from "../../vendor/preact.js";
import { count, dollars } from "../../lib/format.js";
import { sumsOf } from "./groups.js";

const COLUMNS = [
  ["Requests", "requests", count],
  ["Failed", "failed", count],
  ["Read", "prompt_tokens", count],
  ["Cached", "cached_tokens", count],
  ["Written", "completion_tokens", count],
  ["Embedded", "embedding_tokens", count],
  ["Reranked", "rerank_tokens", count],
  ["Cost", "cost_usd", dollars],
];

export function Sums({ of, by }) {
  const rows = [...sumsOf(of.rows, by), { name: "all", isTotal: true, ...of.total }];
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`Sums by ${by}`}>
    <table class="list">
      <caption>Sums from ${of.from} to ${of.to}, in UTC; tokens by who read or wrote them</caption>
      <thead><tr><th>${by[0].toUpperCase() + by.slice(1)}</th>${COLUMNS.map(
        ([title]) => html`<th class="figure">${title}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr key=${row.name} class=${row.isTotal ? "total" : ""}><th scope="row">${row.name}</th>
          ${COLUMNS.map(([, name, format]) => html`<td class="figure">${format(row[name])}</td>`)}</tr>`,
      )}</tbody></table></div>`;
}
