// Ask: a question, its answer as it is written, and what it rests on.

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call, Failure, key, send } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { eventsOf } from "../../lib/events.js";
import { Problem } from "../../lib/parts.js";
import { Answered } from "./answer.js";

const EMPTY = { text: "", sources: [], citations: [], done: null, failure: null, release: "" };

// Asks, and tells `onChange` what there is of the answer again and again.
async function ask(body, release, onChange, signal) {
  let answer = { ...EMPTY, isWriting: true, question: body.query };
  const show = (more) => onChange((answer = { ...answer, ...more }));
  show({});
  try {
    const headers = release ? { "x-ragserve-release": release } : {};
    const response = await send("/v1/query", { method: "POST", body, headers, signal });
    const cache = response.headers.get("x-ragserve-cache") ?? "";
    const trace = response.headers.get("traceparent")?.split("-")[1] ?? "";
    for await (const [name, data] of eventsOf(response)) {
      if (name === "sources") show({ ...data, cache, trace });
      else if (name === "delta") show({ text: answer.text + data.text });
      else if (name === "citation") show({ citations: [...answer.citations, data] });
      else if (name === "error") throw new Failure(data.detail, data.status, data.code);
      else if (name === "done") {
        const { answer: text, citations, sources, ...done } = data;
        show({ text, citations, done, sources: sources ?? answer.sources });
      }
    }
    if (!answer.done) throw new Failure("The answer broke off.");
  } catch (failure) {
    if (failure.name !== "AbortError") show({ failure });
  }
  show({ isWriting: false });
}

export function Ask() {
  const [question, setQuestion] = useState("");
  const [options, setOptions] = useState({ mode: "", top_n: "" });
  const [turns, setTurns] = useState([]);
  const [conversation, setConversation] = useState(null);
  const [releases, setReleases] = useState([]);
  const [compared, setCompared] = useState(["", ""]);
  const [failure, setFailure] = useState(null);
  const running = useRef(null);

  useEffect(() => {
    // Only operators may choose a release; who may not simply has no choice.
    const load = () =>
      key() &&
      call("/admin/releases").then(
        (found) => setReleases(found.releases.map((release) => release.name)),
        () => setReleases([]),
      );
    load();
    addEventListener("ragserve-key", load);
    return () => removeEventListener("ragserve-key", load);
  }, []);
  useEffect(() => () => running.current?.abort(), []);

  const body = { query: question.trim(), stream: true };
  if (options.mode) body.mode = options.mode;
  if (options.top_n) body.top_n = Number(options.top_n);

  async function submit(event) {
    event.preventDefault();
    if (!body.query || running.current) return;
    running.current = new AbortController();
    const { signal } = running.current;
    setFailure(null);
    const arms = compared[1] ? compared : [compared[0]];
    const place = turns.length;
    const change = (arm) => (answer) =>
      setTurns((former) => {
        const next = [...former];
        const turn = [...(next[place] ?? [])];
        turn[arm] = answer;
        next[place] = turn;
        return next;
      });
    try {
      // Two answers at once are two conversations; only one of a kind is gone on with.
      const sent = { ...body };
      if (arms.length === 1 && conversation) sent.conversation_id = conversation;
      await Promise.all(arms.map((release, arm) => ask(sent, release, change(arm), signal)));
      setQuestion("");
    } finally {
      running.current = null;
    }
  }

  async function remember() {
    try {
      setConversation((await call("/v1/conversations", { method: "POST", body: {} })).id);
      setFailure(null);
    } catch (refused) {
      setFailure(refused);
    }
  }

  const stop = () => running.current?.abort();
  const onKey = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  const isWriting = turns.at(-1)?.some((answer) => answer?.isWriting) ?? false;

  return html`<h1>Ask</h1>
    <form class="ask" onSubmit=${submit}>
      <label class="wide">Question
        <textarea rows="2" value=${question} onKeyDown=${onKey} autofocus
          placeholder="What would you like to know?"
          onInput=${(event) => setQuestion(event.target.value)}></textarea></label>
      <div class="row">
        ${isWriting
          ? html`<button type="button" onClick=${stop}>Stop</button>`
          : html`<button disabled=${!body.query}>Ask</button>`}
        <label>Search
          <select value=${options.mode}
            onChange=${(event) => setOptions({ ...options, mode: event.target.value })}>
            <option value="">as the release does</option>
            ${["hybrid", "dense", "lexical"].map((mode) => html`<option value=${mode}>${mode}</option>`)}
          </select></label>
        <label>Passages
          <input type="number" min="1" max="100" value=${options.top_n} placeholder="5"
            onInput=${(event) => setOptions({ ...options, top_n: event.target.value })} /></label>
        ${releases.length > 1 &&
        [0, 1].map(
          (arm) => html`<label>${arm ? "Beside" : "Release"}
            <select value=${compared[arm]} onChange=${(event) =>
              setCompared(compared.map((name, each) => (each === arm ? event.target.value : name)))}>
              <option value="">${arm ? "nothing" : "by traffic"}</option>
              ${releases.map((name) => html`<option value=${name}>${name}</option>`)}
            </select></label>`,
        )}
        ${conversation
          ? html`<span class="note">Follow-ups are understood.
              <button type="button" class="quiet" onClick=${() => setConversation(null)}>
                Begin anew</button></span>`
          : html`<button type="button" class="quiet" onClick=${remember}>
              Remember this conversation</button>`}
      </div>
      <${Problem} failure=${failure} />
      ${body.query && html`<${Code} path="/v1/query" body=${body} />`}
    </form>
    <section aria-label="Answers" aria-live="polite">
      ${[...turns].reverse().map(
        (turn, back) => html`<article class=${turn.length > 1 ? "turn two" : "turn"}
          key=${turns.length - back}>
          <h2>${turn.find(Boolean)?.question}</h2>
          ${turn.map((answer) => answer && html`<${Answered} answer=${answer} />`)}
        </article>`,
      )}
    </section>`;
}
