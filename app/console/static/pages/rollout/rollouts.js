// Rollouts: where one stands, what is known of each metric and how surely, and stepping in.

import { html, useState } from "../../vendor/preact.js";
import { call, forOperators } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { day, percent, time, words } from "../../lib/format.js";
import { noteLook, looksOf } from "../../lib/looks.js";
import { Outcome, Problem } from "../../lib/parts.js";
import { usePolled } from "../../lib/poll.js";
import { isMeasured, Metric } from "./metric.js";
import { StartRollout } from "./start.js";
import { StepIn } from "./step_in.js";

const LIST_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 2_000;
const COURSE_EVERY_MS = 60_000;
// What has ended changes no more.
const NEVER_MS = 3_600_000;
const hasEnded = (phase) => phase === "promoted" || phase === "rolled_back";

export function Rollouts() {
  const [chosen, setChosen] = useState("");
  const list = usePolled(() => forOperators("/admin/rollouts?limit=20"), LIST_EVERY_MS);
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
    ${shown && html`<${Rollout} key=${shown} id=${shown} onChanged=${list.again}
      isOver=${hasEnded(rollouts.find((one) => one.id === shown)?.phase)} />`}
    ${list.value && !shown &&
    html`<p>None yet. A rollout gives a release traffic step by step, as long as it is no worse.</p>`}
    ${rollouts.length > 0 &&
    html`<h2>All</h2><div class="scroll" tabindex="0" role="region" aria-label="All rollouts">
      <table class="list">
      <thead><tr><th>Begun</th><th>Canary</th><th>Stable</th><th>Phase</th><th>Why</th></tr></thead>
      <tbody>${rollouts.map(
        (one) => html`<tr key=${one.id}>
          <td class="when"><button type="button" class="link" aria-pressed=${one.id === shown}
            onClick=${() => setChosen(one.id)}>${day(one.created_at)}</button></td>
          <td>${one.canary}</td><td>${one.stable}</td>
          <td><${Outcome} of=${one.phase} /></td><td>${one.reason}</td></tr>`,
      )}</tbody></table></div>
      <${Code} path="/admin/rollouts?limit=20" method="GET" />`}`;
}

function Rollout({ id, isOver, onChanged }) {
  const path = `/admin/rollouts/${encodeURIComponent(id)}`;
  const { value: found, failure, again } = usePolled(
    () => call(path).then(noteLook),
    isOver ? NEVER_MS : LOOK_EVERY_MS,
    [id, isOver],
  );
  // What was known before this page was opened, and while it was hidden.
  const course = usePolled(
    () => call(`${path}/looks`).then(({ looks }) => looks),
    isOver ? NEVER_MS : COURSE_EVERY_MS,
    [id, isOver],
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
    <div class="metrics">${ordered(found.verdicts).map(
      (verdict) => html`<${Metric} key=${verdict.metric} verdict=${verdict}
        looks=${looksOf(id, verdict.metric, course.value ?? [])} />`,
    )}</div>
    <${Code} path=${`${path}/looks`} method="GET" />
    ${found.history.length > 0 &&
    html`<h3>Decisions</h3><ol class="history">${found.history.map(
      (one) => html`<li><time datetime=${one.at}>${time(one.at)}</time>
        <b>${words(one.action)}</b>${one.by ? ` by ${one.by}` : ""}: ${one.reason}</li>`,
    )}</ol>`}
  </section>`;
}

// What decides and can be drawn comes first, what a sentence says last.
const ordered = (verdicts) =>
  [...verdicts].sort((a, b) => rank(b) - rank(a));
const rank = (verdict) => 2 * Number(isMeasured(verdict)) + Number(verdict.rolls_back);

// The stages as a bar, with the share of the traffic that the canary has now.
function Course({ of }) {
  const isOver = hasEnded(of.phase);
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
