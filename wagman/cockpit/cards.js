// A card for each guest: how it is, for how long, why, its power with the evidence for it, what comes next, and what can be done.

import { LABELS, sensible } from "./actions.js";
import { arrange, el, list, write } from "./dom.js";

const EVIDENCE = {
  sensed: { on: "sensed: its current, or a sign of life", off: "sensed: its current" },
  told: { on: "told: the board says so", off: "told: the board says so" },
  assumed: { on: "assumed: the board has only replied to the command", off: "assumed: the board has only replied to the command" },
};

// Notes that are said in full elsewhere on the card.
const SAID = /^(unconfirmed$|start in |for another )/;

// What an operator asks for who wants it down.
const ASKED_DOWN = ["command.stop", "command.kill", "command.disable"];

export class Cards {
  #place;
  #cards = new Map();
  #page;

  // `page` gives `may`, `isAway`, `act`, `call` and `sentence`.
  constructor(place, page) {
    this.#place = place;
    this.#page = page;
  }

  show(status) {
    const rows = status.devices;
    for (const row of rows) {
      if (!this.#cards.has(row.name)) this.#cards.set(row.name, new Card(row.name, this.#page));
      this.#cards.get(row.name).show(row, status.words.devices[row.name], status);
    }
    arrange(
      this.#place,
      rows.map((row) => this.#cards.get(row.name).node),
    );
  }

  // Only whether something can be asked for has changed.
  refresh() {
    for (const card of this.#cards.values()) card.buttons();
  }
}

class Card {
  #name;
  #page;
  #row = null;
  #parts = {};
  #buttons = new Map();

  constructor(name, page) {
    this.#name = name;
    this.#page = page;
    const part = (key, tag, attributes = {}) => (this.#parts[key] = el(tag, attributes));
    const head = el("h3", {}, name);
    this.node = el(
      "article",
      { class: "card", "aria-label": name },
      el("div", { class: "card-head" }, head, part("state", "span", { class: "state" }), part("lasting", "span", { class: "faint" })),
      part("unseen", "p", { class: "warning" }),
      part("reason", "p"),
      part("obstacle", "p"),
      part("coming", "ul", { class: "coming" }),
      part("facts", "dl", { class: "facts" }),
      part("notes", "p", { class: "notes" }),
      part("near", "div", { class: "buttons" }),
      el(
        "div",
        { class: "folds" },
        part("far", "details", { class: "far" }),
        el("details", { class: "why", toggle: (event) => this.#tell(event.target) }, el("summary", {}, "Why?"), part("story", "ol")),
      ),
    );
    this.#parts.far.append(el("summary", {}, "More"), part("farther", "div", { class: "buttons" }));
  }

  show(row, words, status) {
    const before = this.#row;
    this.#row = row;
    const parts = this.#parts;
    const state = row.state === "maintenance" ? "in maintenance" : row.state.replaceAll("_", " ");
    write(parts.state, state);
    parts.state.className = `state state-${row.state}`;
    write(parts.lasting, words.lasting || (row.since ? `since ${new Date(row.since).toLocaleString()}, by the clock of then` : ""));
    write(parts.unseen, words.unseen ?? "");
    write(parts.reason, row.reason ?? "");
    write(parts.obstacle, words.not_started ? `not started: ${words.not_started}` : "");
    list(parts.coming, words.coming.map((each) => `next: ${each}`));
    list(parts.facts, facts(row, words, status), ([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
    write(parts.notes, words.notes.filter((note) => !SAID.test(note)).join(", "));
    this.buttons();
    if (before?.since_id !== row.since_id && this.node.querySelector(".why").open) this.#story();
  }

  // Those that make sense and that who looks may ask for; while the service is away, they say so instead.
  buttons() {
    if (this.#row === null) return;
    const { near, far } = sensible(this.#row);
    const mine = (verbs) => verbs.filter((verb) => this.#page.may(verb === "end" ? "maintenance" : verb));
    arrange(this.#parts.near, mine(near).map((verb) => this.#button(verb)));
    arrange(this.#parts.farther, mine(far).map((verb) => this.#button(verb)));
    this.#parts.near.hidden = mine(near).length === 0;
    this.#parts.far.hidden = mine(far).length === 0;
  }

  #button(verb) {
    if (!this.#buttons.has(verb)) {
      const act = () => this.#page.act(verb, this.#row);
      const label = el("span", { class: "unseen-text" }, ` ${this.#name}`);
      const kind = verb === "kill" ? "danger" : verb === "start" || verb === "enable" ? "go" : "quiet";
      this.#buttons.set(verb, el("button", { type: "button", class: kind, "data-verb": verb, click: act }, LABELS[verb], label));
    }
    const button = this.#buttons.get(verb);
    button.setAttribute("aria-disabled", String(this.#page.isAway()));
    return button;
  }

  #tell(details) {
    if (details.open) this.#story();
  }

  // The event that the state began with, its cause, and so on, newest first; and who wants it down, where it is to be.
  async #story() {
    const row = this.#row;
    try {
      const told = new Map();
      if (row.since_id !== null) {
        for (const event of (await this.#page.call("chain", { id: row.since_id, limit: 50, words: true })).events) {
          told.set(event.id, event);
        }
      }
      if (row.wanted === "down") {
        const asked = await Promise.all(ASKED_DOWN.map((type) => this.#latest(type)));
        const [last] = asked.flat().sort((one, other) => (other.id ?? Infinity) - (one.id ?? Infinity));
        if (last) told.set(last.id, last);
      }
      const events = [...told.values()].sort((one, other) => (other.id ?? Infinity) - (one.id ?? Infinity));
      const none = row.self ? "the service runs on it" : "what led to this is not in the log";
      list(this.#parts.story, events.length ? events.map((event) => this.#page.sentence(event)) : [none]);
    } catch (error) {
      list(this.#parts.story, [error.message]);
    }
  }

  async #latest(type) {
    return (await this.#page.call("events", { limit: 1, device: this.#name, type, words: true })).events;
  }
}

function facts(row, words, status) {
  const several = status.boards.length > 1;
  return [
    ["Power", power(row)],
    ["Heard", words.beat === "-" ? "not known" : `${words.beat} ago`],
    ["Draws", words.current === "-" ? "not known" : words.current],
    ...(row.media ? [["Boots from", row.media]] : []),
    ["Port", several ? `${row.board}: ${row.port}` : String(row.port)],
  ].filter(([name, value]) => !row.self || name === "Port" || !value.startsWith("not known"));
}

// What is wanted is no fact: what shows that it is so stands beside it, and nothing that was seen before counts as seen.
function power(row) {
  if (row.state === "maintenance") return "left alone";
  const { wanted, confirmed, evidence } = row.power;
  if (row.stale && !row.self) return `${wanted} is wanted; nobody sees whether it is`;
  if (!confirmed) return `${wanted} is wanted, unconfirmed${wanted === "off" ? ": it may still have power" : ""}`;
  return evidence === null ? wanted : `${wanted}, ${EVIDENCE[evidence][wanted]}`;
}
