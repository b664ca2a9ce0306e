// Says what htmx would pass over in silence: an answer that is an error, or none at all.
function say(trouble) {
  const place = document.getElementById("trouble");
  place.textContent = trouble;
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}

document.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const isText = (answer.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  say(isText ? answer.responseText : `The server answered ${answer.status}. Reload the page.`);
});
document.addEventListener("htmx:sendError", () => say("The server does not answer."));
document.addEventListener("htmx:beforeRequest", () => {
  document.getElementById("trouble").hidden = true;
});
