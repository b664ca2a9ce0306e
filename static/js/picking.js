// Picking rows of a list: all of a page, and from one to another with Shift.

let last = null;

function rows(form) {
  return [...form.querySelectorAll('input[name="selected"]')];
}

function count(form) {
  const all = form.querySelector('input[name="all"]');
  const picked = all?.checked ? Number(all.value) : rows(form).filter((box) => box.checked).length;
  const place = form.querySelector("[data-picked-count]");
  if (place) place.textContent = `${picked.toLocaleString("en")} selected`;
  const head = form.querySelector("[data-pick-all]");
  if (head) head.checked = rows(form).length > 0 && rows(form).every((box) => box.checked);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest('[data-picking] input[name="selected"]');
  if (!box) return;
  const boxes = rows(box.form);
  if (event.shiftKey && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
  count(box.form);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-picking]");
  if (!form) return;
  if (event.target.matches("[data-pick-all]")) {
    for (const box of rows(form)) box.checked = event.target.checked;
  }
  count(form);
});

// A browser that comes back to a page ticks the boxes again, and says nothing of it.
for (const form of document.querySelectorAll("[data-picking]")) count(form);
