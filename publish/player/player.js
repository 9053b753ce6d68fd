"use strict";
// The page's own state: which clip, film, words and colours; what stands lit. Times are seconds of the film.
const get = (id) => document.getElementById(id);
const data = JSON.parse(get("data").textContent);
const video = get("video"), stage = get("stage"), numbers = get("numbers"), tip = get("tip");
const still = matchMedia("(prefers-reduced-motion: reduce)"), dark = matchMedia("(prefers-color-scheme: dark)");
const asked = new URLSearchParams(location.hash.slice(1));
const EARLY = 0.07; // A step stops two frames before the next begins, or the next one's first picture would show.

const root = document.documentElement;
let lang = asked.get("lang") in data.words ? asked.get("lang") : root.lang;
let clip = data.clips.find((one) => one.name === asked.get("clip")) || data.clips[0];
let film = null, told = null, step = -1, stopAt = null, wanted = null;
let boxes = [], shown = "", lit = null, pinned = null;

// Words

const say = (key, values = {}) => data.words[lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

function name(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

function speak() {
  root.lang = lang === "zh" ? "zh-CN" : lang;
  document.title = `${clip.name}: ${clip.title[lang]}`;
  get("heading").textContent = clip.title[lang];
  get("call").textContent = clip.call;
  get("alt").textContent = clip.alt[lang];
  get("lang").textContent = say("language");
  get("lang").lang = lang === "zh" ? "en" : "zh-CN";
  name(get("theme"), say("theme"));
  get("theme").textContent = root.dataset.theme === "dark" ? "☀" : "☾";
  name(get("previous"), say("previous"));
  name(get("next"), say("next"));
  get("scrub").setAttribute("aria-label", say("scrub"));
  numbers.setAttribute("aria-label", say("numbers"));
  get("steps-title").textContent = say("steps");
  for (const key of ["help", "help_steps", "help_numbers"]) get(key).textContent = say(key);
  if (get("back")) get("back").textContent = say("back");
  get("clips").setAttribute("aria-label", say("clips"));
  listClips();
  listSteps();
  playing();
}

function listClips() {
  get("clips").hidden = data.clips.length < 2;
  get("clips").replaceChildren(...data.clips.map((one) => button(one.name, () => choose(one), one === clip && "true")));
}

function listSteps() {
  get("steps").replaceChildren(...told.captions.map(([, , text], i) => {
    const item = document.createElement("li"), number = document.createElement("span");
    number.textContent = i + 1;
    const one = button("", () => go(i));
    one.append(number, text[lang]);
    item.append(one);
    return item;
  }));
  mark(Math.max(0, step));
}

function button(text, act, current) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.onclick = act;
  if (current) made.setAttribute("aria-current", current);
  return made;
}

// Which film is shown: that of the words and colours of the page, or the nearest there is.

function nearest() {
  const colours = root.dataset.theme;
  const fit = (one) => 2 * (one.lang === lang) + (one.theme === colours);
  return clip.films.reduce((best, one) => (fit(one) > fit(best) ? one : best));
}

function choose(other) {
  clip = other;
  step = -1;
  show(0);
  speak();
}

function show(step, into = 0) {
  const next = nearest();
  if (next === film) return;
  film = next;
  told = clip.told[film.told];
  stage.dataset.film = film.theme;
  release();
  place();
  get("scrub").max = told.duration;
  const [start, end] = told.captions[Math.min(step, told.captions.length - 1)];
  load(Math.min(start + into, end - EARLY));
}

// Other words or colours: the same step, as far into it.
function translate() {
  const at = Math.max(0, step), goesOn = !video.paused, stops = stopAt !== null;
  const into = video.currentTime - told.captions[at][0], before = film;
  show(at, into);
  if (film !== before && goesOn) {
    stopAt = stops ? told.captions[at][1] : null;
    start();
  }
  speak();
}

// As a Blob a video can be sought in whatever server it came from, and whatever its browser does with long URLs.
async function load(time) {
  const source = film, served = /^https?:/.test(location.protocol);
  video.poster = film.poster;
  wanted = time;
  if (!film.url) film.url = film.video.startsWith("data:") ? unpacked(film.video) : served ? await fetched(film.video) : film.video;
  if (source !== film) return;
  const goesOn = !video.paused;
  if (video.getAttribute("src") !== film.url) video.src = film.url;
  video.currentTime = wanted;
  if (goesOn) start();
}

async function fetched(url) {
  try {
    const answer = await fetch(url);
    return answer.ok ? URL.createObjectURL(await answer.blob()) : url;
  } catch {
    return url;
  }
}

function unpacked(url) {
  const [head, body] = url.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: head.slice(5, head.indexOf(";")) }));
}

