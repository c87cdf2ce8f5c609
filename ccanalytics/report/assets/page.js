"use strict";
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

function remembered(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch { /* a file may have no storage */ }
  return null;
}

function setTheme(name) {
  if (name) root.dataset.theme = name;
  const dark = name ? name === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  press(byId("theme"), dark);
  return dark;
}

function startSwitches() {
  document.querySelector(".switches").hidden = false;
  setTheme(remembered("ccanalytics-theme"));
  byId("theme").addEventListener("click", () => {
    const name = byId("theme").getAttribute("aria-pressed") === "true" ? "light" : "dark";
    remembered("ccanalytics-theme", name);
    setTheme(name);
  });
  byId("code").addEventListener("click", () => {
    press(byId("code"), root.classList.toggle("with-code"));
  });
}

async function inflate(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function rowsOf(table) {
  const columns = Object.entries(table.c);
  return Array.from({ length: table.n }, (_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[i]])));
}

function tooltip(_handler, event, _item, value) {
  const tip = byId("tip");
  tip.hidden = value === null || value === undefined || value === "";
  if (tip.hidden) return;
  const pairs = typeof value === "object" ? Object.entries(value) : [["", value]];
  tip.replaceChildren(...pairs.flatMap(([name, text]) => {
    const key = document.createElement("span");
    const val = document.createElement("b");
    key.textContent = name;
    val.textContent = String(text);
    return [key, val];
  }));
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const above = event.clientY + 18 + box.height > innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above ? Math.max(8, event.clientY - box.height - 12) : event.clientY + 18}px`;
}

async function draw(id, spec, rows) {
  const figure = byId(id);
  const place = figure.querySelector(".live");
  for (const source of spec.data) {
    if (typeof source.values === "string") source.values = rowsOf(rows[source.values]);
  }
  const elastic = spec.autosize && spec.autosize.type === "fit-x";
  const { View, parse, expressionInterpreter } = window.ccVega;
  const view = new View(parse(spec, null, { ast: true }), {
    expr: expressionInterpreter, renderer: "svg", hover: true, tooltip,
  });
  const width = () => figure.querySelector(".drawing").clientWidth;
  if (elastic) view.width(width());
  view.initialize(place, figure.querySelector(".controls"));
  await view.runAsync();
  figure.classList.add("drawn");
  if (!elastic) return;
  let last = width();
  new ResizeObserver(() => {
    if (width() && width() !== last) view.width(last = width()).runAsync();
  }).observe(figure.querySelector(".drawing"));
}

async function startCharts() {
  if (!byId("runtime") || !("DecompressionStream" in window)) return;
  const [code, text] = await Promise.all([inflate("runtime"), inflate("charts")]);
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
  const { charts, rows } = JSON.parse(text);
  for (const [id, spec] of Object.entries(charts)) {
    try {
      await draw(id, spec, rows);
    } catch (error) {
      console.error(`${id} stays a picture`, error);
    }
  }
}

function startLinks() {
  const links = document.querySelector(".others");
  // A mail program shows an attachment where no other file lies beside it.
  if (links && !/^(https?|file):$/.test(location.protocol)) links.remove();
}

startLinks();
startSwitches();
startCharts().finally(() => { root.dataset.ready = "yes"; });
addEventListener("scroll", () => { byId("tip").hidden = true; }, { passive: true });
