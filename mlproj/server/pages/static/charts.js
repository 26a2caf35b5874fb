// Charts of metric histories, scatter and parallel coordinates. What they show is in the URL's query.
"use strict";

const state = new URLSearchParams(location.search);
const names = new Map();
const histories = new Map(); // run id -> answer of metrics.json
const POLL = 2000; // ms between two looks at a run that goes on

function colours() {
  const style = getComputedStyle(document.documentElement);
  return { ink: style.getPropertyValue("--ink"), line: style.getPropertyValue("--line") };
}

function layout(title, extra) {
  const { ink, line } = colours();
  const axis = { gridcolor: line, zerolinecolor: line, automargin: true };
  return {
    title: { text: title, font: { size: 14 } }, font: { color: ink, size: 11 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 50, r: 15, t: 35, b: 35 }, uirevision: title, showlegend: false, ...extra,
    xaxis: { ...axis, ...(extra || {}).xaxis }, yaxis: { ...axis, ...(extra || {}).yaxis },
  };
}

function remember(name, value) {
  if (value === "" || value === null) state.delete(name); else state.set(name, value);
  history.replaceState(null, "", "?" + state.toString());
}

function smoothed(values, weight) {
  // An exponential moving average without the bias of its beginning; gaps stay gaps.
  let last = 0, seen = 0;
  return values.map((value) => {
    if (value === null) return null;
    last = last * weight + (1 - weight) * value;
    seen += 1;
    return last / (1 - Math.pow(weight, seen));
  });
}

function xOf(series) {
  const kind = state.get("x") || "step";
  if (kind === "time") return series.time.map((ms) => new Date(ms));
  if (kind === "elapsed") return series.time.map((ms) => (ms - series.time[0]) / 1000);
  return series.step;
}

function draw(chart) {
  const key = chart.dataset.metric;
  const runs = chart.dataset.runs.split(",");
  const weight = Number(state.get("smooth") || 0);
  const traces = [];
  for (const run of runs) {
    const series = histories.get(run)?.metrics[key];
    if (!series || series.value.length === 0) continue;
    const many = series.value.length > 1;
    const name = names.get(run) || run.slice(0, 8);
    traces.push({ x: xOf(series), y: weight ? smoothed(series.value, weight) : series.value, name, mode: many ? "lines" : "markers", type: "scatter" });
  }
  const kind = state.get("x") || "step";
  const axis = { xaxis: { title: { text: kind === "elapsed" ? "seconds" : kind } }, yaxis: { type: state.get("log") ? "log" : "linear" }, showlegend: runs.length > 1 };
  Plotly.react(chart, traces, layout(key, axis), { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["toImage"] });
}

const visible = new Set();

async function load(run, keys) {
  const query = new URLSearchParams(keys.map((key) => ["key", key]));
  // A server that is gone, or a page that is being left: what was drawn stays.
  const answer = await fetch(`/runs/${run}/metrics.json?${query}`).catch(() => null);
  if (!answer || !answer.ok) return null;
  const found = await answer.json();
  const known = histories.get(run);
  histories.set(run, { ...found, metrics: { ...(known ? known.metrics : {}), ...found.metrics } });
  return found;
}

async function refresh(charts) {
  const wanted = new Map();
  for (const chart of charts) {
    for (const run of chart.dataset.runs.split(",")) wanted.set(run, [...(wanted.get(run) || []), chart.dataset.metric]);
  }
  await Promise.all([...wanted].map(([run, keys]) => load(run, keys)));
  charts.forEach(draw);
}

function watch() {
  const seen = new IntersectionObserver((entries) => {
    const fresh = [];
    for (const entry of entries) {
      if (entry.isIntersecting && !visible.has(entry.target)) { visible.add(entry.target); fresh.push(entry.target); }
    }
    if (fresh.length) refresh(fresh);
  });
  document.querySelectorAll(".chart").forEach((chart) => seen.observe(chart));
}

function controls() {
  const form = document.getElementById("chart-controls");
  if (!form) return;
  form.x.value = state.get("x") || "step";
  form.log.checked = state.get("log") === "1";
  form.smooth.value = state.get("smooth") || "0";
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    remember("x", form.x.value === "step" ? "" : form.x.value);
    remember("log", form.log.checked ? "1" : "");
    remember("smooth", form.smooth.value === "0" ? "" : form.smooth.value);
    visible.forEach(draw);
  });
}

