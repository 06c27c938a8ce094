// The audit log: who changed what, the newest first.

import { html, useEffect, useState } from "../../vendor/preact.js";
import { call, forOperators } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { day } from "../../lib/format.js";
import { Outcome, Problem } from "../../lib/parts.js";

const PAGE = 50;
const FILTERS = { action: "Action, or its beginning", actor: "By", object: "Of" };

function pathOf(wanted, before) {
  const asked = new URLSearchParams({ limit: PAGE, newest: true });
  for (const [name, value] of Object.entries(wanted)) if (value) asked.set(name, value);
  if (before) asked.set("before", before);
  return `/v1/audit?${asked}`;
}

export function Audit() {
  const [wanted, setWanted] = useState({});
  const [pages, setPages] = useState([]);
  const [failure, setFailure] = useState(null);
  const load = (before) =>
    forOperators(pathOf(wanted, before)).then(
      (page) => {
        setPages((former) => (before ? [...former, page] : [page]));
        setFailure(null);
      },
      (refused) => {
        setPages([]);
        setFailure(refused);
      },
    );
  useEffect(() => {
    const anew = () => load();
    anew();
    addEventListener("ragserve-key", anew);
    return () => removeEventListener("ragserve-key", anew);
  }, [wanted]);
  const submit = (event) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    setWanted(Object.fromEntries([...data].map(([name, value]) => [name, value.trim()])));
  };
  const entries = pages.flatMap((page) => page.entries);
  const next = pages.at(-1)?.next;
  return html`<h1>Audit</h1>
    <form class="row" onSubmit=${submit}>
      ${Object.entries(FILTERS).map(
        ([name, label]) => html`<label>${label} <input name=${name} maxlength="64" /></label>`)}
      <button class="quiet">Look for it</button>
    </form>
    <${Problem} failure=${failure} />
    ${pages.length > 0 && html`<p role="status" class="note">${entries.length} shown${next ? "; there are older ones" : ""}.</p>`}
    ${entries.length > 0 && html`<${Entries} of=${entries} />`}
    ${next != null && html`<button type="button" onClick=${() => load(next)}>Show older ones</button>`}
    ${pages.length > 0 && html`<${Verification} /><${Code} path=${pathOf(wanted)} method="GET" />`}`;
}

function Entries({ of }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Entries"><table class="list">
    <thead><tr><th>No.</th><th>When</th><th>By</th><th>Action</th><th>Of</th><th>Tenant</th>
      <th>What</th></tr></thead>
    <tbody>${of.map(
      (one) => html`<tr key=${one.number}><td>${one.number}</td><td class="when">${day(one.at)}</td>
        <td>${one.actor}</td><td>${one.action}${one.outcome === "asked" && html` <span class="note">asked</span>`}</td>
        <td>${one.object}</td><td>${one.tenant}</td>
        <td><${Changes} of=${one.changes} /></td></tr>`,
    )}</tbody></table></div>`;
}

const Changes = ({ of }) =>
  Object.entries(of).map(([name, value]) => html`<div><span class="note">${name}</span>${" "}
    ${typeof value === "string" ? value : JSON.stringify(value)}</div>`);

function Verification() {
  const [found, setFound] = useState(null);
  const [failure, setFailure] = useState(null);
  const verify = () => call("/v1/audit/verification").then(setFound, setFailure);
  return html`<p class="row"><button type="button" class="quiet" onClick=${verify}>Is the log as it was written?</button>
      <span role="status">${found && html`<${Outcome} of=${found.intact ? "ok" : "failing"} />
        ${" "}${found.intact ? `All ${found.entries} entries are.` : `Entry ${found.broken_at}: ${found.reason}.`}`}</span></p>
    <${Problem} failure=${failure} />`;
}
