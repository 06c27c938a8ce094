// Overview: whether questions can be answered, by which releases, and what was asked lately.

import { html } from "../vendor/preact.js";
import { address, call, forOperators } from "../lib/api.js";
import { ms, percent, words } from "../lib/format.js";
import { Outcome, Problem, usePolled } from "../lib/parts.js";

export function Overview() {
  // Also a service that is not ready says why.
  const ready = usePolled(async () => (await fetch(address("/health/ready"))).json(), 5000);
  const releases = usePolled(() => forOperators("/admin/releases"), 5000);
  return html`<h1>Overview</h1>
    <${Problem} failure=${ready.failure && { message: "The service does not answer." }} />
    ${ready.value && html`<${Readiness} of=${ready.value} />`}
    <h2>Releases</h2>
    <${Problem} failure=${releases.failure} />
    ${releases.value && html`<${Releases} of=${releases.value} />`}`;
}

function Readiness({ of }) {
  return html`<p class="reason" role="status">
      <${Outcome} of=${of.status} /> ${of.status === "ready"
        ? "Questions are answered."
        : "No release can answer questions now."}</p>
    ${of.settings_error &&
    html`<p class="problem">The settings deployed last do not hold: ${of.settings_error}</p>`}
    <table class="list">
      <caption>What the gateway asks</caption>
      <thead><tr><th>Stage</th><th>State</th><th>Says so in</th><th>Breaker</th><th>Remark</th></tr></thead>
      <tbody>${of.dependencies.map(
        (one) => html`<tr key=${one.name}><td>${one.name}</td>
          <td><${Outcome} of=${one.status} /></td>
          <td class="figure">${ms(one.latency_ms)}</td><td>${words(one.breaker)}</td>
          <td>${one.detail}${!one.required && !one.detail ? "not needed for an answer" : ""}</td>
        </tr>`,
      )}</tbody></table>`;
}

function Releases({ of }) {
  return html`<table class="list">
    <thead><tr><th>Release</th><th>Traffic</th><th>Role</th><th>Retrieval</th><th>Generator</th></tr>
    </thead>
    <tbody>${of.releases.map(
      (one) => html`<tr key=${one.name}><td>${one.name}</td>
        <td><meter min="0" max="1" value=${one.weight}>${percent(one.weight)}</meter>${" "}
          ${percent(one.weight)}</td>
        <td>${one.role && html`<${Outcome} of=${one.role} />`}</td><td>${one.retrieval}</td>
        <td>${one.generator.join(", ")}</td></tr>`,
    )}</tbody></table>`;
}
