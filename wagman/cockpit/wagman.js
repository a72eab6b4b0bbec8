// The page on the node: what the service tells over its socket, live, and what can be asked of it.

import { Actions } from "./actions.js";
import { Cards } from "./cards.js";
import { Connection, LostError } from "./connection.js";
import { el, list, plain, write } from "./dom.js";
import { Follower } from "./follower.js";
import { Log, when } from "./log.js";
import { Timeline } from "./timeline.js";

const SOCKET = document.querySelector("meta[name=wagman-socket]").content;
const REFRESH_MS = 2000; // how often the service is asked how everything is, while somebody looks
const SETTLE_MS = 150; // events come in bursts: asked once for each
const RETRY_MS = 500; // the time between two tries to reach it again
const LISTEN_MS = 200; // who was lost before anything was heard listens first: the service may say why, and hang up
const DENIED_MS = 10_000; // and where it does not let us in
const REREAD_MS = 3000; // and where the log cannot be read
const DRAW_MS = 30_000; // how often the bars of the day move on
const SAID_MS = 12_000;

const STORE_ERROR = -32005;

const $ = (id) => document.getElementById(id);

class Page {
  #connection = null;
  #may = new Set();
  #status = null;
  #lostAt = null;
  #lostWhy = "";
  #asking = false;
  #due = null;
  #users = new Map();
  #saying = null;
  #hasLog = false;
  #hasDay = false;

