// The last day of each guest as a bar: in which state it was, as far as the log tells, and where something went wrong.

import { arrange, el, svg, write } from "./dom.js";

const DAY_MS = 24 * 3600 * 1000;
const WIDE = 1440; // a step is a minute
const PAGE = 1000;
const MOST_PAGES = 10; // so many events of a day are looked through: a thousand a page
const MOST_MARKS = 100;

// The state that begins with an event; null: nobody knows.
const STATES = {
  "device.starting": "starting",
  "device.started": "started",
  "device.adopted": "started",
  "device.will_stop": "will_stop",
  "device.stopping": "stopping",
  "device.restarting": "restarting",
  "device.stopped": "stopped",
  "device.maintenance": "maintenance",
  "device.maintenance_over": null,
};

const COLOURS = {
  started: "up",
  stopped: "down",
  starting: "between",
  will_stop: "between",
  stopping: "between",
  restarting: "between",
  maintenance: "kept",
};

const LEGEND = [
  ["up", "started"],
  ["between", "on its way up or down"],
  ["down", "stopped"],
  ["kept", "in maintenance"],
  ["unknown", "nobody knows"],
];

export class Timeline {
  #place;
  #call;
  #tracks = new Map(); // name -> { states: [[at_ms, state]], marks: [[at_ms, severity]] }
  #rows = new Map();
  #isRead = false;

  constructor(place, call) {
    this.#place = place;
    this.#call = call;
    const key = LEGEND.map(([colour, text]) =>
      el("span", {}, svg("svg", { "aria-hidden": "true", viewBox: "0 0 2 2" }, svg("rect", { class: colour, width: 2, height: 2 })), ` ${text}`),
    );
    const ticks = ["24 h ago", "18 h", "12 h", "6 h", "now"].map((text) => el("span", {}, text));
    place.append(el("div", { class: "rows" }), el("p", { class: "ticks", "aria-hidden": "true" }, ...ticks), el("p", { class: "key" }, ...key));
  }

  // What the log has of the last day, and which state each guest was in before.
  async read(status) {
    const from_ms = Date.now() - DAY_MS;
    this.#isRead = false;
    this.#tracks = new Map();
    const events = await this.#day("device", from_ms);
    const service = await this.#day("service", from_ms);
    for (const row of status.devices) {
      if (!row.self) this.#tracks.set(row.name, { states: await this.#before(row, events, from_ms), marks: [] });
    }
    for (const event of [...events, ...service].sort((one, other) => one.id - other.id)) this.#put(event);
    this.#isRead = true;
    this.show(status);
  }

  take(event) {
    if (this.#isRead) this.#put(event);
  }

  show(status) {
    if (!this.#isRead) return;
    const now_ms = Date.now();
    const names = status.devices.filter((row) => this.#tracks.has(row.name)).map((row) => row.name);
    for (const name of names) this.#draw(name, now_ms);
    arrange(
      this.#place.querySelector(".rows"),
      names.map((name) => this.#rows.get(name).node),
    );
  }

  // The events of a family since then, the oldest first.
  async #day(type, from_ms) {
    const found = [];
    let since = new Date(from_ms).toISOString();
    for (let page = 0; page < MOST_PAGES; page++) {
      const { events } = await this.#call("events", { since, type, limit: PAGE, words: true });
      const written = events.filter((event) => event.id !== null);
      found.push(...written);
      if (events.length < PAGE || written.length === 0) break;
      since = written.at(-1).id;
    }
    return found;
  }

  // What is known of a guest when the day begins: its latest events hold those of the day, and a few that were before.
  async #before(row, events, from_ms) {
    const own = events.filter((event) => event.device === row.name);
    if (!own.some((event) => event.type in STATES)) return [[0, row.for_s !== null && row.for_s * 1000 >= DAY_MS ? row.state : null]];
    const limit = Math.min(own.length + 20, PAGE);
    const page = await this.#call("events", { device: row.name, type: "device", limit });
    const earlier = page.events.filter((event) => event.id !== null && event.id < own[0].id && event.type in STATES);
    return [[0, earlier.length ? STATES[earlier.at(-1).type] : null]];
  }

  #put(event) {
    const at_ms = Date.parse(event.time);
    if (event.clock === "unset" || Number.isNaN(at_ms)) return; // nobody knows when that was
    if (event.type === "service.stopping") {
      for (const track of this.#tracks.values()) track.states.push([at_ms, null]);
      return;
    }
    const track = this.#tracks.get(event.device);
    if (track === undefined) return;
    if (event.type in STATES) track.states.push([at_ms, STATES[event.type]]);
    if (event.severity !== "info") track.marks.push([at_ms, event.severity]);
    if (track.marks.length > MOST_MARKS) track.marks.shift();
  }

  #draw(name, now_ms) {
    if (!this.#rows.has(name)) {
      const picture = svg("svg", { class: "bar", viewBox: `0 0 ${WIDE} 20`, preserveAspectRatio: "none", role: "img" });
      const share = el("span", { class: "faint" });
      this.#rows.set(name, { node: el("div", { class: "row" }, el("b", {}, name), share, picture), picture, share });
    }
    const { picture, share } = this.#rows.get(name);
    const { states, marks } = this.#tracks.get(name);
    const from_ms = now_ms - DAY_MS;
    const place = (at_ms) => Math.max(((at_ms - from_ms) / DAY_MS) * WIDE, 0);
    const spans = states.map(([at_ms, state], number) => ({ state, from: place(at_ms), to: place(states[number + 1]?.[0] ?? now_ms) }));
    const seen = spans.filter((span) => span.to > span.from);
    const bars = seen.map(({ state, from, to }) =>
      svg("rect", { class: COLOURS[state] ?? "unknown", x: from.toFixed(2), width: Math.max(to - from, 1.5).toFixed(2), height: 20 }),
    );
    const troubles = marks.filter(([at_ms]) => at_ms >= from_ms);
    const dots = troubles.map(([at_ms, severity]) => svg("rect", { class: severity, x: place(at_ms).toFixed(2), width: 4, height: 7 }));
    picture.replaceChildren(...bars, ...dots);
    const words = summary(seen, troubles.length);
    write(share, words);
    picture.setAttribute("aria-label", `${name}, the last day: ${words}`);
  }
}

// How much of the day it was in each state, and how often something went wrong.
function summary(spans, troubles) {
  const sums = new Map();
  for (const { state, from, to } of spans) {
    const text = state === null ? "not known" : state === "maintenance" ? "in maintenance" : state.replaceAll("_", " ");
    sums.set(text, (sums.get(text) ?? 0) + to - from);
  }
  const parts = [...sums].sort((one, other) => other[1] - one[1]).map(([text, sum]) => `${text} ${percent(sum)}`);
  return [...parts, ...(troubles ? [`${troubles} warning${troubles === 1 ? "" : "s"}`] : [])].join(", ");
}

function percent(sum) {
  const share = (100 * sum) / WIDE;
  return share >= 99.95 ? "100 %" : share < 0.1 ? "under 0.1 %" : `${share.toFixed(1)} %`;
}
