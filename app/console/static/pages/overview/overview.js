// Overview: whether questions can be answered, by which releases and replicas, and what was asked
// lately.

import { html } from "../../vendor/preact.js";
import { address, forOperators } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { ms, percent, words } from "../../lib/format.js";
import { Outcome, Problem } from "../../lib/parts.js";
import { usePolled } from "../../lib/poll.js";
import { Activity, Stages } from "./activity.js";
import { Replicas } from "./replicas.js";

const PATH = "/admin/overview?minutes=15";
const EVERY_MS = 5_000;
// It asks every stage.
const READY_EVERY_MS = 30_000;

export function Overview() {
  // Also a service that is not ready says why.
  const ready = usePolled(async () => (await fetch(address("/health/ready"))).json(), READY_EVERY_MS);
  const seen = usePolled(() => forOperators(PATH), EVERY_MS);
  const releases = usePolled(() => forOperators("/admin/releases"), READY_EVERY_MS);
  const found = seen.value;
  return html`<h1>Overview</h1>
    <${Problem} failure=${ready.failure && { message: "The service does not answer." }} />
    ${ready.value && html`<${State} of=${ready.value} />`}
    <${Problem} failure=${seen.failure} />
    ${found?.missing.length > 0 &&
    html`<p class="problem">There is no answer from the ${found.missing.join(" and the ")}.</p>`}
    ${found && html`<${Activity} of=${found} />`}
    ${releases.value && html`<h2>Releases</h2>
      <${Releases} of=${releases.value} activity=${found?.releases ?? []} />`}
    ${found && html`<${Stages} of=${found.total} /><${Replicas} of=${found} />
      <${Code} path=${PATH} method="GET" />`}
    ${ready.value && html`<${Readiness} of=${ready.value} />`}`;
}

function State({ of }) {
  return html`<p class="reason" role="status">
      <${Outcome} of=${of.status} /> ${of.status === "ready"
        ? "Questions are answered."
        : "No release can answer questions now."}</p>
    ${of.settings_error &&
    html`<p class="problem">The settings deployed last do not hold: ${of.settings_error}</p>`}`;
}

function Readiness({ of }) {
  return html`<h2>Readiness</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Readiness"><table class="list">
      <caption>What the gateway asks</caption>
      <thead><tr><th>Stage</th><th>State</th><th class="figure">Says so in</th><th>Breaker</th><th>Remark</th></tr></thead>
      <tbody>${of.dependencies.map(
        (one) => html`<tr key=${one.name}><td>${one.name}</td>
          <td><${Outcome} of=${one.status} /></td>
          <td class="figure">${ms(one.latency_ms)}</td><td>${words(one.breaker)}</td>
          <td>${one.detail}${!one.required && !one.detail ? "not needed for an answer" : ""}</td>
        </tr>`,
      )}</tbody></table></div>`;
}

function Releases({ of, activity }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Releases"><table class="list">
    <thead><tr><th>Release</th><th>Traffic</th><th>Role</th><th class="figure">Requests</th>
      <th class="figure">Failed</th><th class="figure">p95</th><th>Retrieval</th><th>Generator</th></tr></thead>
    <tbody>${of.releases.map((one) => {
      const done = activity.find((each) => each.release === one.name);
      return html`<tr key=${one.name}><td>${one.name}</td>
        <td><meter min="0" max="1" value=${one.weight} aria-label=${`Traffic of ${one.name}`}></meter>
          ${" "}${percent(one.weight)}</td>
        <td>${one.role && html`<${Outcome} of=${one.role} />`}</td>
        <td class="figure">${done?.requests ?? ""}</td><td class="figure">${done?.failed ?? ""}</td>
        <td class="figure">${ms(done?.times.total?.p95_ms)}</td>
        <td>${one.retrieval}</td><td>${one.generator.join(", ")}</td></tr>`;
    })}</tbody></table></div>`;
}