  constructor() {
    const page = {
      may: (method) => this.#may.has(method),
      isAway: () => this.#connection === null,
      act: (verb, row) => (this.#connection === null ? this.#sayAway() : this.actions.act(verb, row)),
      call: (method, params) => this.#call(method, params),
      words: (event) => this.#named(event.words, event.fields.uid),
      sentence: (event) => `${when(new Date(event.time))}  ${this.#named(event.words, event.fields.uid)}`,
    };
    this.actions = new Actions($("ask"), page.call, (text, kind) => this.#say(text, kind));
    this.cards = new Cards($("cards"), page);
    this.log = new Log({ list: $("log"), filters: $("filters"), more: $("more"), empty: $("log-empty") }, page);
    this.timeline = new Timeline($("day"), page.call);
    this.follower = new Follower(
      (event, again) => this.#happened(event, again),
      (text) => this.log.note(text),
    );
    this.#nodeButtons();
  }

  start() {
    setInterval(() => this.#tick(), 1000);
    setInterval(() => document.hidden || this.#refresh(), REFRESH_MS);
    setInterval(() => this.#status && this.timeline.show(this.#status), DRAW_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.#refresh());
    this.#readUsers();
    this.#readName();
    this.#connect();
  }

  // --- The connection -------------------------------------------------------------------------------------------------

  async #connect() {
    let connection = null;
    try {
      connection = new Connection(
        SOCKET,
        (method, params) => this.follower.told(method, params),
        (error) => this.#lost(connection, error),
      );
      if (this.#lostAt !== null) await new Promise((resolve) => setTimeout(resolve, LISTEN_MS));
      const [hello, status] = await Promise.all([connection.call("hello"), connection.call("status", { words: true })]);
      this.#may = new Set(hello.may ?? []);
      this.#status = status;
      this.#show();
      await this.#resume(connection);
      this.#connection = connection;
      this.#found(hello);
      await this.#readPast();
    } catch (error) {
      if (!(error instanceof LostError)) connection.fail(new LostError(error.message));
    }
  }

  #found(hello) {
    this.#lostAt = null;
    $("denied").hidden = true;
    write($("live"), `live, wagman ${hello.version}`);
    $("live").className = "live is-live";
    write($("away"), "");
    write($("may"), may(hello.role));
    document.body.classList.remove("is-away");
    this.cards.refresh();
  }

  // A log that cannot be read at present keeps nobody from looking at the guests, and acting on them: it is tried again.
  async #resume(connection) {
    try {
      await this.follower.resume(connection);
      write($("log-trouble"), "");
    } catch (error) {
      if (error.code !== STORE_ERROR) throw error;
      this.#logTrouble(error, () => connection === this.#connection && this.#resume(connection).catch((why) => connection.fail(why)));
    }
  }

  // The log is read once; what happens later, the follower brings, over as many connections as it takes. Where there is no log yet,
  // or none that can be read, there is only what waits for it: it is read anew once it was opened.
  async #readPast() {
    if (this.#hasDay || this.#connection === null) return;
    try {
      this.#hasLog ||= await this.log.read((event) => this.follower.remember(event));
      await this.timeline.read(this.#status);
      this.#hasDay = this.#hasLog;
      write($("log-trouble"), "");
    } catch (error) {
      if (!(error instanceof LostError)) this.#logTrouble(error, () => this.#readPast());
    }
  }

  #logTrouble(error, again) {
    write($("log-trouble"), `the log cannot be read at present: ${error.message}`);
    setTimeout(again, REREAD_MS);
  }

  #lost(connection, error) {
    if (this.#connection !== null && connection !== this.#connection) return;
    this.#connection = null;
    this.#lostAt ??= Date.now();
    this.#lostWhy = error.message;
    write($("live"), error.isDenied ? "not permitted" : "the service is away");
    $("live").className = "live";
    document.body.classList.add("is-away");
    $("denied").hidden = !error.isDenied;
    write($("denied-why"), error.isDenied ? error.message : "");
    if (error.isDenied) this.#forget();
    this.cards.refresh();
    this.#tick();
    setTimeout(() => this.#connect(), error.isDenied ? DENIED_MS : RETRY_MS);
  }

  // Who may not look is shown nothing, also not what was seen before.
  #forget() {
    $("node").hidden = true;
    write($("away"), "");
    write($("may"), "");
  }

  async #call(method, params) {
    if (this.#connection === null) throw new LostError(`the service is away: ${this.#lostWhy}`);
    return this.#connection.call(method, params);
  }

  // --- What is shown --------------------------------------------------------------------------------------------------

  async #refresh() {
    if (this.#connection === null || this.#asking) return;
    this.#asking = true;
    try {
      this.#status = await this.#call("status", { words: true });
      this.#show();
    } catch (error) {
      if (!(error instanceof LostError)) this.#say(error.message, "critical");
    } finally {
      this.#asking = false;
    }
  }

  #happened(event, again) {
    this.log.take(event, again);
    if (!again) this.timeline.take(event);
    if (event.type === "store.opened" && event.id !== null) this.#readPast();
    clearTimeout(this.#due);
    this.#due = setTimeout(() => this.#refresh(), SETTLE_MS);
  }

  #show() {
    const status = this.#status;
    const { words, wagman } = status;
    $("node").hidden = false;
    const problems = status.problems.map((problem, number) => [problem.severity, words.problems[number], problem.do]);
    list($("problems"), problems, ([severity, text, remedy]) =>
      el("li", { class: severity }, el("strong", {}, severity), " ", el("span", {}, text), el("p", { class: "do" }, `do: ${remedy}`)),
    );
    $("no-problems").hidden = problems.length > 0;
    const boards = Object.entries(words.boards);
    const left = status.ports.map((port) => ["Port without a table", `${port.board}: ${port.port}, was ${port.was}, power ${port.power}`]);
    const facts = [
      ["Guests", this.#named(words.wagman, wagman.hibernation?.uid)],
      ...boards.map(([name, text]) => [boards.length > 1 ? `Board ${name}` : "Board", text]),
      ["Enclosure", words.sensors.join(", ") || "no sensors"],
      ...left,
    ];
    list($("facts"), facts, ([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
    this.hibernate.hidden = !this.#may.has("hibernate") || wagman.hibernation !== null;
    this.wake.hidden = !this.#may.has("wake") || wagman.hibernation === null;
    this.cards.show(status);
    this.log.devices(status.devices.map((row) => row.name));
    this.timeline.show(status);
  }

  #nodeButtons() {
    const guarded = (act) => () => (this.#connection === null ? this.#sayAway() : act());
    const hibernate = guarded(() => this.actions.hibernate(this.#status.devices));
    this.hibernate = el("button", { type: "button", class: "quiet", "data-verb": "hibernate", click: hibernate }, "Hibernate all");
    this.wake = el("button", { type: "button", class: "go", "data-verb": "wake", click: guarded(() => this.actions.wake()) }, "Wake all");
    $("node-buttons").append(this.hibernate, this.wake);
  }

  #tick() {
    if (this.#lostAt === null || !$("denied").hidden) return;
    const for_s = Math.round((Date.now() - this.#lostAt) / 1000);
    const how = this.#status === null ? "" : ", this is how it was";
    write($("away"), `away for ${for_s} s${how}: ${this.#lostWhy}`);
  }

  #sayAway() {
    this.#say(`nothing can be asked for at present: ${this.#lostWhy}`, "warning");
  }

  #say(text, kind = "") {
    write($("said"), text);
    $("said").className = `said ${kind}`;
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => write($("said"), ""), SAID_MS);
  }

  // --- Names ----------------------------------------------------------------------------------------------------------

  // The service names users by number: who they are, this computer's own list says.
  async #readUsers() {
    try {
      const text = (await cockpit.file("/etc/passwd").read()) ?? "";
      for (const line of text.split("\n")) {
        const [name, , uid] = line.split(":");
        if (uid !== undefined && !this.#users.has(uid)) this.#users.set(uid, name);
      }
    } catch (error) {
      console.warn(`users go by their numbers: ${error.message}`);
    }
  }

  // Which computer this is: somebody may look at several.
  async #readName() {
    try {
      write($("title"), `Guests of ${((await cockpit.file("/etc/hostname").read()) ?? "").trim() || "this node"}`);
    } catch (error) {
      console.warn(`the name of this computer is not known: ${error.message}`);
    }
  }

  #named(words, uid) {
    const name = this.#users.get(String(uid));
    return plain(name === undefined ? words : words.replace(new RegExp(`\\buser ${Number(uid)}\\b`), () => name));
  }
}

function may(role) {
  if (role === "read") return "You may look, and not touch: become a member of the operate or the control group to do more.";
  if (role === "operate") return "You may start, stop and enable guests; for the rest, become a member of the control group.";
  return "";
}

// Light or dark, as the person has chosen in Cockpit, or as the device has it.
function dress(style) {
  const chosen = style ?? localStorage.getItem("shell:style") ?? "auto";
  document.documentElement.dataset.style = chosen;
}

dress();
window.addEventListener("storage", (event) => event.key === "shell:style" && dress());
window.addEventListener("cockpit-style", (event) => dress(event.detail?.style));
new Page().start();
