// Tenants, for operators: their bounds, which hold for all of their keys together, and new ones.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { count, dollars } from "../../lib/format.js";
import { Problem } from "../../lib/parts.js";
import { useLoaded } from "../../lib/poll.js";
import { Bounds } from "./bounds.js";

const PATH = "/admin/tenants";

export function Tenants() {
  const { value, failure, again } = useLoaded(() => call(`${PATH}?limit=1000`));
  // Who only makes keys of its own tenant sees none.
  if (failure) return null;
  const tenants = (value?.tenants ?? []).filter((tenant) => !tenant.deleted_at);
  return html`<h2>Tenants</h2>
    <${Create} onMade=${again} />
    <div class="cards">${tenants.map((tenant) => html`<${Tenant} key=${tenant.id} of=${tenant} onChanged=${again} />`)}</div>`;
}

function Tenant({ of, onChanged }) {
  const [isOpen, setOpen] = useState(false);
  const { limits, budgets } = of;
  const bounds = [
    ["requests/min", limits.requests_per_min, count],
    ["tokens/min", limits.tokens_per_min, count],
    ["at once", limits.concurrent_requests, count],
    ["a day", budgets.day_usd, dollars],
    ["a month", budgets.month_usd, dollars],
    ["tokens a day", budgets.day_tokens, count],
    ["tokens a month", budgets.month_tokens, count],
  ].filter(([, value]) => value != null);
  return html`<article class="card" aria-label=${`Tenant ${of.id}`}>
    <h3>${of.id}</h3>
    <dl class="facts">
      ${of.name && html`<div><dt>name</dt><dd>${of.name}</dd></div>`}
      ${bounds.map(([said, value, format]) => html`<div><dt>${said}</dt><dd>${format(value)}</dd></div>`)}
      ${bounds.length === 0 && html`<div><dt>bounds</dt><dd>none</dd></div>`}
    </dl>
    <p class="row"><button type="button" class="quiet" aria-expanded=${isOpen} aria-label=${`Limits of tenant ${of.id}`}
      onClick=${() => setOpen(!isOpen)}>Limits and budgets</button></p>
    ${isOpen && html`<${Bounds} of=${of} path=${`${PATH}/${encodeURIComponent(of.id)}`} onDone=${() => {
      setOpen(false);
      onChanged();
    }} />`}
  </article>`;
}

function Create({ onMade }) {
  const [id, setId] = useState("");
  const [failure, setFailure] = useState(null);
  async function submit(event) {
    event.preventDefault();
    try {
      await call(PATH, { method: "POST", body: { id: id.trim() } });
      setId("");
      setFailure(null);
      onMade();
    } catch (refused) {
      setFailure(refused);
    }
  }
  return html`<form class="row" onSubmit=${submit}>
      <label>New tenant <input value=${id} placeholder="acme" maxlength="64"
        onInput=${(event) => setId(event.target.value)} /></label>
      <button class="quiet" disabled=${!id.trim()}>Make it</button></form>
    <${Problem} failure=${failure} />
    ${id.trim() && html`<${Code} path=${PATH} body=${{ id: id.trim() }} />`}`;
}
