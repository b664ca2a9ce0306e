// The keyboard: keys for what is done all the time, and a palette to go anywhere by name.

const typed = "input, textarea, select, [contenteditable]";
let goes = false; // after g, for a moment

const dialogs = {
  palette() {
    const dialog = document.getElementById("palette");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    const field = dialog.querySelector("input");
    field.select();
    field.dispatchEvent(new Event("opened"));
  },
  keys() {
    const dialog = document.getElementById("keys");
    if (dialog && !dialog.open) dialog.showModal();
  },
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialogs[opener.dataset.opens]();
  }
  // Beside an open dialog is outside of it.
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

// -- rows ---------------------------------------------------------------------------------------

function rows() {
  return [...document.querySelectorAll("tbody > tr, .message[id], [data-row]")].filter(
    (row) => row.offsetParent !== null,
  );
}

function current() {
  return document.querySelector(".is-current");
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
  current()?.classList.remove("is-current");
  next.classList.add("is-current");
  next.scrollIntoView({ block: "nearest" });
  const link = next.querySelector("a.title, .permalink, a");
  link?.focus({ preventScroll: true });
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector('input[name="selected"]')?.click(),
  Enter: () => current()?.querySelector("a.title, .permalink")?.click(),
  "]": () => document.querySelector('.pager a[rel="next"]')?.click(),
  "[": () => document.querySelector('.pager a[rel="prev"]')?.click(),
  "?": () => dialogs.keys(),
  "/": () => (document.getElementById("search-text") || document.getElementById("site-search"))?.select(),
  g: () => {
    goes = true;
    setTimeout(() => (goes = false), 1200);
  },
};
const places = { s: "sessions", p: "projects", m: "models" };

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    dialogs.palette();
    return;
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    if (event.target.matches('input[type="search"]') && !event.target.value) event.target.blur();
    return;
  }
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.matches(typed) && !event.target.matches('[type="checkbox"]')) return;
  if (goes && places[event.key]) {
    event.preventDefault();
    document.querySelector(`.site-nav a[href*="/${places[event.key]}/"]`)?.click();
    goes = false;
    return;
  }
  // Enter on a link or button is theirs.
  if (event.key === "Enter" && event.target !== document.body) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// -- the palette --------------------------------------------------------------------------------

const palette = document.getElementById("palette");

function options() {
  return [...palette.querySelectorAll(".found a")];
}

function choose(index) {
  const all = options();
  all.forEach((option, at) => {
    option.setAttribute("role", "option");
    option.id = `found-option-${at}`;
    option.setAttribute("aria-selected", at === index ? "true" : "false");
  });
  const field = palette.querySelector("input");
  if (all[index]) {
    field.setAttribute("aria-activedescendant", all[index].id);
    all[index].scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

palette?.addEventListener("htmx:afterSettle", () => choose(0));
palette?.querySelector("input").addEventListener("keydown", (event) => {
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (all.length) choose((at + step + all.length) % all.length);
  } else if (event.key === "Enter" && all[at]) {
    event.preventDefault();
    all[at].click();
  }
});