// Steps

function at(time) {
  const later = told.captions.findIndex(([start]) => start > time + 1e-3);
  return later < 0 ? told.captions.length - 1 : Math.max(0, later - 1);
}

function mark(index) {
  step = index;
  const caption = get("caption"), text = told.captions[index][2][lang];
  if (caption.textContent !== text) caption.textContent = text;
  caption.classList.toggle("spoken", film.lang === lang);
  [...get("steps").children].forEach((item, i) => {
    const one = item.firstChild, current = i === index;
    if (current === one.hasAttribute("aria-current")) return;
    if (!current) return one.removeAttribute("aria-current");
    one.setAttribute("aria-current", "step");
    const list = item.closest(".list");
    if (list.scrollHeight > list.clientHeight) list.scrollTop = item.offsetTop - list.offsetTop - list.clientHeight / 3;
  });
}

function start() {
  video.play().catch(() => {});
}

function seek(time) {
  wanted = time;
  video.currentTime = time;
}

function go(index) {
  if (index >= told.captions.length) return;
  index = Math.max(0, index);
  const [from, to] = told.captions[index];
  release();
  mark(index);
  if (still.matches) {
    stopAt = null;
    video.pause();
    seek(Math.max(from, to - EARLY));
    return;
  }
  stopAt = to;
  seek(from + 0.001);
  start();
}

function toggle() {
  stopAt = null;
  if (!video.paused) return video.pause();
  if (video.currentTime >= told.duration - EARLY) seek(0);
  start();
}

function playing() {
  const runs = !video.paused && !video.ended;
  get("play").classList.toggle("playing", runs);
  name(get("play"), say(runs ? "pause" : "play"));
}

function halt(time) {
  if (stopAt === null || time < stopAt - EARLY) return;
  stopAt = null;
  video.pause();
}

// Numbers in the picture: those that stand still now, each with its box.

function place() {
  const [width, height] = told.size, margin = 4;
  boxes = told.numbers.map(([cell, left, top, right, bottom, runs]) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "number";
    made.tabIndex = -1;
    made.hidden = true;
    made.setAttribute("aria-pressed", "false");
    made.setAttribute("aria-label", spelled(cell));
    Object.assign(made.style, {
      left: `${(100 * (left - margin)) / width}%`,
      top: `${(100 * (top - margin)) / height}%`,
      width: `${(100 * (right - left + 2 * margin)) / width}%`,
      height: `${(100 * (bottom - top + 2 * margin)) / height}%`,
    });
    return { made, cell, left, top, right, bottom, runs };
  });
  shown = "";
  numbers.replaceChildren(...boxes.map((box) => box.made));
}

function spelled(cell) {
  const [tensor, index, value] = told.cells[cell];
  return `${tensor}${index.length ? `[${index.join(", ")}]` : ""} = ${value}`;
}

// At the end of a beat all its numbers stand; until it has settled, those that stood there before and stay.
function sight(time) {
  let beat = told.beats.findIndex(([, , end]) => time < end - 1e-3);
  if (beat < 0) beat = told.beats.length - 1;
  const settled = time >= told.beats[beat][1] - 1e-3, key = `${beat} ${settled}`;
  if (key === shown) return;
  shown = key;
  const stands = (runs, k) => runs.some(([first, last]) => first <= k && k <= last);
  for (const box of boxes) box.made.hidden = !(stands(box.runs, beat) && (settled || stands(box.runs, beat - 1)));
  const current = boxes.find((box) => box.made === document.activeElement);
  if (current && current.made.hidden) release();
  if (!boxes.some((box) => box.made.tabIndex === 0 && !box.made.hidden)) rove(boxes.find((box) => !box.made.hidden));
  if (lit && lit.made.hidden) release();
  else if (lit) light(lit);
}

// One of the numbers is what Tab reaches; arrows go from there.
function rove(box) {
  for (const other of boxes) other.made.tabIndex = other === box ? 0 : -1;
}

function light(box) {
  lit = box;
  const sources = new Set(told.reads[box.cell] || []);
  for (const other of boxes) {
    other.made.classList.toggle("same", other.cell === box.cell);
    other.made.classList.toggle("source", sources.has(other.cell));
    other.made.classList.toggle("here", other === box);
  }
  const exact = document.createElement("b");
  exact.textContent = spelled(box.cell);
  tip.replaceChildren(exact, ...(sources.size ? [say("computed")] : []));
  tip.hidden = false;
  const [width, height] = told.size, room = stage.clientWidth, scale = room / width;
  const left = ((box.left + box.right) / 2) * scale - tip.offsetWidth / 2;
  const above = (box.top - 8) * scale - tip.offsetHeight, below = (box.bottom + 8) * scale;
  tip.style.left = `${Math.max(2, Math.min(room - tip.offsetWidth - 2, left))}px`;
  tip.style.top = `${above >= 0 || below + tip.offsetHeight > height * scale ? Math.max(0, above) : below}px`;
}

