// The page of the REST API: a form for each endpoint, built from openapi.json.
import { node } from "../elements/elements.js";
import { ACCEPT } from "../upload/formats.js";
import { describe, example, propertiesOf, typeOf } from "./schema.js";

const propertyTable = (schema, schemas) => {
  const row = ([name, one]) =>
    node("tr", {}, node("td", {}, node("code", { text: name })), node("td", { text: describe(one) }));
  return node("table", {}, node("tbody", {}, ...propertiesOf(schema, schemas).map(row)));
};

// A field for one parameter, and what writes its value into a request.
const parameterField = (parameter) => {
  const { schema, name } = parameter;
  const list = schema.type === "array";
  const placeholder = schema.default === undefined || list ? "" : String(schema.default);
  const field = node("input", {
    class: "code",
    required: Boolean(parameter.required),
    name,
    autocomplete: "off",
    placeholder,
  });
  const text = describe({ ...schema, description: parameter.description || schema.description });
  const label = node("label", {}, name, node("small", { text: list ? `${text} Separated by |.` : text }), field);
  const write = (request) => {
    const given = field.value.trim();
    if (!given) return;
    if (parameter.in === "path") request.path = request.path.replace(`{${name}}`, encodeURIComponent(given));
    else for (const one of list ? given.split("|") : [given]) request.query.append(name, one.trim());
  };
  return { nodes: [label], write };
};

// A field for the body, as JSON or as a file; nothing for an operation without one.
const bodyField = (content, schemas) => {
  if (!content) return { nodes: [], write: () => {} };
  if (content["application/json"]) {
    const { schema } = content["application/json"];
    const field = node("textarea", {
      rows: 8,
      text: JSON.stringify(example(schema, schemas), null, 1),
      spellcheck: "false",
    });
    const write = (request) => {
      request.body = field.value;
      request.headers = { "content-type": "application/json" };
    };
    return { nodes: [propertyTable(schema, schemas), node("label", {}, "Body, as JSON", field)], write };
  }
  const field = node("input", { type: "file", accept: ACCEPT, required: true });
  const write = (request) => {
    [request.body] = field.files;
  };
  return { nodes: [node("label", {}, "Body: the image’s bytes", field)], write };
};

// Sends a request and shows what came back.
const send = async (request, verb, output) => {
  const query = String(request.query);
  const address = request.path.slice(1) + (query ? `?${query}` : "");
  output.textContent = "…";
  try {
    const response = await fetch(address, { method: verb, body: request.body, headers: request.headers });
    let text = await response.text();
    if (response.headers.get("content-type")?.includes("json")) text = JSON.stringify(JSON.parse(text), null, 1);
    output.textContent = `${verb} /${address}\n${response.status}\n\n${text}`;
  } catch {
    output.textContent = "The server could not be reached; try again.";
  }
};

const endpoint = (path, verb, operation, schemas) => {
  const fields = [
    ...(operation.parameters || []).map(parameterField),
    bodyField(operation.requestBody?.content, schemas),
  ];
  const output = node("pre", { tabindex: 0, "aria-label": "Response" });
  const [, success] = Object.entries(operation.responses).find(([code]) => code.startsWith("2"));
  const { schema } = Object.values(success.content || {})[0];
  const onsubmit = (event) => {
    event.preventDefault();
    const request = { path, query: new URLSearchParams(), headers: {} };
    fields.forEach(({ write }) => write(request));
    send(request, verb, output);
  };
  const form = node(
    "form",
    { class: "inside", onsubmit },
    ...fields.flatMap(({ nodes }) => nodes),
    node("button", { type: "submit", text: "Try it" }),
    output,
    node("label", { text: `Response: ${typeOf(schema)}` }),
    propertyTable(schema.items || schema, schemas),
  );
  return node(
    "details",
    {},
    node(
      "summary",
      {},
      node("span", { class: "verb", text: verb }),
      node("span", { class: "path", text: path }),
      node("span", { class: "what", text: operation.summary || "" }),
    ),
    operation.description && node("p", { text: operation.description }),
    form,
  );
};

const root = document.getElementById("endpoints");
try {
  const description = await (await fetch("openapi.json")).json();
  root.replaceChildren(
    ...Object.entries(description.paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([verb, operation]) =>
        endpoint(path, verb.toUpperCase(), operation, description.components.schemas),
      ),
    ),
  );
} catch {
  root.textContent = "The description could not be loaded; reload the page.";
}
