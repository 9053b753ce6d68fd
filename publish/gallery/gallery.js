"use strict";
const get = (id) => document.getElementById(id);
const data = JSON.parse(get("data").textContent);
const still = matchMedia("(prefers-reduced-motion: reduce)"), dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement, asked = new URLSearchParams(location.hash.slice(1));
const PARTS = { q: "search", family: "family", group: "group" };

const cards = [...document.querySelectorAll(".card")].map((item) => ({
  item,
  link: item.querySelector("a"),
  page: item.querySelector("a").getAttribute("href"),
  picture: item.querySelector("img"),
  title: item.querySelector(".title"),
  films: JSON.parse(item.dataset.films),
  titles: JSON.parse(item.dataset.titles),
  alts: JSON.parse(item.dataset.alts),
}));
let lang = asked.get("lang") in data.words ? asked.get("lang") : root.lang;
const say = (key, values = {}) => data.words[lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Words and colours

function film(card) {
  const fit = (name) => 2 * name.startsWith(lang) + name.endsWith(root.dataset.theme);
  return card.films[Object.keys(card.films).reduce((best, one) => (fit(one) > fit(best) ? one : best))];
}

function speak() {
  root.lang = lang === "zh" ? "zh-CN" : lang;
  document.title = get("title").textContent = say("gallery");
  get("search").placeholder = say("search");
  for (const id of ["search", "family", "group"]) get(id).setAttribute("aria-label", say(id));
  get("lang").textContent = say("language");
  get("lang").lang = lang === "zh" ? "en" : "zh-CN";
  get("theme").textContent = root.dataset.theme === "dark" ? "☀" : "☾";
  get("theme").title = say("theme");
  get("theme").setAttribute("aria-label", say("theme"));
  get("none").textContent = say("none");
  options("family", [["", say("every_family")], ...Object.entries(data.families).map(([key, names]) => [key, names[lang]])]);
  options("group", [["family", say("by_family")], ["row", say("by_row")]]);
  for (const card of cards) {
    const source = `clips/${encodeURIComponent(film(card))}.webp`;
    if (card.picture.getAttribute("src") !== source) card.picture.src = source;
    card.picture.alt = card.alts[lang];
    card.title.textContent = card.titles[lang];
    card.link.href = `${card.page}#lang=${lang}&theme=${root.dataset.theme}`;
  }
  arrange();
}

function options(id, pairs) {
  const kept = get(id).value || asked.get(id) || "";
  get(id).replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
  get(id).value = pairs.some(([value]) => value === kept) ? kept : pairs[0][0];
}

// Groups and search

function arrange() {
  const by = get("group").value, groups = new Map();
  for (const card of cards) {
    const key = card.item.dataset[by];
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(card);
  }
  get("sections").replaceChildren(...[...groups].map(([key, members]) => {
    const section = document.createElement("section"), head = document.createElement("h2"), list = document.createElement("ul");
    head.textContent = by === "family" ? data.families[key][lang] : data.rows[key] || say("no_row");
    if (by === "row" && data.rows[key]) head.lang = "zh-CN";
    list.append(...members.map((card) => card.item));
    section.append(head, list);
    return section;
  }));
  search();
}

function search() {
  const wanted = get("search").value.toLowerCase().split(/\s+/).filter(Boolean), family = get("family").value;
  let count = 0;
  for (const { item } of cards) {
    const fits = (!family || item.dataset.family === family) && wanted.every((word) => item.dataset.search.includes(word));
    item.hidden = !fits;
    count += fits;
  }
  for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector(".card:not([hidden])");
  get("found").textContent = say("found", { count });
  get("none").hidden = count > 0;
  remember();
}

// The address says what is shown, so that it can be passed on and comes back with the browser's button.
function remember() {
  const state = new URLSearchParams({ lang });
  for (const [key, id] of Object.entries(PARTS)) if (get(id).value && get(id).value !== "family") state.set(key, get(id).value);
  if (chosen) state.set("theme", root.dataset.theme);
  history.replaceState(null, "", `#${state}`);
}

// A card plays while it is pointed at or has the focus.

let running = null;

function leave() {
  if (running) running.remove();
  running = null;
}

function enter(item) {
  if (running && item.contains(running)) return;
  leave();
  if (still.matches) return;
  const card = cards.find((one) => one.item === item);
  running = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true });
  running.src = `clips/${encodeURIComponent(film(card))}.mp4`;
  running.poster = card.picture.src;
  running.setAttribute("aria-hidden", "true");
  running.tabIndex = -1;
  card.picture.after(running);
  running.play().catch(leave);
}

for (const { item } of cards) {
  for (const event of ["pointerenter", "focusin"]) item.addEventListener(event, () => enter(item));
  for (const event of ["pointerleave", "focusout"]) item.addEventListener(event, () => running && item.contains(running) && leave());
}

let chosen = ["light", "dark"].includes(asked.get("theme"));
root.dataset.theme = chosen ? asked.get("theme") : dark.matches ? "dark" : "light";
get("search").value = asked.get("q") || "";
get("search").oninput = get("family").onchange = search;
get("group").onchange = arrange;
get("form").onsubmit = (event) => event.preventDefault();
get("lang").onclick = () => {
  lang = lang === "zh" ? "en" : "zh";
  speak();
};
get("theme").onclick = () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  chosen = true;
  speak();
};
dark.onchange = () => {
  if (chosen) return;
  root.dataset.theme = dark.matches ? "dark" : "light";
  speak();
};
speak();
