// The same request for a terminal and for a program.

import { html, useState } from "../vendor/preact.js";
import { address } from "./api.js";
import { Copy } from "./parts.js";

const LANGUAGES = { curl: curlOf, Python: pythonOf };

export function Code({ path, body, method = "POST" }) {
  const [language, setLanguage] = useState("curl");
  const variable = path.startsWith("/admin") ? "RAGSERVE_ADMIN_KEY" : "RAGSERVE_API_KEY";
  const text = LANGUAGES[language]({ path, body, method, variable });
  return html`<details class="code">
    <summary>The same by curl or Python</summary>
    <div class="row">
      ${Object.keys(LANGUAGES).map(
        (name) => html`<button type="button" class="quiet" aria-pressed=${name === language}
          onClick=${() => setLanguage(name)}>${name}</button>`,
      )}
      <${Copy} text=${text} />
    </div>
    <pre tabindex="0">${text}</pre>
  </details>`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlOf({ path, body, method, variable }) {
  const lines = [`curl -sN ${method === "GET" ? "" : `-X ${method} `}${quoted(address(path))}`];
  lines.push(`-H "authorization: Bearer $${variable}"`);
  if (body !== undefined) {
    lines.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return lines.join(" \\\n  ");
}

function pythonOf({ path, body, method, variable }) {
  const json = body === undefined ? "" : `\n    json=json.loads(${pythonText(body)}),`;
  return `${body === undefined ? "" : "import json\n"}import os

import httpx

response = httpx.request(
    "${method}",
    "${address(path)}",
    headers={"Authorization": f"Bearer {os.environ.get('${variable}', '')}"},${json}
    timeout=60,
)
response.raise_for_status()
print(response.text)`;
}

const pythonText = (body) => JSON.stringify(JSON.stringify(body));
