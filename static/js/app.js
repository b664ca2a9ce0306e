// What pages do beyond plain HTML: errors of swaps, toasts, copying.

document.documentElement.classList.add("js");

const toasts = document.getElementById("toasts");

function toast(text, kind = "info") {
  const note = document.createElement("div");
  note.className = "notice toast-note";
  note.dataset.kind = kind;
  note.setAttribute("role", kind === "error" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-sm btn-quiet";
  close.dataset.dismiss = "";
  close.textContent = "Dismiss";
  note.append(words, close);
  toasts.append(note);
  return note;
}

// -- errors that htmx would pass over in silence -----------------------------------------------

let trouble = null;

function say(text) {
  trouble?.remove();
  trouble = toast(text, "error");
  trouble.id = "trouble";
}

document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const isText = (answer.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  const id = answer.getResponseHeader("X-Request-ID");
  const words = isText ? answer.responseText.trim() : `The server answered ${answer.status}.`;
  say(id && !words.includes(id) ? `${words} (Request ${id})` : words);
});
document.addEventListener("htmx:sendError", () => say("The server does not answer."));
document.addEventListener("htmx:timeout", () => say("The server takes too long to answer."));
document.addEventListener("htmx:beforeRequest", () => trouble?.remove());

// An address says what is asked, and nothing of what is not.
document.addEventListener("htmx:configRequest", (event) => {
  const { verb, parameters } = event.detail;
  if (verb !== "get") return;
  for (const [name, value] of Object.entries(parameters)) {
    if (value === "") delete parameters[name];
  }
});

// The link that asked for a form is gone with its place: the focus goes on in the form.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "add") event.target.querySelector("select, textarea")?.focus();
});

// -- small things that are pressed -------------------------------------------------------------

async function copy(button) {
  const address = button.dataset.copyFrom;
  try {
    let text = button.dataset.copy;
    if (address) {
      const answer = await fetch(address);
      // Led elsewhere is to the sign-in page, whose text nobody wants.
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      text = await answer.text();
    }
    await navigator.clipboard.writeText(text);
    document.getElementById("announcement").textContent = "Copied.";
    button.dataset.done = "";
    setTimeout(() => delete button.dataset.done, 1500);
  } catch {
    say("This could not be copied.");
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-dismiss], [data-copy], [data-copy-from]");
  if (pressed?.matches("[data-dismiss]")) {
    pressed.closest(".toast-note").remove();
  } else if (pressed) {
    copy(pressed);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  // The filters may have been changed by a swap since the page was made.
  if (form.matches("[data-takes-query]")) form.elements.query.value = location.search.slice(1);
  if (form.dataset.busy) {
    const button = form.querySelector("button:not([type])");
    button.textContent = form.dataset.busy;
    // Not before the form has been read: a disabled button sends nothing.
    setTimeout(() => (button.disabled = true));
  }
});

// A page from the browser's own store is shown as it was left: with the button still off.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

// On a small screen the filters would be all there is to see; the chips say what is on.
if (matchMedia("(max-width: 44rem)").matches) {
  document.querySelector(".filters")?.removeAttribute("open");
}

// What was searched for may stand in a part of the message that is folded. Which message the
// address points to is not known before the page is there.
window.addEventListener("load", () => {
  for (const fold of document.querySelectorAll(".message:target .fold")) fold.open = true;
});

// -- a button on each block of code ----------------------------------------------------------

function offerCopies(place) {
  for (const block of place.querySelectorAll(".text pre.code:not([data-offers])")) {
    block.dataset.offers = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-quiet copy-code";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", () => {
      button.dataset.copy = block.querySelector("code").textContent;
    });
    const frame = document.createElement("div");
    frame.className = "code-frame";
    block.replaceWith(frame);
    frame.append(block, button);
  }
}

offerCopies(document);
document.addEventListener("htmx:load", (event) => offerCopies(event.target));
