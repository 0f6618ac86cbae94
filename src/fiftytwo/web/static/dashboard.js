// Three things, each of which a page can do without: the choice of light and dark, forms that change a part of
// the page in place, and checks that show as they run. Everything else is links and forms.
"use strict";

const root = document.documentElement;
const THEMES = ["system", "dark", "light"];

function setTheme(theme) {
  if (theme === "system") root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", theme);
  const button = document.getElementById("theme");
  if (button) button.querySelector("b").textContent = theme;
}

function readTheme() {
  try {
    const kept = localStorage.getItem("theme");
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system"; // storage is switched off
  }
}

setTheme(readTheme()); // before the page is drawn, so that it never flashes

function turnTheme() {
  const next = THEMES[(THEMES.indexOf(readTheme()) + 1) % THEMES.length];
  try {
    localStorage.setItem("theme", next);
  } catch {
    // not remembered, but shown
  }
  setTheme(next);
}

// Parts of the page

function announce(text) {
  const line = document.getElementById("announce");
  if (line) line.textContent = text;
}

// The named parts of the page as a fresh copy of it has them; what was open stays open, and focus stays put.
function replaceParts(text, ids) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const focused = document.activeElement?.id;
  const watching = document.getElementById("watching")?.hidden === false;
  for (const id of ids.split(" ")) {
    const part = fresh.getElementById(id);
    const old = document.getElementById(id);
    if (!part || !old) continue;
    for (const box of old.querySelectorAll("details[id]")) {
      const twin = part.querySelector(`#${CSS.escape(box.id)}`);
      if (twin) twin.open = box.open;
    }
    old.replaceWith(part);
  }
  showWatching(watching);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return fresh;
}

async function sendForm(form) {
  const parts = form.dataset.part;
  const body = new URLSearchParams(new FormData(form));
  form.querySelectorAll("button").forEach((button) => (button.disabled = true));
  try {
    const response = await fetch(form.action, { method: "POST", body });
    const text = await response.text();
    if (!response.ok) {
      const page = new DOMParser().parseFromString(text, "text/html");
      complain(form, page.querySelector(".lead")?.textContent || "That did not work; load the page again.");
    } else if (parts !== "none") {
      replaceParts(text, parts);
      document.getElementById(form.dataset.then)?.focus();
    }
  } catch {
    complain(form, "The dashboard does not answer. Is fiftytwo serve still running?");
  }
  form.querySelectorAll("button").forEach((button) => (button.disabled = false));
}

function complain(form, text) {
  let line = form.querySelector(".complaint");
  if (!line) {
    line = document.createElement("p");
    line.className = "complaint";
    line.setAttribute("role", "alert");
    form.append(line);
  }
  line.textContent = text;
}

// Checks as they run

const SIGNS = { passed: "✓", wrong: "✕", crashed: "!", "not attempted": "○", "could not run here": "–" };

function showVerdict(news) {
  const row = document.querySelector(`[data-check="${CSS.escape(news.name)}"]`);
  const place = row?.querySelector('[data-label="You"]');
  if (!place) return;
  const mark = document.createElement("span");
  mark.className = `outcome ${news.outcome.replaceAll(" ", "-")}`;
  mark.textContent = `${SIGNS[news.outcome] || ""} ${news.outcome}`;
  place.replaceChildren(mark);
}

function showRunning(text) {
  const line = document.getElementById("running");
  if (!line) return;
  line.textContent = text;
  line.hidden = !text;
  document.getElementById("stop").hidden = !text;
}

function showWatching(open) {
  const line = document.getElementById("watching");
  if (line) line.hidden = !open;
}

async function refresh(live) {
  const response = await fetch(location.pathname).catch(() => null);
  if (response?.ok) replaceParts(await response.text(), live.dataset.parts);
}

async function tell(news, live, state) {
  if (news.kind === "begun") {
    state.done = 0;
    document.querySelectorAll('[data-check] [data-label="You"]').forEach((cell) => {
      cell.replaceChildren(Object.assign(document.createElement("span"), { className: "quiet", textContent: "…" }));
    });
    announce(news.errand === "check" ? "Checking." : "Comparing.");
  } else if (news.kind === "verdict") {
    state.done += 1;
    showVerdict(news);
    showRunning(`${state.done} judged, now past: ${news.name}`);
  } else if (news.kind === "step") {
    showRunning(`Running: ${news.text}`);
  } else {
    await refresh(live);
    showWatching(true);
    showRunning(""); // the page may have been made while the process was ending
    if (news.kind === "trouble") showRunning(news.text);
    announce(news.text);
  }
}

// A browser keeps few connections to one server, so a hidden page gives its stream to the one that is looked at.
function follow(live) {
  const state = { done: 0, missed: false };
  const others = new BroadcastChannel("live");
  let source = null;
  const open = () => {
    source = new EventSource(`${live.dataset.live}?token=${encodeURIComponent(live.dataset.token)}`);
    source.addEventListener("hello", async () => {
      if (state.missed) await refresh(live);
      state.missed = true; // whatever happens until the next hello
      showWatching(true);
    });
    source.addEventListener("error", () => showWatching(false));
    source.addEventListener("news", (event) => tell(JSON.parse(event.data), live, state));
    others.postMessage("opened");
  };
  others.onmessage = () => document.hidden && source.close();
  const reopen = () => !document.hidden && source.readyState === EventSource.CLOSED && open();
  document.addEventListener("visibilitychange", reopen);
  addEventListener("pageshow", reopen);
  addEventListener("pagehide", () => source.close());
  open();
}

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  button.hidden = false;
  setTheme(readTheme());
  button.addEventListener("click", turnTheme);
  document.addEventListener("submit", (event) => {
    if (!event.target.dataset.part) return;
    event.preventDefault();
    sendForm(event.target);
  });
  const live = document.querySelector("[data-live]");
  if (live) follow(live);
  const chosen = document.getElementById("week");
  if (chosen) chosen.addEventListener("change", () => chosen.form.requestSubmit());
});
