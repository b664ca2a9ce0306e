// Charts: drawn from the numbers in their figure, with the words and links of the table there.

import { COLOURS, colourNumber, option } from "./chart-options.js";

const drawn = new Map(); // the place of a drawing: what is drawn there
const kept = new Map(); // id of a figure: what the reader did to it, for when it comes again
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

// -- colours ------------------------------------------------------------------------------------

const NAMES = ["surface", "ink", "quiet", "line", "edge", "bad", "series-rest", "heat-low", "heat-high"];
const SERIES = Array.from({ length: COLOURS }, (_, index) => `series-${index + 1}`);

// Custom properties keep light-dark() as it is written; what colour it is, only a property says.
function coloursOf(place) {
  const probe = document.createElement("i");
  place.append(probe);
  const colours = {};
  for (const name of [...NAMES, ...SERIES]) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  colours.series = SERIES.map((name) => colours[name]);
  // Quotation marks would end the attribute that ECharts writes it into.
  colours.font = getComputedStyle(place).fontFamily.replaceAll('"', "'");
  probe.remove();
  return colours;
}

function onPaper() {
  const paper = document.createElement("div");
  paper.className = "on-paper";
  document.body.append(paper);
  const colours = coloursOf(paper);
  paper.remove();
  return colours;
}

// -- one chart ----------------------------------------------------------------------------------

class Drawing {
  constructor(place) {
    this.place = place;
    this.figure = place.closest("figure");
    this.spec = JSON.parse(place.dataset.chart);
    this.rows = this.figure.querySelector("tbody").rows;
    this.kept = kept.get(this.figure.id) || { hidden: new Set(), at: null, isOpen: false };
    kept.set(this.figure.id, this.kept);
    this.canvas = document.createElement("div");
    this.canvas.className = "drawing-canvas";
    place.append(this.canvas);
    this.setHeight();
    this.chart = window.echarts.init(this.canvas, null, { renderer: "svg" });
    this.canvas.setAttribute("aria-hidden", "true"); // the words and the table say it better
    this.addKeys();
    this.draw();
    this.foldTable();
    this.listen();
  }

  // Rows have their height, whatever their number. Not on the place itself: it has an id, and htmx
  // would carry its style over to the next as an attribute, which the page's policy refuses.
  setHeight() {
    const { kind, labels, series } = this.spec;
    const rows = { intervals: labels.length * Math.max(1, series.length * 0.7), heatmap: series.length }[kind];
    if (rows) this.canvas.style.height = `${Math.max(7, rows * 1.875 + 4.5)}rem`;
  }

  draw(colours = coloursOf(this.place), how = {}) {
    const wanted = option(this.spec, colours, {
      isStill: stillness.matches,
      hidden: this.kept.hidden,
      width: this.place.clientWidth,
      tip: (points) => this.tip(points),
      ...how,
    });
    this.chart.setOption(wanted, { notMerge: true });
  }

  foldTable() {
    const table = this.figure.querySelector(".numbers");
    table.open = this.kept.isOpen;
    table.addEventListener("toggle", () => (this.kept.isOpen = table.open));
    this.figure.dataset.drawn = "";
  }

