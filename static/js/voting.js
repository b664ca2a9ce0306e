// Votes by keyboard: a key presses the button that names it.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const button = [...document.querySelectorAll("[data-vote-key]")].find(
    (one) => one.dataset.voteKey === event.key,
  );
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  button.click();
}, { capture: true });

// Pressed twice in haste, it counts once.
document.querySelector(".ballot")?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
