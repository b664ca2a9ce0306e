// What ECharts is told to draw: from a chart's numbers and a set of colours, and nothing else.

export const COLOURS = 8; // of series, in static/css/charts.css

const DASHES = ["solid", [6, 3], [2, 3], [9, 3, 2, 3]];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];
const SPANS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"], [1, "ms"]];

// -- numbers and days on axes ---------------------------------------------------------------------

function plain(value) {
  return String(Number(value.toPrecision(3)));
}

function scaled(value) {
  let power = 0;
  for (; Math.abs(value) >= 999.5 && power < PREFIXES.length - 1; power += 1) value /= 1000;
  return plain(value) + PREFIXES[power];
}

function dollars(value) {
  const size = Math.abs(value);
  const digits = size && size < 0.001 ? value.toFixed(9).replace(/0+$/, "") : scaled(size);
  return `${value < 0 ? "−" : ""}$${digits.replace("-", "")}`;
}

function span(value) {
  const [size, unit] = SPANS.find(([size]) => Math.abs(value) >= size) || [1, "ms"];
  return `${plain(value / size)} ${unit}`;
}

const WRITTEN = {
  usd: dollars,
  tokens: scaled,
  count: scaled,
  ms: span,
  percent: (value) => `${plain(value)} %`,
  per_second: (value) => `${scaled(value)}/s`,
};

function short(label) {
  const found = /^(\d{4})-(?:W(\d\d)|(\d\d)(?:-(\d\d)(?: (\d\d:\d\d).*)?)?)$/.exec(label);
  if (!found) return label;
  const [, year, week, month, day, hour] = found;
  if (week) return `W${Number(week)}`;
  const name = MONTHS[Number(month) - 1];
  if (!day) return `${name} ${year}`;
  return hour && hour !== "00:00" ? hour : `${Number(day)} ${name}`;
}

// -- what all have -----------------------------------------------------------------------------------

function text(colours, more = {}) {
  return { color: colours.quiet, fontFamily: colours.font, fontSize: 12, ...more };
}

function labelAxis({ labels, kind }, colours, width) {
  return {
    type: "category",
    data: labels,
    boundaryGap: !["line", "area"].includes(kind),
    axisLine: { lineStyle: { color: colours.edge } },
    axisTick: { show: false },
    axisLabel: {
      ...text(colours),
      hideOverlap: true,
      formatter: short,
      width: Math.max(48, width / 5),
      overflow: "truncate",
    },
    splitLine: { show: false },
  };
}

function valueAxis({ unit, levels }, colours, name = "") {
  const highest = Math.max(...levels.map(({ value }) => value), -Infinity);
  return {
    type: "value",
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...text(colours), formatter: WRITTEN[unit], hideOverlap: true },
    splitLine: { lineStyle: { color: colours.line } },
    minInterval: unit === "count" || unit === "tokens" ? 1 : 0,
    splitNumber: 4,
    name,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: text(colours),
    ...(unit === "percent" ? { max: ({ max }) => (max > 80 && max <= 100 ? 100 : null) } : {}),
    ...(highest > -Infinity ? { max: ({ max }) => (highest > max ? highest * 1.05 : null) } : {}),
  };
}

// A line across at a value, such as a budget, or at one of the labels.
function lines({ levels, marks, kind }, colours) {
  if (!levels.length && !marks.length) return undefined;
  const axis = kind === "intervals" ? "xAxis" : "yAxis";
  // An axis whose rows go down has its end at the bottom.
  const above = { position: kind === "intervals" ? "start" : "end", distance: 3, rotate: 0 };
  return {
    silent: true,
    symbol: "none",
    animation: false,
    lineStyle: { color: colours.ink, type: [4, 3], width: 1 },
    label: { ...text(colours), color: colours.ink, formatter: "{b}", position: "insideEndTop" },
    data: [
      ...levels.map(({ name, value }) => ({ name, [axis]: value, ...(axis === "xAxis" ? { label: above } : {}) })),
      ...marks.map(({ name, label }) => ({ name, xAxis: label, label: above })),
    ],
  };
}

/* Return which of the colours a series has: they go in order, a forecast has that of the series it
   goes on from, and null is the grey of all the rest. */
export function colourNumber({ series }, index) {
  if (series[index].isRest) return null;
  const own = series.slice(0, index + 1).filter(({ isRest, isForecast }) => !isRest && !isForecast).length;
  return Math.max(0, own - 1) % COLOURS;
}

function colourOf(spec, index, colours) {
  const number = colourNumber(spec, index);
  return number === null ? colours["series-rest"] : colours.series[number];
}

// -- the kinds ---------------------------------------------------------------------------------------

function bars(spec, colours, index) {
  const isStack = spec.kind === "stacked";
  const isDense = spec.kind === "distribution";
  return {
    type: "bar",
    stack: isStack ? "all" : undefined,
    barMaxWidth: isDense ? undefined : 40,
    barCategoryGap: isDense ? "4%" : "24%",
    // Neighbours in a stack are told apart by more than their colours.
    itemStyle: isStack
      ? { borderColor: colours.surface, borderWidth: spec.labels.length > 120 ? 0 : 0.75 }
      : { borderRadius: [2, 2, 0, 0] },
  };
}

