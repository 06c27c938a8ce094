// Which replicas run, and how busy those of the gateway are.

import { html } from "../../vendor/preact.js";
import { Outcome } from "../../lib/parts.js";

const GOOD = new Set(["HEALTHY", "RUNNING"]);

export function Replicas({ of: { applications, gateways } }) {
  if (applications.length === 0) return null;
  return html`<h2>Replicas</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Replicas"><table class="list">
      <thead><tr><th>Application</th><th>Deployment</th><th>State</th><th>Replicas</th><th>Remark</th></tr></thead>
      <tbody>${applications.flatMap((application) =>
        application.deployments.map(
          (one, place) => html`<tr key=${application.name + one.name}>
            <td>${place === 0 ? application.name : ""}</td><td>${one.name}</td>
            <td><${Outcome} of=${GOOD.has(one.status) ? "ok" : one.status.toLowerCase()} /></td>
            <td>${counts(one.replicas)}${one.name === "Ingress" ? busy(gateways) : ""}</td>
            <td>${one.message}</td></tr>`,
        ),
      )}</tbody></table></div>`;
}

const counts = (replicas) =>
  Object.entries(replicas).map(([state, many]) =>
    state === "RUNNING" ? `${many}` : `${many} ${state.toLowerCase()}`).join(", ") || "none";

const busy = (gateways) =>
  gateways.length ? `: ${gateways.map((one) => `${one.open_requests} of ${one.limit}`).join(", ")} under way` : "";