function dim() {
  lit = null;
  tip.hidden = true;
  for (const box of boxes) box.made.classList.remove("same", "source", "here");
}

function release() {
  pin(null);
  dim();
}

function pin(box) {
  pinned = box;
  for (const other of boxes) other.made.setAttribute("aria-pressed", String(other === box));
}

const boxOf = (element) => boxes.find((box) => box.made === element);
const focused = () => boxes.find((box) => box.made === document.activeElement && box.made.matches(":focus-visible"));
const rest = () => pinned || focused();

numbers.onpointerover = (event) => boxOf(event.target) && !pinned && light(boxOf(event.target));
numbers.onpointerout = (event) => {
  if (!boxOf(event.target) || pinned) return;
  const kept = rest();
  if (kept) light(kept);
  else dim();
};
numbers.addEventListener("focusin", (event) => {
  const box = boxOf(event.target);
  if (!box) return;
  rove(box);
  if (!pinned) light(box);
});
numbers.addEventListener("focusout", () => pinned || dim());
// A pointer does not take the keys away from the steps.
numbers.onmousedown = (event) => event.preventDefault();
numbers.onclick = (event) => {
  const box = boxOf(event.target);
  if (!box) return toggle();
  const again = pinned === box;
  pin(again ? null : box);
  light(box);
};

// The nearest number in a direction: as far as it is that way, and three times as far as it is aside.
function neighbour(from, dx, dy) {
  const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const [x, y] = middle(from);
  let best = null, least = Infinity;
  for (const box of boxes) {
    if (box.made.hidden || box === from) continue;
    const [there, down] = middle(box), along = (there - x) * dx + (down - y) * dy;
    const aside = Math.abs((there - x) * dy) + Math.abs((down - y) * dx), far = along + 3 * aside;
    if (along > 1 && far < least) [best, least] = [box, far];
  }
  return best;
}

// Keys

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEPS = { ArrowLeft: () => go(step - 1), ArrowRight: () => go(step + 1), Home: () => go(0), End: () => go(told.captions.length - 1) };

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const box = boxOf(event.target), tag = event.target.tagName, key = event.key;
  if (key === "Escape") return release();
  if (box && WAYS[key]) {
    const next = neighbour(box, ...WAYS[key]);
    pin(null);
    if (next) next.made.focus();
  } else if (tag === "INPUT") return;
  else if (STEPS[key]) STEPS[key]();
  else if (key === " " && !["BUTTON", "A", "SUMMARY"].includes(tag)) toggle();
  else return;
  event.preventDefault();
});

// The clock

function tick() {
  const time = video.seeking && wanted !== null ? wanted : video.currentTime;
  if (video.readyState > 1) halt(video.currentTime);
  if (at(time) !== step) mark(at(time));
  sight(time);
  const whole = told.duration.toFixed(1), now = Math.min(time, told.duration).toFixed(1);
  if (document.activeElement !== get("scrub")) get("scrub").value = time;
  if (get("time").textContent !== `${now} / ${whole}`) {
    get("time").textContent = `${now} / ${whole}`;
    const caption = told.captions[step][2][lang];
    get("scrub").setAttribute("aria-valuetext", say("at", { time: now, whole, step: step + 1, caption }));
  }
  requestAnimationFrame(tick);
}

if (video.requestVideoFrameCallback) {
  const frame = (_, { mediaTime }) => {
    halt(mediaTime);
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
}

video.onplay = video.onpause = video.onended = playing;
get("play").onclick = toggle;
get("previous").onclick = () => go(step - 1);
get("next").onclick = () => go(step + 1);
get("scrub").oninput = (event) => {
  stopAt = null;
  video.pause();
  seek(+event.target.value);
};
get("lang").onclick = () => {
  lang = lang === "zh" ? "en" : "zh";
  translate();
};
get("theme").onclick = () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  dark.onchange = null;
  translate();
};
dark.onchange = () => {
  root.dataset.theme = dark.matches ? "dark" : "light";
  translate();
};
addEventListener("resize", () => lit && light(lit));

const given = asked.get("theme");
root.dataset.theme = ["light", "dark"].includes(given) ? given : dark.matches ? "dark" : "light";
video.controls = false;
const first = Math.max(0, (parseInt(asked.get("step"), 10) || 1) - 1);
step = -1;
show(first);
speak();
if (asked.has("step") || still.matches) mark(Math.min(first, told.captions.length - 1));
else start();
tick();
