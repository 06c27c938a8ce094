// Stepping in: what a person may do with a rollout, and has to say and to type for it.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { Confirm, Problem } from "../../lib/parts.js";

const COMMANDS = {
  running: ["pause", "approve", "advance", "promote", "abort"],
  paused: ["resume", "promote", "abort"],
};
const LABELS = {
  pause: "Hold it where it is.",
  resume: "Let it go on.",
  approve: "Agree that this stage may end.",
  advance: "End this stage now, whatever is known.",
  promote: "Give the canary all of the traffic, whatever is known.",
  abort: "Take the canary out of the traffic.",
};

export function StepIn({ of, onDone }) {
  const [command, setCommand] = useState("");
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState(null);
  const path = `/admin/rollouts/${encodeURIComponent(of.id)}/${command}`;
  const body = { reason: reason.trim(), stage: of.stage, by: "console" };
  async function act() {
    try {
      await call(path, { method: "POST", body });
      setFailure(null);
      onDone();
    } catch (refused) {
      setFailure(refused);
    }
    setCommand("");
  }
  return html`<div class="step-in">
    <div class="row">${COMMANDS[of.phase].map(
      (name) => html`<button type="button" class="quiet" title=${LABELS[name]}
        aria-pressed=${name === command} onClick=${() => setCommand(name)}>${name}</button>`,
    )}</div>
    ${command &&
    html`<label class="wide">Why, for the record
        <input value=${reason} maxlength="500"
          onInput=${(event) => setReason(event.target.value)} /></label>
      <${Confirm} key=${command} word=${command} label=${LABELS[command]}
        onDone=${act} onCancel=${() => setCommand("")} />
      <${Code} path=${path} body=${body} />`}
    <${Problem} failure=${failure} />
  </div>`;
}