async function live() {
  const status = document.getElementById("status");
  const log = document.getElementById("log");
  if (!status || !log || status.dataset.ended) return;
  const charted = new Set([...document.querySelectorAll(".chart")].map((chart) => chart.dataset.metric));
  const found = await load(log.dataset.run, [...visible].map((chart) => chart.dataset.metric));
  if (found) {
    // A metric that is new has no place on the page yet, and an end changes all of it.
    if (found.ended || found.keys.some((key) => !charted.has(key))) return location.reload();
    visible.forEach(draw);
    const answer = await fetch(`/runs/${log.dataset.run}/log.txt`).catch(() => null);
    if (answer && answer.ok) {
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 5;
      log.textContent = await answer.text();
      if (atEnd) log.scrollTop = log.scrollHeight;
    }
  }
  setTimeout(live, POLL);
}

function comparison() {
  const element = document.getElementById("runs");
  if (!element) return;
  const runs = JSON.parse(element.textContent);
  runs.forEach((run) => names.set(run.id, run.name));
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.values)))];
  scatter(runs, keys);
  parallel(runs, keys);
}

function scatter(runs, keys) {
  const form = document.getElementById("scatter-controls");
  const place = document.getElementById("scatter");
  if (!form || !place || keys.length === 0) return;
  for (const select of [form.sx, form.sy]) select.append(...keys.map((key) => new Option(key, key)));
  const numeric = keys.filter((key) => key.startsWith("metrics."));
  form.sx.value = state.get("sx") || keys.find((key) => key.startsWith("params.")) || keys[0];
  form.sy.value = state.get("sy") || numeric[0] || keys[keys.length - 1];
  const show = () => {
    const trace = {
      x: runs.map((run) => run.values[form.sx.value] ?? null), y: runs.map((run) => run.values[form.sy.value] ?? null),
      text: runs.map((run) => run.name), mode: "markers+text", textposition: "top center", type: "scatter", marker: { size: 9 },
    };
    Plotly.react(place, [trace], layout("", { xaxis: { title: { text: form.sx.value } }, yaxis: { title: { text: form.sy.value } } }), { displaylogo: false, responsive: true });
  };
  form.addEventListener("input", () => { remember("sx", form.sx.value); remember("sy", form.sy.value); show(); });
  show();
}

function parallel(runs, keys) {
  // Drawn as lines over scaled axes: Plotly's own kind needs code made from text, which our content policy forbids.
  const place = document.getElementById("parallel");
  if (!place) return;
  const axes = keys.filter((key) => new Set(runs.map((run) => run.values[key])).size > 1).slice(0, 12);
  if (axes.length === 0) { place.textContent = "The runs have the same values."; return; }
  const scales = axes.map((key) => {
    const values = runs.map((run) => run.values[key]).filter((value) => value !== undefined);
    const numbers = values.map(Number);
    if (numbers.every(Number.isFinite)) {
      const low = Math.min(...numbers), high = Math.max(...numbers);
      return { at: (value) => (high > low ? (Number(value) - low) / (high - low) : 0.5), low: String(low), high: String(high) };
    }
    const kinds = [...new Set(values)].sort();
    return { at: (value) => kinds.indexOf(value) / Math.max(kinds.length - 1, 1), low: kinds[0], high: kinds[kinds.length - 1] };
  });
  const traces = runs.map((run) => ({
    x: axes, y: axes.map((key, index) => (run.values[key] === undefined ? null : scales[index].at(run.values[key]))),
    text: axes.map((key) => `${key} = ${run.values[key]}`), name: run.name, mode: "lines+markers", type: "scatter", hoverinfo: "text+name",
  }));
  const ends = axes.flatMap((key, index) => [
    { x: key, y: 1.06, text: scales[index].high, showarrow: false }, { x: key, y: -0.06, text: scales[index].low, showarrow: false },
  ]);
  Plotly.react(place, traces, layout("", { annotations: ends, showlegend: true, yaxis: { visible: false, range: [-0.12, 1.12] }, xaxis: { type: "category" } }), { displaylogo: false, responsive: true });
}

comparison();
controls();
watch();
live();
