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

function showRunning(text, done) {
  const line = document.getElementById("running");
  if (!line) return;
  line.hidden = false;
  document.getElementById("stop").hidden = false;
  line.textContent = done ? `Checking: ${done} judged, now ${text}` : `Checking: ${text}`;
}

function follow(live) {
  let done = 0;
  let errand = "check";
  const source = new EventSource(`${live.dataset.live}?token=${encodeURIComponent(live.dataset.token)}`);
  const watching = document.getElementById("watching");
  source.addEventListener("hello", () => {
    if (watching) watching.hidden = false;
  });
  source.addEventListener("error", () => {
    if (watching) watching.hidden = true;
  });
  source.addEventListener("news", async (event) => {
    const news = JSON.parse(event.data);
    if (news.kind === "begun") {
      done = 0;
      errand = news.errand;
      document.querySelectorAll('[data-check] [data-label="You"]').forEach((cell) => {
        cell.replaceChildren(Object.assign(document.createElement("span"), { className: "quiet", textContent: "…" }));
      });
      showRunning("getting ready", 0);
      announce(errand === "check" ? "Checking." : "Comparing.");
    } else if (news.kind === "step") {
      showRunning(news.text, done);
    } else if (news.kind === "verdict") {
      done += 1;
      showVerdict(news);
      showRunning(news.name, done);
    } else {
      const response = await fetch(location.pathname).catch(() => null);
      if (response?.ok) replaceParts(await response.text(), live.dataset.parts);
      const line = document.getElementById("running");
      if (line && news.kind === "trouble") {
        line.hidden = false;
        line.textContent = news.text;
      }
      announce(news.text);
    }
  });
  addEventListener("pagehide", () => source.close());
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