function line(spec, colours, index) {
  const { isForecast } = spec.series[index];
  const isArea = spec.kind === "area";
  const isAlone = spec.series.filter((series) => !series.isForecast).length === 1;
  // A point between two gaps has no line to be seen by.
  const { values } = spec.series[index];
  const isSparse = values.some((value, at) => value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null);
  return {
    type: "line",
    stack: isArea && !isForecast ? "all" : undefined,
    symbol: isForecast ? "emptyCircle" : SYMBOLS[index % SYMBOLS.length],
    symbolSize: 7,
    showSymbol: isSparse || (!isArea && spec.labels.length <= 31),
    lineStyle: { width: isArea && !isAlone ? 1 : 2, type: isForecast ? [4, 4] : isArea || isAlone ? "solid" : DASHES[index % DASHES.length] },
    areaStyle: isArea && !isForecast ? { opacity: isAlone ? 0.18 : 0.72 } : undefined,
  };
}

// The room between low and high, behind the line in it.
function band(spec, colours, index) {
  const { low, high } = spec.series[index];
  const known = spec.labels.map((_, at) => at).filter((at) => low[at] !== null && high[at] !== null);
  return {
    id: `band-${index}`,
    type: "custom",
    silent: true,
    tooltip: { show: false },
    z: 1,
    data: known.flatMap((at) => [[at, low[at]], [at, high[at]]]), // so that the axis has room for all
    encode: { x: 0, y: 1 },
    renderItem({ dataIndex }, api) {
      if (dataIndex !== 0) return null;
      const upper = known.map((at) => api.coord([at, high[at]]));
      const lower = known.map((at) => api.coord([at, low[at]])).reverse();
      return {
        type: "polygon",
        shape: { points: [...upper, ...lower] },
        style: { fill: colourOf(spec, index, colours), opacity: 0.16 },
      };
    },
  };
}

function across(spec, colours, { width, hidden }) {
  const { series, kind } = spec;
  const isLine = kind === "line" || kind === "area";
  const make = isLine ? line : bars;
  const shown = series.map((_, index) => index).filter((index) => !hidden.has(series[index].name));
  return {
    xAxis: labelAxis(spec, colours, width),
    yAxis: valueAxis(spec, colours),
    series: [
      ...shown.filter((index) => isLine && series[index].low).map((index) => band(spec, colours, index)),
      ...shown.map((index, place) => ({
        id: `s${index}`,
        name: series[index].name,
        data: series[index].values.map((value) => value ?? "-"),
        color: colourOf(spec, index, colours),
        markLine: place === 0 ? lines(spec, colours) : undefined,
        ...make(spec, colours, index),
      })),
    ],
    tooltip: { trigger: "axis", axisPointer: { type: isLine ? "line" : "shadow", z: 0, lineStyle: { color: colours.edge, type: "solid" }, shadowStyle: { color: colours.quiet, opacity: 0.12 } } },
  };
}