  listen() {
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.place);
    this.place.addEventListener("keydown", (event) => this.press(event));
    this.place.addEventListener("blur", () => this.leave());
    this.figure.querySelector("[data-png]")?.addEventListener("click", () => savePicture(this));
    if (!this.figure.querySelector("tbody a")) return;
    this.place.dataset.links = "";
    this.chart.on("click", (point) => {
      const series = seriesOf(point.seriesId);
      if (series !== null) follow(this.link(this.indexes(point, series)), point.event.event);
    });
    // Between the points of a line, or above a bar, is still that day.
    this.chart.getZr().on("click", (event) => {
      if (event.target) return;
      const place = [event.offsetX, event.offsetY];
      if (!("grid" in this.chart.getOption()) || !this.chart.containPixel("grid", place)) return;
      const [across, down] = this.chart.convertFromPixel("grid", place);
      const { kind } = this.spec;
      if (kind === "heatmap" || kind === "scatter") return;
      follow(this.link({ label: kind === "intervals" ? down : across, series: null }), event.event);
    });
  }

  resize() {
    const { width } = this;
    this.width = this.place.clientWidth;
    this.chart.resize();
    if (this.svg?.hasAttribute("viewBox")) this.fitPaper();
    // What fits on a narrow chart is another choice of labels.
    if (width && Math.abs(width - this.width) > 40) this.draw();
  }

  get svg() {
    return this.place.querySelector("svg");
  }

  // With a box of its own the drawing shrinks to the width of the paper.
  fitPaper() {
    this.svg.setAttribute("viewBox", `0 0 ${this.place.clientWidth} ${this.place.clientHeight}`);
  }

  dispose() {
    this.resizes.disconnect();
    this.chart.dispose();
  }

  // -- what the table says of a point ------------------------------------------------------------

  indexes(point, series) {
    if (this.spec.kind !== "heatmap") return { label: point.dataIndex, series };
    return { label: point.value[0], series: point.value[1] };
  }

  cell({ label, series }) {
    const before = this.spec.x ? 2 : 1; // columns in front of those of the series
    return this.rows[label]?.cells[series === null ? 0 : before + series];
  }

  words(at) {
    return this.cell(at)?.innerText.trim() || this.cell(at)?.textContent.trim() || "";
  }

  link(at) {
    return (this.cell(at)?.querySelector("a") || this.rows[at.label]?.querySelector("a"))?.href;
  }

  value({ label, series }) {
    return this.spec.series[series].values[label];
  }

  // -- the tip -------------------------------------------------------------------------------------

  tip(points) {
    const shown = [points].flat().filter((point) => seriesOf(point.seriesId) !== null);
    if (!shown.length) return "";
    const all = shown.map((point) => this.indexes(point, seriesOf(point.seriesId)));
    const tip = document.createElement("div");
    tip.className = "tip";
    const head = document.createElement("p");
    head.textContent = this.cell({ label: all[0].label, series: null }).textContent.trim();
    const list = document.createElement("ul");
    for (const at of all.filter((at) => this.value(at) !== null)) list.append(this.line(at));
    tip.append(head, list);
    if (!list.children.length) list.textContent = "Not known";
    return tip;
  }

  line(at) {
    const line = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = this.spec.series[at.series].name;
    const amount = document.createElement("span");
    amount.className = "amount";
    amount.textContent = this.cell(at).textContent.trim();
    const isCurrent = this.kept.at && document.activeElement === this.place;
    line.classList.toggle("is-current", Boolean(isCurrent && this.kept.at.series === at.series));
    line.append(keyOf(this.spec, at.series), name, amount);
    return line;
  }

  // -- series, on and off ----------------------------------------------------------------------------

  addKeys() {
    const { series, kind } = this.spec;
    if (series.length < 2 || kind === "heatmap") return;
    const list = document.createElement("ul");
    list.className = "chart-keys";
    list.setAttribute("aria-label", "Shown in the chart");
    series.forEach(({ name, isForecast }, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!this.kept.hidden.has(name)));
      const words = document.createElement("bdi");
      words.textContent = isForecast ? `${name} (forecast)` : name;
      button.append(keyOf(this.spec, index), words);
      button.addEventListener("click", () => this.toggle(name, button));
      const item = document.createElement("li");
      item.append(button);
      list.append(item);
    });
    this.place.before(list);
    this.list = list;
  }

  toggle(name, button) {
    const { hidden } = this.kept;
    if (!hidden.delete(name)) hidden.add(name);
    button.setAttribute("aria-pressed", String(!hidden.has(name)));
    this.draw();
  }

  // -- the keyboard ------------------------------------------------------------------------------------

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") return this.leave();
    if (event.key === "Enter") return this.kept.at && follow(this.link(this.kept.at), event);
    const next = this.step(event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    this.kept.at = next;
    this.point();
  }

  step(key) {
    const { kind, labels, series } = this.spec;
    const isRow = kind === "intervals"; // labels go down there, and not across
    const steps = {
      ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1],
      Home: [-labels.length, 0], End: [labels.length, 0],
    };
    if (!(key in steps)) return null;
    const shown = series.map((_, index) => index).filter((index) => !this.kept.hidden.has(series[index].name));
    if (!shown.length) return null;
    const { at } = this.kept;
    if (!at) return { label: key === "End" ? labels.length - 1 : 0, series: shown[0] };
    const isEnd = key === "Home" || key === "End";
    const [across, down] = isRow && !isEnd ? steps[key].toReversed() : steps[key];
    const row = Math.max(0, shown.indexOf(at.series)) + down;
    return {
      label: Math.max(0, Math.min(labels.length - 1, at.label + across)),
      series: shown[Math.max(0, Math.min(shown.length - 1, row))],
    };
  }

  point() {
    const { at } = this.kept;
    const { series } = this.spec;
    const head = this.cell({ label: at.label, series: null }).textContent.trim();
    const isKnown = this.value(at) !== null;
    const said = isKnown ? this.cell(at).textContent.trim() : "not known";
    const name = series.length > 1 ? `${series[at.series].name}, ` : "";
    const more = this.spec.x ? `${this.spec.xName} ${this.rows[at.label].cells[1].textContent.trim()}, ` : "";
    announce(`${head}: ${more}${name}${said}`);
    this.chart.dispatchAction({ type: "downplay" });
    const point = this.pointOf(at);
    if (!isKnown && !this.isByLabel()) return this.chart.dispatchAction({ type: "hideTip" });
    this.chart.dispatchAction({ type: "highlight", ...point });
    this.chart.dispatchAction({ type: "showTip", ...point });
  }

  // Where a tip is one of all the series at a label.
  isByLabel() {
    return ["bar", "stacked", "line", "area", "distribution"].includes(this.spec.kind);
  }

  pointOf({ label, series }) {
    if (this.spec.kind === "heatmap") {
      const cells = this.chart.getOption().series[0].data;
      return { seriesId: "s0", seriesIndex: 0, dataIndex: cells.findIndex((cell) => cell.value[0] === label && cell.value[1] === series) };
    }
    const index = this.chart.getOption().series.findIndex(({ id }) => id === `s${series}`);
    return { seriesIndex: index, dataIndex: label };
  }

  leave() {
    this.chart.dispatchAction({ type: "downplay" });
    this.chart.dispatchAction({ type: "hideTip" });
  }
}

