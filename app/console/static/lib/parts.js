// What several pages show.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { words } from "./format.js";

// What went wrong, and what to do where the person can do something.
export function Problem({ failure }) {
  if (!failure) return null;
  const wantsKey = failure.status === 401 || failure.status === 403;
  return html`<p class="problem" role="alert">
    ${failure.message}${wantsKey ? " Enter a key that may, with the button Key above." : ""}
  </p>`;
}

export const Outcome = ({ of }) =>
  html`<span class=${`outcome ${of}`}>${words(of)}</span>`;

// Asks before something that cannot be taken back: the word has to be typed.
export function Confirm({ word, label, onDone, onCancel }) {
  const [typed, setTyped] = useState("");
  const input = useRef(null);
  useEffect(() => input.current?.focus(), []);
  const submit = (event) => {
    event.preventDefault();
    if (typed.trim() === word) onDone();
  };
  return html`<form class="confirm" onSubmit=${submit}>
    <label>${label} Type <b>${word}</b> to go on:
      <input ref=${input} value=${typed} autocomplete="off"
        onInput=${(event) => setTyped(event.target.value)} /></label>
    <button disabled=${typed.trim() !== word}>Do it</button>
    <button type="button" class="quiet" onClick=${onCancel}>Leave it</button>
  </form>`;
}

// A button that puts a text into the clipboard, and says so.
export function Copy({ text, label = "Copy" }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => setDone(false), [text]);
  const copy = () => navigator.clipboard?.writeText(text).then(() => setDone(true), () => {});
  return html`<button type="button" class="quiet" onClick=${copy}>${isDone ? "Copied" : label}</button>`;
}

// A page of another program, where there is one.
export const Away = ({ to, children }) =>
  to ? html`<a href=${to} target="_blank" rel="noopener noreferrer">${children}</a>` : children;
