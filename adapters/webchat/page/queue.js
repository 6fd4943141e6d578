// What the member did and the server has not taken yet. One at a time, in order, each with its own key: sending it again
// after a lost answer has no second effect. Words and presses survive a reload; files live as long as the page.

import { postAct, postFile } from "./wire.js";
import { currentLanguage } from "./words.js";

const STORE = "madoguchi.queue";
const KEEP_MS = 7 * 86_400_000;
const SERVER_TRIES = 4;

export class Queue {
  // onChange(item): its state or progress changed; onDone(item, answer): taken; onRefused(item, result): will never be taken
  constructor({ onChange, onDone, onRefused }) {
    this.items = load();
    this.told = { onChange, onDone, onRefused };
    this.busy = false;
    this.timer = 0;
  }

  add(item) {
    this.items.push({ tries: 0, state: "waiting", at: Date.now(), ...item });
    save(this.items);
    const added = this.items.at(-1);
    this.pump();
    return added;
  }

  again(key) {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    Object.assign(item, { state: "waiting", tries: 0, code: "" });
    this.told.onChange(item);
    this.hurry();
  }

  remove(key) {
    this.items = this.items.filter((item) => item.key !== key);
    save(this.items);
  }

  // The connection may be back: do not wait for the next try.
  hurry() {
    clearTimeout(this.timer);
    for (const item of this.items) if (item.state === "waiting") item.tries = Math.min(item.tries, 1);
    this.pump();
  }

  async pump() {
    if (this.busy) return;
    this.busy = true;
    try {
      let item;
      while ((item = this.items.find((one) => one.state !== "failed"))) {
        if (!(await this.send(item))) break;
      }
    } finally {
      this.busy = false;
    }
  }

  // True: go on with the next one; false: wait.
  async send(item) {
    if (!navigator.onLine && item.tries === 0) return this.later(item);
    this.mark(item, "sending");
    const result = item.file
      ? await postFile(item, currentLanguage(), (percent) => this.progress(item, percent))
      : await postAct(item, currentLanguage());
    if (result.ok) {
      this.remove(item.key);
      this.told.onDone(item, result.data);
      return true;
    }
    if (result.refused || (result.server && item.tries + 1 >= SERVER_TRIES)) {
      item.code = result.code ?? "";
      this.mark(item, "failed");
      this.told.onRefused(item, result);
      return true;
    }
    return this.later(item);
  }

  later(item) {
    item.tries += 1;
    this.mark(item, "waiting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), Math.min(30_000, 1000 * 2 ** Math.min(item.tries, 5)));
    return false;
  }

  mark(item, state) {
    item.state = state;
    item.percent = 0;
    save(this.items);
    this.told.onChange(item);
  }

  progress(item, percent) {
    item.percent = percent;
    this.told.onChange(item);
  }
}

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return stored
      .filter((item) => Date.now() - item.at < KEEP_MS)
      .map((item) => ({ ...item, state: item.state === "failed" ? "failed" : "waiting", tries: 0 }));
  } catch {
    return [];
  }
}

function save(items) {
  try {
    localStorage.setItem(STORE, JSON.stringify(items.filter((item) => !item.file)));
  } catch {
    // storage is full or forbidden: the queue lives as long as the page
  }
}