function seriesOf(id) {
  const found = /^s(\d+)$/.exec(id || "");
  return found ? Number(found[1]) : null;
}

function keyOf(spec, index) {
  const key = document.createElement("span");
  const number = colourNumber(spec, index);
  key.className = number === null ? "key" : `key key-${number + 1}`;
  if (spec.series[index].isForecast) key.dataset.forecast = "";
  key.setAttribute("aria-hidden", "true");
  return key;
}

function announce(words) {
  document.getElementById("announcement").textContent = words;
}

function follow(address, event) {
  if (!address) return;
  if (event.ctrlKey || event.metaKey) window.open(address, "_blank", "noopener");
  else location.assign(address);
}

// -- a picture of it ------------------------------------------------------------------------------

const PICTURE = { width: 1200, height: 640, scale: 2 };

// Black on white, with title and legend, however the page looks.
function savePicture({ spec, figure, kept: { hidden } }) {
  const { width, scale } = PICTURE;
  const rows = { intervals: spec.labels.length * spec.series.length, heatmap: spec.series.length }[spec.kind] || 0;
  const height = Math.max(PICTURE.height, rows * 28 + 160);
  const chart = window.echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption(option(spec, onPaper(), { isStill: true, hidden, width, isPicture: true }));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(chart.renderToSVGString())}`;
  chart.dispose();
  image.addEventListener("error", () => announce("The picture could not be made."));
  image.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((picture) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(picture);
      link.download = `${figure.id.replace(/^chart-/, "")}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  });
}

// -- all of them -------------------------------------------------------------------------------------

function drawAll() {
  for (const [place, drawing] of drawn) {
    if (place.isConnected) continue;
    drawing.dispose();
    drawn.delete(place);
  }
  for (const place of document.querySelectorAll("[data-chart]")) {
    if (drawn.has(place)) continue;
    drawn.set(place, new Drawing(place));
  }
}

function redraw() {
  for (const drawing of drawn.values()) drawing.draw();
}

drawAll();
document.addEventListener("htmx:load", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
stillness.addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

// Paper is white, whatever the screen is.
window.addEventListener("beforeprint", () => {
  for (const drawing of drawn.values()) {
    drawing.draw(onPaper(), { isStill: true });
    drawing.fitPaper();
  }
});
window.addEventListener("afterprint", () => {
  for (const { svg } of drawn.values()) svg.removeAttribute("viewBox");
  redraw();
});
