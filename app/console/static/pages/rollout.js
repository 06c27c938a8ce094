// Rollouts: where one stands, what is known of each metric and how surely, and stepping in.

import { html, useState } from "../vendor/preact.js";
import { call, forOperators } from "../lib/api.js";
import { day, number, percent, signed, time, words } from "../lib/format.js";
import { Confirm, Outcome, Problem, usePolled } from "../lib/parts.js";
import { noteLook, looksOf } from "../lib/looks.js";
import { Sequence } from "./sequence.js";
import { StartRollout } from "./start_rollout.js";

const LOOK_EVERY_MS = 1500;

export function Rollouts() {
  const [chosen, setChosen] = useState("");
  const list = usePolled(() => forOperators("/admin/rollouts?limit=20"), 5000);
  const rollouts = list.value?.rollouts ?? [];
  const shown = chosen || rollouts[0]?.id;
  const isActive = rollouts.some((one) => ["running", "paused"].includes(one.phase));
  return html`<h1>Rollouts</h1>
    <${Problem} failure=${list.failure} />
    ${list.value && !isActive &&
    html`<${StartRollout} onStarted=${(id) => {
      setChosen(id);
      list.again();
    }} />`}
    ${shown && html`<${Rollout} key=${shown} id=${shown} onChanged=${list.again} />`}
    ${list.value && !shown &&
    html`<p>None yet. A rollout gives a release traffic step by step, as long as it is no worse.</p>`}
    ${rollouts.length > 0 &&
    html`<h2>All</h2><table class="list">
      <thead><tr><th>Begun</th><th>Canary</th><th>Stable</th><th>Phase</th><th>Why</th></tr></thead>
      <tbody>${rollouts.map(
        (one) => html`<tr key=${one.id}>
          <td><button type="button" class="link" aria-pressed=${one.id === shown}
            onClick=${() => setChosen(one.id)}>${day(one.created_at)}</button></td>
          <td>${one.canary}</td><td>${one.stable}</td>
          <td><${Outcome} of=${one.phase} /></td><td>${one.reason}</td></tr>`,
      )}</tbody></table>`}`;
}

function Rollout({ id, onChanged }) {
  const { value: found, failure, again } = usePolled(
    () => call(`/admin/rollouts/${encodeURIComponent(id)}`).then(noteLook),
    LOOK_EVERY_MS,
    [id],
  );
  if (!found) return html`<${Problem} failure=${failure} />`;
  const reason =
    found.phase === "running" && found.decision ? found.decision.reason : found.reason;
  return html`<section class="rollout" aria-label=${`Rollout of ${found.canary}`}>
    <h2>${found.canary} against ${found.stable} <${Outcome} of=${found.phase} /></h2>
    <${Course} of=${found} />
    <p class="reason" role="status">${reason}
      ${found.phase === "running" && found.decision?.wanted !== found.decision?.action &&
      html` <span class="note">It would ${words(found.decision.wanted)}, if the mode
        ${found.mode} let it.</span>`}</p>
    <${Problem} failure=${failure} />
    ${["running", "paused"].includes(found.phase) &&
    html`<${StepIn} of=${found} onDone=${() => {
      again();
      onChanged();
    }} />`}
    <div class="metrics">${found.verdicts.map(
      (verdict) => html`<${Metric} key=${verdict.metric} verdict=${verdict}
        looks=${looksOf(id, verdict.metric)} />`,
    )}</div>
    ${found.history.length > 0 &&
    html`<h3>Decisions</h3><ol class="history">${found.history.map(
      (one) => html`<li><time datetime=${one.at}>${time(one.at)}</time>
        <b>${words(one.action)}</b>${one.by ? ` by ${one.by}` : ""}: ${one.reason}</li>`,
    )}</ol>`}
  </section>`;
}

// The stages as a bar, with the share of the traffic that the canary has now.
function Course({ of }) {
  const isOver = of.phase === "promoted" || of.phase === "rolled_back";
  return html`<div class="course">
    <ol aria-label="Stages">${Array.from(
      { length: of.stages },
      (_, stage) => html`<li aria-current=${!isOver && stage === of.stage ? "step" : undefined}
        class=${stage < of.stage || of.phase === "promoted" ? "done" : ""}>${stage + 1}</li>`,
    )}</ol>
    <span>${isOver
      ? "It has ended."
      : `Stage ${of.stage + 1} of ${of.stages}, ${of.stage_name}, since ${time(of.stage_since)};`}
    ${" "}${percent(of.weight)} of the traffic is the canary's.</span>
  </div>`;
}

function Metric({ verdict, looks }) {
  const least = Math.min(verdict.canary_requests, verdict.baseline_requests);
  return html`<article class=${`metric${verdict.rolls_back ? "" : " shown"}`}>
    <h3>${words(verdict.metric)} <${Outcome} of=${verdict.outcome} /></h3>
    <${Sequence} verdict=${verdict} looks=${looks} />
    <dl class="facts">
      <div><dt>canary</dt><dd>${number(verdict.canary) || "none"}</dd></div>
      <div><dt>stable</dt><dd>${number(verdict.baseline) || "none"}</dd></div>
      <div><dt>worse by</dt><dd>${signed(verdict.change) || "unknown"}
        ${verdict.lower != null && html` <span class="note">${between(verdict)}</span>`}</dd></div>
      <div><dt>tolerated</dt><dd>${signed(verdict.margin) || "anything"}</dd></div>
      <div><dt>requests</dt><dd>${verdict.canary_requests} and ${verdict.baseline_requests}</dd></div>
    </dl>
    <p class="note">${verdict.reason}. ${moreNeeded(verdict, least)}</p>
  </article>`;
}

const between = ({ lower, upper }) =>
  `${signed(lower)} to ${upper == null ? "any" : signed(upper)}`;

// The interval narrows with the root of the number of requests.
function moreNeeded({ outcome, change, upper, margin }, requests) {
  if (!["insufficient", "inconclusive"].includes(outcome)) return "";
  if (change == null || upper == null || margin == null || requests < 10) return "";
  if (change >= margin) return "As it looks, more requests will not make it pass.";
  const needed = requests * ((upper - change) / (margin - change)) ** 2;
  const more = Math.max(1, Math.ceil(needed - requests));
  return `As it looks, about ${more} more requests of each arm will do.`;
}

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

function StepIn({ of, onDone }) {
  const [command, setCommand] = useState("");
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState(null);
  async function act() {
    try {
      const body = { reason: reason.trim(), stage: of.stage, by: "console" };
      await call(`/admin/rollouts/${encodeURIComponent(of.id)}/${command}`, {
        method: "POST",
        body,
      });
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
        onDone=${act} onCancel=${() => setCommand("")} />`}
    <${Problem} failure=${failure} />
  </div>`;
}
