// One key: what it opens, its bounds with what is used of them, and changing or ending it.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { count, day, dollars } from "../../lib/format.js";
import { Confirm, Outcome, Problem } from "../../lib/parts.js";
import { tokensOf } from "../usage/groups.js";
import { Bounds } from "./bounds.js";

export function Key({ of, hasEnded, today, month, onChanged }) {
  const [isDoing, setDoing] = useState("");
  const [failure, setFailure] = useState(null);
  const path = `/admin/keys/${encodeURIComponent(of.id)}`;
  async function revoke() {
    try {
      await call(path, { method: "DELETE" });
      setFailure(null);
      onChanged();
    } catch (refused) {
      setFailure(refused);
    }
    setDoing("");
  }
  const name = of.name || of.id;
  const state = of.revoked_at ? "revoked" : hasEnded ? "expired" : "holds";
  return html`<article class="card" aria-label=${`Key ${name}`}>
    <h2>${name} <${Outcome} of=${state} /></h2>
    <dl class="facts">
      <div><dt>id</dt><dd>${of.id}</dd></div>
      <div><dt>tenant</dt><dd>${of.tenant}</dd></div>
      <div><dt>opens</dt><dd>${of.scopes.join(", ")}</dd></div>
      ${of.groups && html`<div><dt>groups</dt><dd>${of.groups.join(", ") || "none"}</dd></div>`}
      ${of.releases && html`<div><dt>releases</dt><dd>${of.releases.join(", ") || "none"}</dd></div>`}
      <div><dt>made</dt><dd>${day(of.created_at)} by ${of.created_by}</dd></div>
      <div><dt>last used</dt><dd>${of.last_used_on || "never"}</dd></div>
      ${of.expires_at && html`<div><dt>until</dt><dd>${day(of.expires_at)}</dd></div>`}
      ${limitsOf(of.limits).map(([said, value]) => html`<div><dt>${said}</dt><dd>${count(value)}</dd></div>`)}
    </dl>
    <${Spent} budgets=${of.budgets} today=${today} month=${month} />
    ${!hasEnded && html`<p class="row">
      <button type="button" class="quiet" aria-expanded=${isDoing === "change"} aria-label=${`Limits of ${name}`}
        onClick=${() => setDoing(isDoing === "change" ? "" : "change")}>Limits and budgets</button>
      <button type="button" class="quiet danger" aria-label=${`Revoke ${name}`}
        onClick=${() => setDoing("revoke")}>Revoke</button></p>`}
    ${isDoing === "change" && html`<${Bounds} of=${of} path=${path} onDone=${() => {
      setDoing("");
      onChanged();
    }} />`}
    ${isDoing === "revoke" && html`<${Confirm} word="revoke" label="Within two seconds it opens nothing any more."
      onDone=${revoke} onCancel=${() => setDoing("")} />`}
    <${Problem} failure=${failure} />
  </article>`;
}

const limitsOf = (limits) => [
  ["requests/min", limits.requests_per_min],
  ["tokens/min", limits.tokens_per_min],
  ["at once", limits.concurrent_requests],
].filter(([, value]) => value != null);

// What is used of the budgets, and what was used where there are none.
function Spent({ budgets, today, month }) {
  const rows = [
    ["today", today, today?.cost_usd, budgets.day_usd, dollars],
    ["today", today, today && tokensOf(today), budgets.day_tokens, count],
    ["this month", month, month?.cost_usd, budgets.month_usd, dollars],
    ["this month", month, month && tokensOf(month), budgets.month_tokens, count],
  ].filter(([, usage, , most], place) => most != null || (usage && place === 3));
  if (rows.length === 0) return null;
  return html`<dl class="spent">${rows.map(([when, , used, most, format]) => html`<div>
    <dt>${when}</dt><dd>${format(used ?? 0)}${most == null ? " tokens"
      : ` of ${format(most)}${format === count ? " tokens" : ""}${budgets.mode === "warn" ? ", only told" : ""}`}
    ${most != null && html` <meter min="0" max=${most || 1} high=${0.9 * most} value=${Math.min(used ?? 0, most)}
      aria-label=${`Used ${when}`}></meter>`}</dd></div>`)}</dl>`;
}
