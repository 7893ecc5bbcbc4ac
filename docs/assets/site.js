"use strict";

// Maths: arithmatex marks formulas as \( \) and \[ \]; each is set once, in place. What is folded waits until it is
// opened: most of a model's page is, and the page is there at once.
function typeset(within, all = false) {
  for (const element of within.querySelectorAll(".arithmatex:not(.set)")) {
    if (!all && element.closest("details:not([open])")) continue;
    const source = element.textContent.trim();
    const displayMode = source.startsWith("\\[");
    // Rows with fractions need air between them.
    const formula = source.slice(2, -2).replace(/\\\\\n(?=.*\\frac)/g, "\\\\[0.7em]\n");
    katex.render(formula, element, { displayMode, fleqn: true, throwOnError: false });
    element.classList.add("set");
  }
}
typeset(document);
addEventListener("beforeprint", () => typeset(document, true));

// What is wider than the text scrolls in a box of its own, which the keyboard reaches too.
for (const table of document.querySelectorAll("main table")) {
  if (table.closest(".highlighttable")) continue;
  const box = document.createElement("div");
  box.className = "table";
  table.replaceWith(box);
  box.append(table);
}
function reachable(within) {
  for (const box of within.querySelectorAll("div.arithmatex, .table, pre, figure")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", () => reachable(document));
document.addEventListener("toggle", (event) => { typeset(event.target); reachable(event.target); }, true);
document.fonts.ready.then(() => reachable(document));

// Light or dark: what the system says until the switch is used.
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shown = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = shown === "dark" ? "light" : "dark";
  try { localStorage.setItem("rnnsym-theme", root.dataset.theme); } catch (error) { /* no storage: for this page only */ }
});

// The list of pages on a narrow screen.
const menu = document.getElementById("menu");
const navigation = document.getElementById("navigation");
function showMenu(open) {
  navigation.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
}
menu.addEventListener("click", () => showMenu(!navigation.classList.contains("open")));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") showMenu(false); });

// Code is copied by a button.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll("main .highlight")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    block.append(button);
  }
}

// The heading that is being read is marked on the right.
const links = new Map([...document.querySelectorAll("aside a")].map((link) => [link.hash.slice(1), link]));
const headings = [...document.querySelectorAll("main h2[id], main h3[id]")].filter((heading) => links.has(heading.id));
function mark() {
  const current = headings.filter((heading) => heading.getBoundingClientRect().top < 120).pop();
  for (const [id, link] of links) link.classList.toggle("current", id === current?.id);
}
addEventListener("scroll", mark, { passive: true });
mark();

// A link into something folded opens it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded) { folded.open = true; typeset(folded); target.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
unfold();
