"""The size of a page for its reader: its height in screens, and its visible words."""

from axe_playwright_python.sync_playwright import Axe

SCREEN = 900
"""Pixels of a screen at 1440 wide."""

WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (walker.nextNode()) {
    const place = walker.currentNode.parentElement;
    const seen = place.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
    if (seen && !place.closest(".hidden, .skip")) {
      words += walker.currentNode.textContent.split(/\\s+/).filter(Boolean).length;
    }
  }
  return words;
}"""

CHARTS = """() => [...document.querySelectorAll("main section.chapter")].map((section) =>
  [...section.querySelectorAll("figure.chart")].filter((one) => one.checkVisibility()).length)"""

CUT = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const inside = one.closest(".scroll, .drawing, pre, svg, .hidden");
  return one.checkVisibility() && !inside && box.width && box.right > innerWidth + 1;
}).map((one) => one.outerHTML.slice(0, 120))"""
"""What reaches past the right edge, apart from what can be scrolled by itself."""


CUT_WORDS = """() => [...document.querySelectorAll(".live svg text")].filter((one) => {
  const [box, place] = [one, one.closest(".drawing")].map((e) => e.getBoundingClientRect());
  const outside = box.right > place.right + 1 || box.left < place.left - 1;
  return one.checkVisibility() && one.textContent && box.width && outside;
}).map((one) => `${one.closest("figure").id}: ${one.textContent}`)"""
"""Labels of charts that reach out of their place, where they are cut."""

CUT_ON_PAPER = """() => {
  const limits = box => { const r = box.getBoundingClientRect(); return [r.left, r.right]; };
  const page = limits(document.querySelector("main"));
  return [...document.querySelectorAll(".static text")].filter(text => {
    const [left, right] = limits(text);
    if (left === right) return false;
    const clips = [...ancestors(text)].filter(one => getComputedStyle(one).overflowX !== "visible");
    return [page, ...clips.map(limits)].some(([from, to]) => left < from - 1 || right > to + 1);
  }).map(text => text.textContent);
  function* ancestors(one) { while ((one = one.parentElement) && one !== document.body) yield one; }
}"""
"""The words of drawings that stick out of the page or of what clips them."""


def screens(page):
    """The height of the page in screens."""
    return page.evaluate("document.documentElement.scrollHeight") / SCREEN


def words(page):
    """How many words are visible without opening anything."""
    return page.evaluate(WORDS)


def faults(page):
    """Problems that axe-core rates serious or critical: the rule and the elements."""
    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
