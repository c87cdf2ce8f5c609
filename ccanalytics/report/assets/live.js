"use strict";
// What the reader has set or what was drawn by script stays as it is over an update.
const KEPT = ".live, .controls, .switches, #tip, #definition, #live, script";
const OWN = ["open", "tabindex", "aria-current"];
const bar = byId("live");
let shown = "";
let chosenThen = "";
let turn = started;
let marking = "";  // what was chosen when the page was made that changes are marked against
let before = "";  // what the server said last

/* The new page is laid over the old one: an element that is in both stays the same element, with
   its scroll, focus and openness. A block is known by its heading, others by id or place. */

function keyOf(node) {
  return node.id || node.querySelector?.(":scope > :is(h2, h3, h4)[id]")?.id || "";
}

function alike(one, other) {
  return one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function counterpart(old, fresh) {
  if (!old || alike(old, fresh)) return old;
  if (!keyOf(fresh)) return null;
  while (old && !alike(old, fresh)) old = old.nextSibling;
  return old;
}

function renewAttributes(old, fresh) {
  if (old.classList.contains("drawn")) fresh.classList.add("drawn");
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !OWN.includes(name)) old.removeAttribute(name);
  }
}

function renew(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) {
      old.data = fresh.data;
      if (marking) old.parentElement?.closest(".card, .findings li, main tr")?.classList.add("changed");
    }
  } else if (!old.matches(KEPT)) {
    renewAttributes(old, fresh);
    renewChildren(old, fresh);
  }
}

function renewChildren(old, fresh) {
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = counterpart(at, child);
    if (same) {
      while (at !== same) at = without(at);
      at = at.nextSibling;
      renew(same, child);
    } else if (child.nodeName !== "SCRIPT") {
      old.insertBefore(child, at);
    }
  }
  while (at) at = without(at);
}

function without(node) {
  const next = node.nextSibling;
  if (node.nodeName !== "SCRIPT") node.remove();
  return next;
}

/* A chart is drawn anew only where what it shows has changed, and goes on with what was chosen. */

async function goOn(view, id, spec) {
  const before = drawn.get(id);
  if (!before) return;
  const bound = new Map((spec.signals ?? []).map(({ name, bind }) => [name, bind]));
  const stores = new Set(spec.data.map(({ name }) => name).filter((name) => name.endsWith("_store")));
  const state = before.view.getState({
    signals: (name) => Boolean(bound.get(name)), data: (name) => stores.has(name),
  });
  const offered = ([name, value]) => bound.get(name).options?.includes(value) ?? true;
  if (!stores.size || !Object.entries(state.signals).every(offered)) return;
  view.setState(state);
  await view.runAsync();
}

async function redraw(page) {
  const before = [...drawn];
  for (const [id, { place }] of before) {
    if (!place.isConnected) drawn.delete(id);
  }
  await startCharts(page, goOn);
  for (const [, one] of before.filter(([id, one]) => drawn.get(id) !== one)) {
    one.observer.disconnect();
    one.view.finalize();
  }
}

async function refresh() {
  const answer = await fetch(location.pathname, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const policy = (where) => where.querySelector("meta[http-equiv]").content;
  if (policy(page) !== policy(document)) {
    location.reload();  // the new page has scripts that this one may not run
    await new Promise(() => {});
  }
  const { name } = document.activeElement;
  const chart = document.activeElement.closest(".chart")?.id;
  document.title = page.title;
  byId("tip").hidden = true;
  renew(document.body, page.body);
  markSection();
  startScrolling();
  await redraw(page);
  if (chart && name && document.activeElement === document.body) {
    byId(chart)?.querySelector(`.controls [name="${CSS.escape(name)}"]`)
      ?.focus({ preventScroll: true });
  }
}

/* The bar. */

function words({ state, updated, files, progress }) {
  const time = updated && new Date(updated * 1000).toLocaleTimeString("en-GB");
  const watched = files ? `, ${files} ${files === 1 ? "file" : "files"} watched` : "";
  return {
    reading: progress ? `working, ${Math.round(100 * progress)} %` : "reading the records",
    live: `live, updated ${time}${watched}`,
    waiting: "waiting for records",
    failed: time ? `the last run failed; this is the page of ${time}` : "the run failed",
    lost: "no connection to the server; trying again",
  }[state];
}

function say(status) {
  const text = words(status);
  const line = bar.querySelector("[role=status]");
  const trouble = bar.querySelector(".trouble");
  bar.dataset.state = status.state;
  if (line.textContent !== text) line.textContent = text;
  if (trouble.textContent !== status.message) trouble.textContent = status.message;
  trouble.hidden = !status.message;
}

async function take(status) {
  if (status.version !== shown) {
    marking = shown && chosenThen === JSON.stringify(status.chosen);
    await refresh();
    shown = status.version;
  }
  if (status.state === "live") chosenThen = JSON.stringify(status.chosen);
  offer(status);
  offerRows();
  say(status);
}

/* What the page can be filtered by: a list of choices each. */

function offer({ choices, chosen }) {
  for (const { name, label, options } of choices) {
    const select = bar.querySelector(`select[name="${CSS.escape(name)}"]`) ?? asked(name, label);
    const now = JSON.stringify(options);
    if (select.dataset.options !== now) {
      select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      select.dataset.options = now;
    }
    const value = chosen[name] ?? options[0][0];
    if (select.value !== value && document.activeElement !== select) select.value = value;
  }
}

function asked(name, label) {
  const select = Object.assign(document.createElement("select"), { name });
  const line = Object.assign(document.createElement("label"), { textContent: `${label} ` });
  line.append(select);
  select.addEventListener("change", () => ask({ [name]: select.value }));
  bar.querySelector(".trouble").before(line);
  return select;
}

/* A row that stands for a choice, such as one session, is chosen by a click or by Enter. */

function offerRows() {
  for (const row of document.querySelectorAll("tr[data-choose]")) {
    const { choose, value } = row.dataset;
    const select = bar.querySelector(`select[name="${CSS.escape(choose)}"]`);
    const offered = [...select?.options ?? []].some((one) => one.value === value);
    row.classList.toggle("offered", offered);
    if (offered) row.tabIndex = 0;
    else row.removeAttribute("tabindex");
  }
}

function pick(event) {
  const row = event.target.closest("tr.offered");
  if (!row || (event.type === "keydown" && event.key !== "Enter")) return;
  const { choose, value } = row.dataset;
  const select = bar.querySelector(`select[name="${CSS.escape(choose)}"]`);
  ask({ [choose]: select.value === value ? "" : value });
}

addEventListener("click", pick);
addEventListener("keydown", pick);

/* The state, after what the reader has chosen if anything. */

async function ask(chosen) {
  try {
    const answer = await fetch(`live?${new URLSearchParams(chosen)}`, { cache: "no-store" });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    if (text === before) return;
    before = text;
    turn = turn.then(() => take(JSON.parse(text))).catch((error) => console.error(error));
  } catch {
    before = "";
    turn = turn.then(() => say({ state: "lost", message: "" }));
  }
}

async function listen() {
  await ask();
  setTimeout(listen, 500);
}

listen();
