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
    const dialog = document.getElementById("keys-sheet");
    if (dialog && !dialog.open) dialog.showModal();
  },
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialogs[opener.dataset.opens]();
  }
  // Beside an open dialog is outside of it; its own edge is not.
  if (event.target instanceof HTMLDialogElement) {
    const box = event.target.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) event.target.close();
  }
});

// -- rows ---------------------------------------------------------------------------------------

function rows() {
  // Not the tables that stand in a message.
  return [...document.querySelectorAll(".listing tbody > tr, .message[id], [data-row]")].filter(
    (row) => row.offsetParent !== null,
  );
}

function current() {
  return document.querySelector(".is-current");
}

function opener(row) {
  return row?.querySelector("a.title") || row?.querySelector(".permalink") || row?.querySelector("a");
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  point(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))]);
}

function point(next) {
  current()?.classList.remove("is-current");
  next.classList.add("is-current");
  next.scrollIntoView({ block: "nearest" });
  opener(next)?.focus({ preventScroll: true });
}

// -- from the box to the hits and back ------------------------------------------------------------

const arrows = { ArrowDown: 1, ArrowUp: -1 };

function searchBox() {
  return document.getElementById("search-text");
}

// Say whether an arrow has moved the focus from the box to a hit, to another one, or to the box.
function stepped(event) {
  const [step, box] = [arrows[event.key], searchBox()];
  const row = event.target.closest?.("#hits [data-row]");
  if (!step || !box || event.shiftKey || !(row || (event.target === box && step > 0))) return false;
  const all = rows();
  if (!all.length) return false;
  event.preventDefault();
  const at = row ? all.indexOf(row) + step : 0;
  if (at < 0) toBox();
  else point(all[Math.min(at, all.length - 1)]);
  return true;
}

function toBox() {
  current()?.classList.remove("is-current");
  searchBox().focus();
}

// Escape leads from a hit to the box, empties the box, and then leaves it.
function leave(event) {
  const field = event.target;
  if (field.closest?.("#hits")) {
    toBox();
  } else if (field.matches?.('input[type="search"]')) {
    if (!field.value) field.blur();
    else if (field === searchBox()) {
      event.preventDefault(); // not every browser does it by itself
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector('input[name="selected"]')?.click(),
  Enter: () => opener(current())?.click(),
  "]": () => document.querySelector('.pager a[rel="next"]')?.click(),
  "[": () => document.querySelector('.pager a[rel="prev"]')?.click(),
  "?": () => dialogs.keys(),
  "/": () => {
    const field = document.getElementById("search-text") || document.getElementById("site-search");
    field?.focus();
    field?.select();
  },
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
    // A search field would take the first to empty itself.
    const dialog = document.querySelector("dialog[open]");
    if (dialog) event.preventDefault();
    dialog?.close();
    // Where the focus came from may be gone; then it would stay in what is hidden for a moment.
    if (dialog?.contains(document.activeElement)) document.activeElement.blur();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
    if (!dialog) leave(event);
    return;
  }
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (stepped(event)) return;
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
const place = document.getElementById("palette-results");
let goesAtOnce = false; // Enter was pressed before they came

function options() {
  return [...place.querySelectorAll("section a")];
}

function choose(index) {
  const all = options();
  all.forEach((option, at) => option.setAttribute("aria-selected", at === index ? "true" : "false"));
  const field = palette.querySelector("input");
  if (all[index]) {
    field.setAttribute("aria-activedescendant", all[index].id);
    all[index].scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

// The results are links in lists; of a field that is typed into they are the options.
function makeOptions() {
  const all = options();
  place.removeAttribute("role");
  if (!all.length) return all;
  place.setAttribute("role", "listbox");
  place.querySelectorAll("section").forEach((group, at) => {
    const [kind, list] = [group.querySelector("p"), group.querySelector("ul")];
    kind.id = `palette-kind-${at}`;
    kind.setAttribute("role", "none");
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", kind.id);
    list.removeAttribute("aria-labelledby");
    for (const part of [list, ...list.children]) part.setAttribute("role", "none");
  });
  all.forEach((option, at) => {
    option.setAttribute("role", "option");
    option.id = `found-option-${at}`;
    option.tabIndex = -1;
  });
  return all;
}

palette?.addEventListener("htmx:afterSettle", (event) => {
  place.dataset.of = event.detail.requestConfig.parameters.q ?? "";
  const all = makeOptions();
  choose(0);
  if (place.dataset.of !== palette.querySelector("input").value) return; // typed on since then
  if (goesAtOnce && palette.open) all[0]?.click();
  goesAtOnce = false;
});
palette?.addEventListener("close", () => (goesAtOnce = false));
palette?.querySelector("input").addEventListener("input", () => (goesAtOnce = false));
palette?.querySelector("input").addEventListener("keydown", (event) => {
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (all.length) choose((at + step + all.length) % all.length);
  } else if (event.key === "Enter" && !event.isComposing) {
    const isWaiting = place.dataset.of !== event.target.value;
    if (!isWaiting && !all[at]) return; // the form asks for the page of this name
    event.preventDefault();
    if (isWaiting) goesAtOnce = true;
    else all[at].click();
  }
});
