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

function startMenu() {
  const wide = matchMedia("(min-width: 1100px)");
  const fit = () => { byId("menu").open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();
  byId("menu").addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) byId("menu").open = false;
  });
  addEventListener("scroll", markSection, { passive: true });
  markSection();
}

/* The section in view is the last one whose heading has passed the upper third of the window. */
function markSection() {
  const links = [...document.querySelectorAll(".sections a")];
  const passed = links.filter(({ hash }) =>
    byId(hash.slice(1))?.getBoundingClientRect().top < innerHeight / 3);
  const end = innerHeight + scrollY >= root.scrollHeight - 2;
  const current = end ? links.at(-1) : passed.at(-1) ?? links[0];
  for (const link of links) {
    if (link === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/* A definition opens where the number stands; without this its link leads to the appendix. */
function startDefinitions() {
  const box = byId("definition");
  if (!box.showPopover) return;
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#def-"]');
    const text = link && byId(link.hash.slice(1));
    if (!text) return;
    event.preventDefault();
    box.replaceChildren(...text.cloneNode(true).childNodes);
    box.showPopover();
    const at = link.getBoundingClientRect();
    const { width, height } = box.getBoundingClientRect();
    const below = at.bottom + 6 + height < innerHeight;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    box.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
  });
}

/* What is wider than its place can be scrolled by keyboard; what fits is no stop. */
const scrolling = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function startScrolling() {
  document.querySelectorAll(".scroll, .drawing, pre").forEach((one) => scrolling.observe(one));
}

async function inflate(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
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
  if (!event) {  // the chart is drawn anew
    tip.hidden = true;
    return;
  }
  if (event.type === "pointerout" && event.pointerType === "touch") return;  // the finger left
  tip.hidden = value === null || value === undefined || value === "";
  if (tip.hidden) return;
  const said = typeof value === "object" ? Object.entries(value) : [["", value]];
  const missing = ["", "null", "undefined"];  // what Vega makes of a value that is not there
  const pairs = said.filter(([, text]) => !missing.includes(String(text)));
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

/* Vega asks for a pointer that moves, and a finger that taps does not. */
function touched({ target, clientX, clientY, pointerType }) {
  if (pointerType !== "touch") return;
  target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX, clientY }));
}

const BETWEEN = 68;  // pixels from one of several small charts to the next, as in figures.py
const drawn = new Map();  // of each chart's figure: its view, and the text of what it shows

async function draw(id, spec, rows, begin) {
  const text = JSON.stringify(spec);
  if (drawn.get(id)?.text === text) return;
  const figure = byId(id);
  const old = [figure.querySelector(".live"), figure.querySelector(".controls")];
  const [place, controls] = old.map((element) => element.cloneNode(false));
  for (const source of spec.data) {
    if (typeof source.values === "string") source.values = rowsOf(rows[source.values]);
  }
  const elastic = spec.autosize && spec.autosize.type === "fit-x";
  const facets = spec.layout && spec.signals;
  if (facets) {
    spec.layout.columns = { signal: "columns" };
    spec.signals.push({ name: "columns", value: 4 });
  }
  const { View, parse, expressionInterpreter } = window.ccVega;
  const view = new View(parse(spec, null, { ast: true }), {
    expr: expressionInterpreter, renderer: "svg", hover: true, tooltip,
  });
  const width = () => figure.querySelector(".live").clientWidth;
  const fit = () => {
    if (elastic) view.width(width());
    if (!facets) return;
    const columns = Math.max(2, Math.min(4, Math.floor(width() / 200)));
    view.signal("columns", columns).signal("child_width", Math.floor(width() / columns) - BETWEEN);
  };
  if (width()) fit();
  view.initialize(place, controls);
  await view.runAsync();
  await view.resize().runAsync();  // a legend of more rows takes its height in a second pass
  await begin(view, id, spec);
  old[0].replaceWith(place);
  old[1].replaceWith(controls);
  figure.classList.add("drawn");
  place.addEventListener("pointerdown", touched);
  let last = width();
  const observer = new ResizeObserver(() => {
    if (!width() || width() === last) return;
    last = width();
    fit();
    view.runAsync().then(() => view.resize().runAsync());
  });
  if (elastic || facets) observer.observe(figure.querySelector(".drawing"));
  drawn.set(id, { view, text, place, observer });
}

async function startCharts(page, begin) {
  const [runtime, packed] = ["runtime", "charts"].map((id) => page.getElementById(id));
  if (!runtime || !("DecompressionStream" in window)) return;
  if (!window.ccVega) {
    const script = document.createElement("script");
    script.textContent = await inflate(runtime);
    document.head.append(script);
  }
  const { charts, rows } = JSON.parse(await inflate(packed));
  for (const [id, spec] of Object.entries(charts)) {
    try {
      await draw(id, spec, rows, begin);
    } catch (error) {
      console.error(`${id} stays a picture`, error);
    }
  }
}

function startLinks() {
  const links = document.querySelector(".others");
  // A mail program shows an attachment without the files next to it.
  if (links && !/^(https?|file):$/.test(location.protocol)) links.remove();
}

startLinks();
startSwitches();
startMenu();
startDefinitions();
startScrolling();
const started = startCharts(document, () => {}).finally(() => { root.dataset.ready = "yes"; });
addEventListener("scroll", () => { byId("tip").hidden = true; }, { passive: true });
