"use strict";

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function code(value) {
  return element("pre", { tabIndex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 1));
}

function folded(title, value) {
  return element("details", {}, element("summary", {}, title), code(value));
}

function body(request) {
  return Object.entries(request?.content ?? {}).flatMap(([type, content]) => [
    ...(content.example ? [element("p", {}, `Example (${type}):`), code(content.example)] : []),
    ...(content.schema ? [folded(`Schema of ${type}`, content.schema)] : [element("p", {}, `Also ${type}.`)]),
  ]);
}

function responses(found) {
  const rows = Object.entries(found).map(([status, one]) =>
    element("tr", {}, element("th", {}, status), element("td", {}, one.description)));
  return element("table", {}, element("tbody", {}, ...rows));
}

function curl(path, operation) {
  const example = operation.requestBody?.content?.["application/json"]?.example;
  const address = new URL(path.slice(1), document.baseURI).href;
  if (!operation.requestBody) return `curl ${address}`;
  const text = JSON.stringify(example ?? { inputs: [] }).replaceAll("'", "'\\''");
  return `curl ${address} -H 'Content-Type: application/json' -d '${text}'`;
}

function build(api) {
  document.title = `Interface of ${api.info.title}`;
  document.getElementById("title").textContent = document.title;
  document.getElementById("about").textContent = `version ${api.info.version}. ${api.info.description}`;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      document.getElementById("paths").append(element("section", {},
        element("h2", {}, `${method.toUpperCase()} ${path}`),
        element("p", {}, operation.summary),
        code(curl(path, operation)),
        ...body(operation.requestBody),
        responses(operation.responses)));
    }
  }
}

fetch("openapi.json").then((answer) => answer.json()).then(build)
  .catch((error) => document.getElementById("paths").append(code(String(error))));
