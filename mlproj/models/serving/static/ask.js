"use strict";

const part = (id) => document.getElementById(id);
const NUMBERS = new Set(["integer", "long", "float", "double"]);
const WHOLE = new Set(["integer", "long"]);
let columns = [];
let params = [];

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function typeName(type) {
  return type.type === "array" ? `array of ${typeName(type.items)}` : type.type;
}

function control(column, value) {
  const id = `field-${part("fields").children.length}`;
  let input;
  if (column.type === "boolean") {
    input = element("select", { id }, ...["", "true", "false"].map((word) => element("option", { value: word }, word)));
    input.value = value === undefined || value === null ? "" : String(Boolean(value));
  } else {
    input = element("input", { id, type: "text", inputMode: NUMBERS.has(column.type) ? "decimal" : "text" });
    input.value = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  input.addEventListener("input", write);
  const kind = element("small", {}, ` ${typeName(column)}${column.required === false ? ", optional" : ""}`);
  const label = element("label", { htmlFor: id }, column.name, kind);
  part("fields").append(element("div", { className: "field" }, label, input));
  return input;
}

function valueOf(column, text) {
  if (text === "") return column.required === false || column.type !== "string" ? null : "";
  if (column.type === "boolean") return text === "true";
  if (WHOLE.has(column.type) && /^[+-]?\d+$/.test(text.trim())) return { exactly: text.trim().replace(/^\+/, "") };
  if (NUMBERS.has(column.type)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  if (column.type === "string" || column.type === "binary" || column.type === "datetime") return text;
  try { return JSON.parse(text); } catch { return text; }
}

// Numbers beyond 2^53 are written as they were typed.
const written = (value) =>
  value !== null && typeof value === "object" && typeof value.exactly === "string" && Object.keys(value).length === 1
    ? value.exactly.replace(/^(-?)0+(?=\d)/, "$1") : JSON.stringify(value);

function write() {
  if (!columns.length) return;
  const given = columns.map((column) => ({ column, value: valueOf(column, column.input.value) }))
    .filter(({ column, value }) => column.required !== false || value !== null);
  const names = JSON.stringify(given.map(({ column }) => column.name));
  const row = given.map(({ value }) => written(value)).join(", ");
  const chosen = params.map((one) => ({ one, value: one.input.value === "" ? null : valueOf(one, one.input.value) }))
    .filter(({ value }) => value !== null)
    .map(({ one, value }) => `${JSON.stringify(one.name)}: ${written(value)}`).join(", ");
  const tail = chosen ? `,\n "params": {${chosen}}` : "";
  part("body").value = `{"dataframe_split": {\n  "columns": ${names},\n  "data": [[${row}]]}${tail}}`;
}

function show(text, bad) {
  part("answer").textContent = text;
  part("answer").classList.toggle("bad", bad);
}

async function ask(event) {
  event.preventDefault();
  const button = part("form").querySelector("button");
  button.disabled = true;
  part("state").textContent = "asking…";
  const begin = performance.now();
  try {
    const answer = await fetch("invocations", { method: "POST", headers: { "Content-Type": "application/json" }, body: part("body").value });
    const text = await answer.text();
    part("state").textContent = `${answer.status} in ${Math.round(performance.now() - begin)} ms`;
    show(readable(text, answer.ok), !answer.ok);
  } catch (error) {
    part("state").textContent = "";
    show(`The server cannot be reached: ${error.message}`, true);
  } finally {
    button.disabled = false;
  }
}

function readable(text, ok) {
  try {
    const found = JSON.parse(text);
    return ok ? JSON.stringify(found, null, 1) : found.message ?? text;
  } catch {
    return text; // NaN and Infinity are written bare, as MLflow writes them
  }
}

function build(model) {
  document.title = model.title;
  part("title").textContent = model.title;
  part("about").textContent = `${model.address} · loaded by ${model.loaded_by}`;
  const inputs = model.signature?.inputs ?? [];
  const named = inputs.length > 0 && inputs.every((one) => one.name && one.type !== "tensor");
  if (named) {
    columns = inputs.map((one) => ({ ...one, input: control(one, model.fields?.[one.name]) }));
    params = (model.signature.params ?? []).map((one) => {
      const shown = one.shape ? { ...one, type: "array", items: { type: one.type } } : one;
      return { ...shown, input: control({ ...shown, required: false }, model.example?.params?.[one.name] ?? one.default) };
    });
    write();
  } else {
    part("raw").open = true;
    part("body").value = model.example ? JSON.stringify(model.example, null, 1) : '{"inputs": []}';
  }
}

part("form").addEventListener("submit", ask);
fetch("model.json").then((answer) => answer.json()).then(build).catch((error) => show(String(error), true));
