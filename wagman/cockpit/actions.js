// What can be asked for: which of it makes sense for a guest as it is, what the person is asked before, and what came of it.

import { arrange, el, plain } from "./dom.js";

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const WHILES = [
  ["10 min", 10 * MINUTE_S],
  ["30 min", 30 * MINUTE_S],
  ["1 h", HOUR_S],
  ["2 h", 2 * HOUR_S],
  ["8 h", 8 * HOUR_S],
  ["1 d", 24 * HOUR_S],
];

const LOCKED_OUT = "If you came in over it, a modem perhaps, you are locked out.";

// What is said before it is asked for; what asks for nothing goes at once. `for` is a choice of how long.
const QUESTIONS = {
  stop: (row) => ({
    text: [
      row.has_shutdown
        ? "It is asked to halt, and its power is cut once it is silent."
        : "There is no command that asks it to halt: its power is cut while it runs.",
      `Nothing starts it again but Start, or the time that you choose. ${LOCKED_OUT}`,
    ],
    for: { label: "Start it again by itself", never: "never" },
  }),
  restart: (row) => ({
    text: row.self
      ? ["It is the computer that the service runs on: this page is away until it is up again."]
      : [
          row.has_shutdown
            ? "It is asked to halt, and then given a new power cycle."
            : "There is no command that asks it to halt: its power is cut while it runs, and given again.",
        ],
  }),
  kill: (row) => ({
    text: [
      `The power of ${row.name} is cut now, without a shutdown. That can cost it its file system.`,
      `Nothing starts it again but Start. ${LOCKED_OUT}`,
    ],
  }),
  disable: () => ({ text: [`It is stopped as by Stop, and every start is refused until it is enabled. ${LOCKED_OUT}`] }),
  maintenance: () => ({
    text: ["It is left alone for that time: neither its power nor messages; what is seen is told."],
    for: { label: "For how long" },
  }),
};

export const LABELS = {
  start: "Start",
  stop: "Stop",
  restart: "Restart",
  kill: "Cut power",
  enable: "Enable",
  disable: "Disable",
  maintenance: "Maintenance",
  end: "End maintenance",
};

// The verbs that make sense for a guest as it is, those that are at hand first, and those that are not to be hit by chance.
export function sensible(row) {
  if (row.self) return { near: ["restart"], far: [] };
  if (row.state === "maintenance") return { near: ["end"], far: [] };
  const near = [];
  if (!row.enabled && row.disabled_by !== "configuration") near.push("enable");
  if (row.enabled && (row.wanted === "down" || row.state === "stopped")) near.push("start");
  if (row.enabled && row.wanted === "up") near.push("stop");
  if (row.enabled && row.wanted === "up" && row.state !== "stopped") near.push("restart");
  const far = [];
  if (row.enabled) far.push("disable");
  far.push("maintenance");
  if (row.state !== "stopped" || !row.power.confirmed) far.push("kill");
  return { near, far };
}

export class Actions {
  // `ask` sends a request and gives its result; `say` tells the person what came of it.
  constructor(dialog, ask, say) {
    this.dialog = dialog;
    this.ask = ask;
    this.say = say;
  }

  // Do this with a guest, once the person has confirmed it where it takes something away.
  async act(verb, row) {
    const method = verb === "end" ? "maintenance" : verb;
    const params = { device: row.name };
    const question = QUESTIONS[verb]?.(row);
    if (question !== undefined) {
      const answer = await this.#confirm(`${LABELS[verb]} ${row.name}?`, LABELS[verb], question);
      if (answer === null) return;
      if (answer.for_s) params.for_s = answer.for_s;
    }
    const told = await this.#send(`${LABELS[verb]} ${row.name}`, method, params);
    if (told !== null && !told.accepted && verb === "start" && told.reason) await this.#insist(row, told.reason);
  }

  async hibernate(devices) {
    const names = devices.filter((row) => !row.self).map((row) => row.name);
    const answer = await this.#confirm("Hibernate?", "Hibernate", {
      text: ["All guests are taken down, the last started first, but for those to be kept, until somebody wakes them.", LOCKED_OUT],
      reason: "Why, for whoever looks at it later",
      keep: names,
    });
    if (answer !== null) await this.#send("Hibernate", "hibernate", { reason: answer.reason, keep: answer.keep });
  }

  async wake() {
    await this.#send("Wake", "wake", {});
  }

  // The service says why it does not start it; where that is the environment, the person may know better.
  async #insist(row, reason) {
    const answer = await this.#confirm(`Start ${row.name} all the same?`, "Start all the same", {
      text: [`The service has refused it: ${reason}.`, "Where it is the environment that forbids it, it can be started all the same."],
    });
    if (answer !== null) await this.#send(`Start ${row.name}`, "start", { device: row.name, force: true });
  }

  async #send(what, method, params) {
    this.say(`${what}: asking`);
    try {
      const told = await this.ask(method, params);
      this.say(`${what}: ${told.accepted ? "accepted" : "refused"}: ${told.reason}`, told.accepted ? "fine" : "warning");
      return told;
    } catch (error) {
      const doubt = error.code === undefined ? "it is not known whether that was accepted: " : "";
      this.say(`${what}: ${doubt}${error.message}`, "critical");
      return null;
    }
  }

  // What the person fills in, or null; a dialog of the browser keeps the keyboard inside, and Esc closes it.
  #confirm(title, label, question) {
    const whiles = question.for && [...(question.for.never ? [[question.for.never, ""]] : []), ...WHILES];
    const lasting = whiles && el("select", { name: "for" }, ...whiles.map(([text, value]) => el("option", { value }, text)));
    const reason = question.reason && el("input", { name: "reason", required: true, maxlength: 200, autocomplete: "off" });
    const keep = (question.keep ?? []).map((name) => el("input", { type: "checkbox", value: name }));
    const fields = [
      ...(lasting ? [el("label", {}, `${question.for.label} `, lasting)] : []),
      ...(reason ? [el("label", {}, `${question.reason} `, reason)] : []),
      ...(keep.length ? [el("fieldset", {}, el("legend", {}, "Keep running"), ...keep.map(beside))] : []),
    ];
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: "ask-head" }, title),
      ...question.text.map((text) => el("p", {}, text)),
      ...fields,
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "button", class: "quiet", click: () => this.dialog.close("") }, "Cancel"),
        el("button", { type: "submit", class: "danger", value: "yes" }, label),
      ),
    );
    arrange(this.dialog, [form]);
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      const settle = () => {
        const kept = keep.filter((each) => each.checked).map((each) => each.value);
        const filled = { for_s: Number(lasting?.value ?? 0), reason: plain(reason?.value ?? ""), keep: kept };
        resolve(this.dialog.returnValue === "yes" ? filled : null);
      };
      this.dialog.addEventListener("close", settle, { once: true });
    });
  }
}

function beside(box) {
  return el("label", { class: "check" }, box, ` ${box.value}`);
}
