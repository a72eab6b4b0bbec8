// The log: what happened, newest first, live; filters by guest, by kind, and by how grave it is.

import { el, plain } from "./dom.js";
import { likeness } from "./follower.js";

const FIRST = 60;
const STEP = 200;
const MOST = 1000; // what the service gives at once

const FAMILIES = [
  ...["device", "command", "problem", "board", "port", "link", "wagman", "environment", "network", "controller"],
  ...["store", "decisions", "service"],
];
const SEVERITIES = { info: 0, warning: 1, critical: 2 };

export class Log {
  #parts;
  #page;
  #limit = FIRST;
  #shown = new Map(); // by id, or by likeness while there is none
  #filter = { device: "", type: "", severity: "info" };
  #reading = 0;
  #live = []; // what came while a page was being read
  #names;

  // `page` gives `call` and `sentence`.
  constructor(parts, page) {
    this.#parts = parts;
    this.#page = page;
    parts.more.addEventListener("click", () => this.#older());
    const kinds = [["", "all kinds"], ...FAMILIES.map((each) => [each, each])];
    const grave = [["info", "all"], ["warning", "warnings and worse"], ["critical", "critical only"]];
    this.#names = this.#choice("device", "Guest", [["", "all guests"]]);
    parts.filters.append(this.#names.closest("label"));
    parts.filters.append(this.#choice("type", "Kind", kinds).closest("label"));
    parts.filters.append(this.#choice("severity", "How grave", grave).closest("label"));
  }

  devices(names) {
    const known = [...this.#names.options].slice(1).map((each) => each.value);
    if (JSON.stringify(known) === JSON.stringify(names)) return;
    this.#names.replaceChildren(option(["", "all guests"]), ...names.map((name) => option([name, name])));
    this.#names.value = names.includes(this.#filter.device) ? this.#filter.device : "";
    this.#filter.device = this.#names.value;
  }

  // The latest that fit the filters, anew; whether there was a log to read.
  async read(remember = () => {}) {
    const reading = ++this.#reading;
    const { device, type, severity } = this.#filter;
    const params = { limit: severity === "info" ? this.#limit : MOST, words: true };
    if (device) params.device = device;
    if (type) params.type = type;
    const page = await this.#page.call("events", params);
    if (reading !== this.#reading) return false; // the filters are others by now
    this.#shown = new Map();
    this.#parts.list.replaceChildren();
    for (const event of page.events) {
      if (event.id === null) remember(event);
      this.#add(event);
    }
    const came = this.#live;
    this.#live = [];
    this.#reading = 0;
    for (const [event, again] of came) this.take(event, again);
    this.#parts.more.hidden = page.events.length < params.limit || params.limit === MOST;
    return page.log_id !== null;
  }

  // Something that has happened; `again`: it was shown before, when it had no id.
  take(event, again) {
    if (this.#reading) this.#live.push([event, again]);
    else if (again) this.#replace(event);
    else this.#add(event);
  }

  note(text) {
    this.#parts.list.prepend(el("li", { class: "note" }, text));
  }

  #choice(key, label, options) {
    const changed = (event) => {
      this.#filter[key] = event.target.value;
      this.#limit = FIRST;
      this.#reread();
    };
    const select = el("select", { change: changed }, ...options.map(option));
    el("label", {}, `${label} `, select);
    return select;
  }

  #older() {
    this.#limit = Math.min(this.#limit + STEP, MOST);
    this.#reread();
  }

  async #reread() {
    try {
      await this.read();
    } catch (error) {
      this.#reading = 0;
      this.note(`the log could not be read: ${error.message}`);
    }
  }

  #fits({ device, type, severity }) {
    const wanted = this.#filter;
    return (
      (!wanted.device || device === wanted.device) &&
      (!wanted.type || type === wanted.type || type.startsWith(`${wanted.type}.`)) &&
      SEVERITIES[severity] >= SEVERITIES[wanted.severity]
    );
  }

  #add(event) {
    const key = keyOf(event);
    if (!this.#fits(event) || this.#shown.has(key)) return;
    const node = this.#item(event);
    this.#shown.set(key, node);
    this.#parts.list.prepend(node);
    if (this.#shown.size > MOST) {
      const [[oldest, last]] = this.#shown;
      last.remove();
      this.#shown.delete(oldest);
    }
    this.#parts.empty.hidden = true;
  }

  // Now it has its place in the log. What was read meanwhile may have had it there already.
  #replace(event) {
    const key = likeness(event);
    const before = this.#shown.get(key);
    this.#shown.delete(key);
    if (before === undefined || this.#shown.has(event.id)) {
      before?.remove();
      this.#add(event);
      return;
    }
    const node = this.#item(event);
    before.replaceWith(node);
    this.#shown.set(event.id, node);
  }

  #item(event) {
    const moment = new Date(event.time);
    const grave = event.severity === "info" ? [] : [el("strong", { class: event.severity }, event.severity), " "];
    const doubt = event.clock === "unset" ? ", the clock was not set" : "";
    const unwritten = event.id === null ? [" ", el("em", {}, "(not in the log yet)")] : [];
    return el(
      "li",
      { "data-id": String(event.id), class: event.severity },
      el("time", { datetime: event.time }, `${when(moment)}${doubt}`),
      " ",
      el("span", {}, ...grave, plain(this.#page.words(event)), ...unwritten),
    );
  }
}

function option([value, text]) {
  return el("option", { value }, text);
}

function keyOf(event) {
  return event.id === null ? likeness(event) : event.id;
}

// Local time; with the date, unless it is today.
export function when(moment) {
  const time = moment.toLocaleTimeString("en-GB");
  const day = `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;
  return moment.toDateString() === new Date().toDateString() ? time : `${day} ${time}`;
}
