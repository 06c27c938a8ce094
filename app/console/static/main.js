// The frame of the console: where one is, and with which key.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { address, key, setKey } from "./lib/api.js";
import { useLinks } from "./lib/links.js";
import { Away } from "./lib/parts.js";
import { Ask } from "./pages/ask/ask.js";

// Those that are opened later are read later: the first page should be there at once.
const PAGES = {
  ask: { title: "Ask", load: async () => Ask },
  rollout: { title: "Rollouts", load: async () => (await import("./pages/rollout/rollouts.js")).Rollouts },
  documents: {
    title: "Documents",
    load: async () => (await import("./pages/documents/documents.js")).Documents,
  },
  overview: {
    title: "Overview",
    load: async () => (await import("./pages/overview/overview.js")).Overview,
  },
  usage: { title: "Usage", load: async () => (await import("./pages/usage/usage.js")).UsageAndDrift },
  keys: { title: "Keys", load: async () => (await import("./pages/access/keys.js")).Keys },
  audit: { title: "Audit", load: async () => (await import("./pages/access/audit.js")).Audit },
};

const here = () => {
  const name = location.hash.replace(/^#\/?/, "").split("/")[0];
  return name in PAGES ? name : "ask";
};

function Console() {
  const [name, setName] = useState(here());
  const [loaded, setLoaded] = useState({ name: "ask", page: Ask });
  useEffect(() => {
    const moved = () => setName(here());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => {
    document.title = `ragserve: ${PAGES[name].title}`;
    let isOver = false;
    PAGES[name].load().then((page) => isOver || setLoaded({ name, page }));
    return () => {
      isOver = true;
    };
  }, [name]);
  return html`<a class="skip" href="#main" onClick=${skip}>To the content</a>
    <header>
      <strong>ragserve</strong>
      <nav aria-label="Pages">${Object.entries(PAGES).map(
        ([each, { title }]) => html`<a href=${`#/${each}`}
          aria-current=${each === name ? "page" : undefined}>${title}</a>`,
      )}</nav>
      <${Key} />
    </header>
    <main id="main" tabindex="-1">
      ${loaded.name === name ? html`<${loaded.page} />` : html`<p role="status">Loading…</p>`}
    </main>
    <${Footer} />`;
}

function Footer() {
  const links = useLinks();
  const others = [["MLflow", links.mlflow], ["Ray dashboard", links.ray_dashboard], ["Grafana", links.grafana]];
  return html`<footer><a href=${address("/docs")}>HTTP API</a>
    <a href=${address("/openapi.json")}>openapi.json</a>
    ${others.filter(([, to]) => to).map(([name, to]) => html`<${Away} to=${to}>${name}<//>`)}
  </footer>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function Key() {
  const [isOpen, setOpen] = useState(false);
  const [has, setHas] = useState(Boolean(key()));
  const submit = (event) => {
    event.preventDefault();
    const value = new FormData(event.target).get("key").trim();
    setKey(value);
    setHas(Boolean(value));
    setOpen(false);
  };
  return html`<div class="key">
    <button type="button" class="quiet" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
      Key${has ? " ✓" : ""}</button>
    ${isOpen &&
    html`<form onSubmit=${submit} class="menu">
      <label>API key, or the operators' key
        <input name="key" type="password" autocomplete="off" value=${key()} /></label>
      <p>It is kept for this tab, and forgotten with it.</p>
      <button>Use it</button>
    </form>`}
  </div>`;
}

render(html`<${Console} />`, document.getElementById("console"));
