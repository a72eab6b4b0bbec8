// A connection to the service: JSON-RPC, a message a line, over the channel that Cockpit's bridge opens as the person who is logged in.

// How long an answer may take: to restart the controller, the service asks the board first.
const ANSWER_MS = 40_000;

const REFUSED = -32001;
const SILENT = "the service does not answer: it hangs or is stopped; see systemctl status wagman";

// What the service answers instead of a result.
export class AnswerError extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

// The connection is gone, or cannot be had; `isDenied`: who asks may not use it.
export class LostError extends Error {
  constructor(message, isDenied = false) {
    super(message);
    this.isDenied = isDenied;
  }
}

export class Connection {
  #channel;
  #decoder = new TextDecoder();
  #kept = "";
  #asked = new Map();
  #number = 0;
  #told;
  #lost;
  #isOver = false;

  // `told` is given the method and the parameters of each notification; `lost` the LostError that ends the connection.
  constructor(path, told, lost) {
    this.#told = told;
    this.#lost = lost;
    // As bytes: as text, the bridge would spoil a character that comes in two pieces.
    this.#channel = cockpit.channel({ payload: "stream", unix: path, binary: true });
    this.#channel.addEventListener("message", (_, data) => this.#feed(data));
    this.#channel.addEventListener("close", (_, options) => this.#end(unreached(path, options)));
  }

  // The result of a request; fails with AnswerError or LostError.
  call(method, params = {}) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(new LostError("the service is away"));
        return;
      }
      const due = setTimeout(() => this.fail(new LostError(SILENT)), ANSWER_MS);
      this.#asked.set(id, { resolve, reject, due });
      this.#channel.send(new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`));
    });
  }

  // Give this connection up, for this reason.
  fail(error) {
    this.#channel.close();
    this.#end(error);
  }

  #feed(data) {
    const lines = (this.#kept + this.#decoder.decode(data, { stream: true })).split("\n");
    this.#kept = lines.pop();
    try {
      for (const line of lines) this.#take(JSON.parse(line));
    } catch (error) {
      this.fail(new LostError(`what answers is no wagman service: ${error.message}`));
    }
  }

  #take(message) {
    if (message.method !== undefined) {
      this.#told(message.method, message.params);
      return;
    }
    const asked = this.#asked.get(message.id);
    if (asked !== undefined) {
      this.#asked.delete(message.id);
      clearTimeout(asked.due);
      if (message.error) asked.reject(new AnswerError(message.error));
      else asked.resolve(message.result);
    } else if (message.error?.code === REFUSED) {
      // Said before it hangs up; "too many clients" is no judgement of who asks.
      this.#end(new LostError(message.error.message, !message.error.message.startsWith("too many clients")));
    }
  }

  #end(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reject, due } of this.#asked.values()) {
      clearTimeout(due);
      reject(error);
    }
    this.#asked.clear();
    this.#lost(error);
  }
}

// In the words of the commands.
function unreached(path, { problem, message }) {
  if (problem === "access-denied") {
    return new LostError(`not permitted to use ${path}: become a member of its group, or root`, true);
  }
  if (problem) return new LostError(`no service on ${path} (${message ?? problem}): see systemctl status wagman`);
  return new LostError("the service has hung up: see systemctl status wagman");
}
