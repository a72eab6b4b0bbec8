// Where in the log one is, over as many connections as it takes: every event once, in its order, and what cannot be had is said.
//
// Ids are contiguous within a log: the next event is the one whose id is next. Any other means that something was missed, and the
// subscription begins anew at the present place. An event without an id is given at once, and known again when it comes with its id.

const NO_SUCH_PLACE = -32004;

// So many events without an id are remembered, to know them again (as many as wait in the service's memory).
const MOST_PROVISIONAL = 10_000;

export class Follower {
  #connection = null;
  #subscription = null;
  #logId = null;
  #lastId = null;
  #early = [];
  #isBehind = false;
  #provisional = new Map();
  #happened;
  #note;

  // `happened` is given an event, and whether it was given before, without an id; `note` a sentence.
  constructor(happened, note) {
    this.#happened = happened;
    this.#note = note;
  }

  // Up to there all was given, or came before.
  get lastId() {
    return this.#lastId;
  }

  // Subscribe from the present place on, over this connection.
  async resume(connection) {
    this.#connection = connection;
    this.#subscription = null;
    this.#isBehind = false;
    this.#early = [];
    let began;
    try {
      began = await connection.call("subscribe", { ...this.#place(), words: true });
    } catch (error) {
      if (error.code !== NO_SUCH_PLACE) throw error;
      began = await connection.call("subscribe", { since: 0, words: true });
      this.#note("the log was replaced by a new one: going on with its first event");
      this.#lastId = 0;
    }
    this.#begin(began);
  }

  // What the service tells of a subscription.
  told(method, params) {
    if (this.#subscription === null) {
      this.#early.push([method, params]); // it came with the answer that says which subscription it is of
    } else if (params.subscription === this.#subscription && !this.#isBehind) {
      if (method === "event") this.#take(params.event);
      else if (method === "lagged" && params.to_id !== null) this.#fallBehind();
    }
  }

  // An event was shown without an id, and will come again with one.
  remember(event) {
    this.#provisional.set(likeness(event), true);
    if (this.#provisional.size > MOST_PROVISIONAL) this.#provisional.delete(this.#provisional.keys().next().value);
  }

  #place() {
    return this.#lastId === null ? {} : { since: this.#lastId, log_id: this.#logId };
  }

  #begin(began) {
    this.#logId = began.log_id;
    if (this.#lastId === null) this.#lastId = began.log_id === null ? null : began.last_id;
    else this.#passOver(began.first_id);
    this.#subscription = began.subscription;
    const early = this.#early;
    this.#early = [];
    for (const [method, params] of early) this.told(method, params);
  }

  #take(event) {
    if (event.id === null) {
      const isKnown = this.#provisional.has(likeness(event));
      this.remember(event);
      if (!isKnown) this.#happened(event, false);
      return;
    }
    const opened = event.type === "store.opened" ? (event.fields.log_id ?? this.#logId) : this.#logId;
    this.#lastId ??= event.id - 1; // there was no log yet
    if (opened === null || (opened === this.#logId && event.id !== this.#lastId + 1)) {
      this.#fallBehind();
      return;
    }
    this.#logId = opened;
    this.#lastId = event.id;
    this.#happened(event, this.#provisional.delete(likeness(event)));
  }

  #passOver(nextId) {
    if (nextId > this.#lastId + 1) {
      const count = nextId - 1 - this.#lastId;
      const those = count === 1 ? "1 event" : `${count} events`;
      const are = count === 1 ? "is" : "are";
      this.#note(`${those} between ${this.#lastId + 1} and ${nextId - 1} ${are} no longer in the log`);
      this.#lastId = nextId - 1;
    }
  }

  async #fallBehind() {
    this.#isBehind = true;
    const connection = this.#connection;
    try {
      await connection.call("unsubscribe", { subscription: this.#subscription });
      const page = await connection.call("events", { ...this.#place(), limit: 1 });
      for (const event of page.events) if (event.id !== null && this.#lastId !== null) this.#passOver(event.id);
      if (connection === this.#connection) await this.resume(connection);
    } catch (error) {
      connection.fail(error); // the next one resumes from the present place
    }
  }
}

// What an event has in common with itself before it had an id.
export function likeness({ boot_id, mono_s, type, device, fields }) {
  return JSON.stringify([boot_id, mono_s, type, device, fields], (_, value) =>
    value !== null && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value,
  );
}
