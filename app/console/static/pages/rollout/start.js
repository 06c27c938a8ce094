// A form that begins a rollout, and says what the policy means.

import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { words } from "../../lib/format.js";
import { Problem } from "../../lib/parts.js";

const MODES = {
  "": "As the service is configured to.",
  auto: "The service advances, promotes and takes back by itself.",
  abort_only: "The service takes back by itself; a person agrees to every advance.",
  observe_only: "The service only says what it would do.",
};

export function StartRollout({ onStarted }) {
  const [releases, setReleases] = useState([]);
  const [canary, setCanary] = useState("");
  const [mode, setMode] = useState("");
  const [steps, setSteps] = useState("");
  const [failure, setFailure] = useState(null);
  useEffect(() => {
    call("/admin/releases").then((found) => setReleases(found.releases), setFailure);
  }, []);
  const body = { canary, by: "console" };
  if (mode) body.mode = mode;
  const weights = steps.split(/[\s,]+/).filter(Boolean).map((text) => Number(text) / 100);
  const areWeights = weights.every((weight) => weight > 0 && weight <= 1);
  if (weights.length && areWeights) {
    body.policy = { steps: weights.map((weight) => ({ weight })) };
  }
  async function submit(event) {
    event.preventDefault();
    try {
      const begun = await call("/admin/rollouts", { method: "POST", body });
      setFailure(null);
      onStarted(begun.id);
    } catch (refused) {
      setFailure(refused);
    }
  }
  if (releases.length < 2) return html`<${Problem} failure=${failure} />`;
  return html`<details class="start">
    <summary>Start a rollout</summary>
    <form onSubmit=${submit}>
      <label>Release to try
        <select value=${canary} onChange=${(event) => setCanary(event.target.value)}>
          <option value="">Choose one</option>
          ${releases.filter((one) => one.weight < 1).map(
            (one) => html`<option value=${one.name}>${one.name}</option>`,
          )}
        </select></label>
      <label>Who acts
        <select value=${mode} onChange=${(event) => setMode(event.target.value)}>
          ${Object.keys(MODES).map((name) => html`<option value=${name}>
            ${name ? words(name) : "by the policy"}</option>`)}
        </select></label>
      <p class="note">${MODES[mode]}</p>
      <label>Stages, in percent of the traffic
        <input value=${steps} placeholder="5, 25, 50" inputmode="decimal"
          aria-invalid=${!areWeights} onInput=${(event) => setSteps(event.target.value)} /></label>
      <p class="note">Each stage goes on until the canary has shown, on every metric that counts,
        that it is worse by no more than what is tolerated. The bounds hold at every moment, so it
        may be looked at as often as one likes. Where it is surely worse, it is taken out of the
        traffic at once. The rest of a policy is written in a file:
        <code>ragserve rollout start NAME --policy FILE</code>.</p>
      <button disabled=${!canary || !areWeights}>Start it</button>
      <${Problem} failure=${failure} />
      ${canary && html`<${Code} path="/admin/rollouts" body=${body} />`}
    </form>
  </details>`;
}
