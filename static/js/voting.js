// Votes by keyboard: a key presses the button that names it.

const root = document.documentElement;
// Where arrows are for something else: fields, and what scrolls when it has the focus.
const busy = "input, textarea, select, [contenteditable], dialog, [role='region']";

document.addEventListener("keydown", (event) => {
  if (root.dataset.keys === "off") return; // by the reader's own choice
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  if (event.target.closest(busy) || document.querySelector("dialog[open]")) return;
  const button = [...document.querySelectorAll("[data-vote-key]")].find(
    (one) => one.dataset.voteKey === event.key,
  );
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  button.click();
}, { capture: true });

const ballot = document.querySelector(".ballot");

// Pressed twice in haste, it counts once.
ballot?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});

// Back from another page the ballot can be sent again.
addEventListener("pageshow", () => ballot?.removeAttribute("data-sent"));