function heatmap(spec, colours, { width, isPicture }) {
  const cells = spec.series.flatMap(({ values }, row) =>
    values.flatMap((value, column) => (value === null ? [] : [{ value: [column, row, value] }])));
  const most = Math.max(...cells.map(({ value }) => value[2]), 0);
  const edge = isPicture ? 24 : 4;
  return {
    xAxis: { ...labelAxis(spec, colours, width), splitArea: { show: false }, axisLine: { show: false } },
    yAxis: {
      type: "category",
      inverse: true,
      data: spec.series.map(({ name }) => (width < 480 ? name.slice(0, 3) : name)),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: text(colours, { interval: 0 }),
    },
    grid: { left: edge, right: edge, top: isPicture ? 56 : 4, bottom: 40 + edge, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    visualMap: {
      min: 0,
      max: most || 1,
      dimension: 2,
      calculable: false,
      orient: "horizontal",
      left: "center",
      bottom: isPicture ? edge : 0,
      itemWidth: 10,
      itemHeight: 120,
      text: [WRITTEN[spec.unit](most), WRITTEN[spec.unit](0)],
      textStyle: text(colours),
      inRange: { color: [colours["heat-low"], colours["heat-high"]] },
    },
    series: [{
      id: "s0",
      type: "heatmap",
      data: cells,
      itemStyle: { borderColor: colours.surface, borderWidth: 2, borderRadius: 4 },
      emphasis: { itemStyle: { borderColor: colours.ink, borderWidth: 2 } },
    }],
    tooltip: { trigger: "item" },
  };
}

function scatter(spec, colours, { width, hidden }) {
  const farthest = Math.max(...spec.x.filter((x) => x !== null));
  return {
    xAxis: { ...valueAxis({ unit: spec.xUnit, levels: [] }, colours, spec.xName), splitNumber: width < 480 ? 3 : 5 },
    yAxis: valueAxis(spec, colours),
    series: spec.series.flatMap(({ name, values }, index) => (hidden.has(name) ? [] : [{
      id: `s${index}`,
      name,
      type: "scatter",
      color: colourOf(spec, index, colours),
      symbol: SYMBOLS[index % SYMBOLS.length],
      symbolSize: 12,
      itemStyle: { opacity: 0.85, borderColor: colours.surface, borderWidth: 1 },
      data: values.map((value, at) => (value === null || spec.x[at] === null ? "-" : {
        value: [spec.x[at], value],
        label: { position: spec.x[at] > farthest * 0.6 ? "left" : "right" }, // towards where there is room
      })),
      label: spec.labels.length > 24 ? undefined : {
        show: true,
        formatter: ({ dataIndex }) => spec.labels[dataIndex],
        width: 140,
        overflow: "truncate",
        ...text(colours),
        color: colours.ink,
      },
      labelLayout: { hideOverlap: true, moveOverlap: "shiftY" },
      markLine: index === 0 ? lines(spec, colours) : undefined,
      emphasis: { scale: 1.3 },
    }])),
    tooltip: { trigger: "item" },
  };
}

function intervals(spec, colours, { width, hidden }) {
  const shown = spec.series.map((_, index) => index).filter((index) => !hidden.has(spec.series[index].name));
  return {
    xAxis: { ...valueAxis(spec, colours), splitNumber: width < 480 ? 3 : 5, scale: true },
    yAxis: {
      ...labelAxis(spec, colours, width),
      inverse: true,
      boundaryGap: true,
      axisLine: { show: false },
      axisLabel: { ...text(colours), color: colours.ink, width: Math.min(220, width * 0.36), overflow: "truncate", interval: 0 },
    },
    series: shown.map((index, place) => ({
      id: `s${index}`,
      name: spec.series[index].name,
      type: "custom",
      color: colourOf(spec, index, colours),
      encode: { x: [0, 2, 3], y: 1 },
      data: spec.labels.map((_, at) => {
        const { values, low, high } = spec.series[index];
        return [values[at], at, low?.[at] ?? values[at], high?.[at] ?? values[at]].map((value) => value ?? "-");
      }),
      renderItem: (_, api) => whisker(api, colourOf(spec, index, colours), place, shown.length, colours),
      markLine: place === 0 ? lines(spec, colours) : undefined,
    })),
    tooltip: { trigger: "item" },
  };
}

function whisker(api, colour, place, count, colours) {
  const row = api.value(1);
  if (Number.isNaN(api.value(0))) return null;
  const shift = (place - (count - 1) / 2) * Math.min(14, api.size([0, 1])[1] / (count + 0.5));
  const [x, y] = api.coord([api.value(0), row]).map((at, axis) => at + (axis ? shift : 0));
  const [low, high] = [2, 3].map((end) => api.coord([api.value(end), row])[0]);
  const stroke = { stroke: colour, lineWidth: 2 };
  const bar = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: stroke });
  return {
    type: "group",
    children: [
      // What can be pointed at is more than a thin line.
      { type: "rect", shape: { x: Math.min(low, x) - 6, y: y - 7, width: Math.max(high - low, 0) + 12, height: 14 }, style: { fill: colour, opacity: 0 } },
      bar(low, y, high, y), bar(low, y - 4, low, y + 4), bar(high, y - 4, high, y + 4),
      { type: "circle", shape: { cx: x, cy: y, r: 5 }, style: { fill: colour, stroke: colours.surface, lineWidth: 1.5 } },
    ],
  };
}

const KINDS = {
  bar: across, stacked: across, line: across, area: across, distribution: across, heatmap, scatter, intervals,
};

/* Return the option for ECharts. `how`: isStill, hidden (names of series), width in pixels, tip (a
   function from points to an element), and isPicture for what stands alone, with title and legend. */
export function option(spec, colours, how) {
  const made = KINDS[spec.kind](spec, colours, how);
  const isListed = how.isPicture && spec.series.length > 1 && spec.kind !== "heatmap";
  return {
    animation: !how.isStill,
    animationDuration: 250,
    animationDurationUpdate: 250,
    backgroundColor: how.isPicture ? colours.surface : "transparent",
    textStyle: { fontFamily: colours.font },
    grid: {
      left: how.isPicture ? 24 : 4,
      right: spec.kind === "scatter" ? 24 : 16,
      top: (how.isPicture ? 84 : 12) + (spec.marks.length || spec.kind === "intervals" ? 12 : 0),
      bottom: how.isPicture ? 24 : 4,
      outerBoundsMode: "same",
      outerBoundsContain: "all",
    },
    legend: { show: isListed, top: 48, left: 20, textStyle: text(colours), type: "scroll" },
    ...(how.isPicture
      ? { title: { text: spec.title, left: 20, top: 14, textStyle: text(colours, { color: colours.ink, fontSize: 18, fontWeight: 600 }) } }
      : {}),
    ...made,
    tooltip: how.tip
      ? { ...made.tooltip, confine: true, padding: 0, borderWidth: 0, backgroundColor: "transparent", extraCssText: "box-shadow: none", transitionDuration: how.isStill ? 0 : 0.15, formatter: how.tip }
      : { show: false },
  };
}
