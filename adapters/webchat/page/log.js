// The conversation on the page: bubbles in the order of their numbers, day lines, the member's unsent bubbles at the end,
// which controls still count, and where the page is scrolled to.

import { drawMessage, drawPending } from "./bubbles.js";
import { el } from "./dom.js";
import { dayKey, showDay, word } from "./words.js";

const NEAR_PX = 60;
const TYPING_AFTER_MS = 300;

export class Log {
  constructor(acts) {
    this.acts = acts;
    this.scroller = document.getElementById("scroller");
    this.box = document.getElementById("log");
    this.newest = document.getElementById("newest");
    this.typing = el("div", { class: "typing", hidden: true },
      el("span", { class: "avatar", "aria-hidden": "true" }),
      el("p", { class: "bubble" }, el("span", { class: "sr" }), el("i"), el("i"), el("i")));
    this.box.append(this.typing);
    this.messages = new Map(); // seq → message
    this.stick = true; // stay at the end when something comes
    this.anchor = null; // the top of a long answer stays in sight
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.newest.addEventListener("click", () => this.toEnd());
    const watcher = new ResizeObserver(() => this.settle());
    watcher.observe(this.box);
    watcher.observe(this.scroller);
  }

  get lastSeq() {
    return this.last ?? 0;
  }

  get firstSeq() {
    return this.first ?? 0;
  }

  node(seq) {
    return this.box.querySelector(`article[data-seq="${seq}"]`);
  }

  // A message that is new, or one that was edited. Others are left alone. True when it is a new one.
  take(message) {
    const known = this.messages.get(message.seq);
    if (known) {
      if (known.edited_at === message.edited_at) return false;
      this.messages.set(message.seq, message);
      this.node(message.seq).replaceWith(drawMessage(message, this.acts));
      this.refreshControls();
      return false;
    }
    this.scrolled(); // the reader may have moved just now, before the browser told
    this.messages.set(message.seq, message);
    this.last = Math.max(this.lastSeq, message.seq);
    this.first = this.first ? Math.min(this.first, message.seq) : message.seq;
    const node = drawMessage(message, this.acts);
    const before = this.box.querySelector("article.pending") ?? this.typing;
    this.addDayLine(message, before);
    before.before(node);
    this.arrived(message, node);
    return true;
  }

  arrived(message, node) {
    this.refreshControls();
    if (message.author === "member") {
      this.anchor = null;
    } else if (this.stick) {
      this.anchor ??= node;
    } else {
      this.newest.hidden = false;
    }
    this.settle();
    // Held at an earlier answer that is still unread, the page says that there is more below.
    if (this.anchor && this.anchor !== node && this.isBelow(node)) this.newest.hidden = false;
  }

  isBelow(node) {
    return node.offsetTop + node.offsetHeight > this.scroller.scrollTop + this.scroller.clientHeight;
  }

  addDayLine(message, before) {
    const day = dayKey(new Date(message.at));
    if (this.lastDay !== day) before.before(dayLine(message));
    this.lastDay = day;
  }

  // An older page of the history, above what is there; the view stays where it is.
  prepend(messages) {
    const height = this.scroller.scrollHeight;
    for (const message of messages) this.messages.set(message.seq, message);
    this.first = Math.min(this.firstSeq, ...messages.map((message) => message.seq));
    this.redraw();
    this.scroller.scrollTop += this.scroller.scrollHeight - height;
  }

  // Everything anew: after an older page, or in another language.
  redraw() {
    this.box.ariaBusy = "true";
    for (const node of this.box.querySelectorAll("article[data-seq], .day")) node.remove();
    const before = this.box.querySelector("article.pending") ?? this.typing;
    this.lastDay = "";
    for (const seq of [...this.messages.keys()].sort((a, b) => a - b)) {
      const message = this.messages.get(seq);
      this.addDayLine(message, before);
      before.before(drawMessage(message, this.acts));
    }
    this.refreshControls();
    this.box.ariaBusy = "false";
  }

  // History is there: from now on what comes is read aloud.
  open() {
    this.box.ariaLive = "polite";
    this.box.ariaBusy = "false";
  }

  // Only the newest question of the bot may be answered through its controls, and only until the member has answered.
  refreshControls() {
    const asks = [...this.box.querySelectorAll("article.bot:has(.ask)")];
    const live = asks.at(-1);
    const answered = live && [...this.messages.values()].some(
      (message) => message.author === "member" && message.seq > Number(live.dataset.seq));
    for (const article of asks) {
      const open = article === live && !answered && !article.classList.contains("pressed");
      for (const field of article.querySelectorAll(".ask")) field.disabled = !open;
      article.classList.toggle("closed", article !== live || Boolean(answered));
    }
    const bots = [...this.box.querySelectorAll("article.bot")];
    for (const article of bots) article.classList.toggle("old", this.isOld(article));
  }

  isOld(article) {
    const seq = Number(article.dataset.seq);
    return [...this.messages.values()].some((message) => message.author === "member" && message.seq > seq);
  }

  // While a press is on its way its bubble takes no second one.
  setPressed(seq, pressed) {
    const node = this.node(seq);
    if (!node) return;
    node.classList.toggle("pressed", pressed);
    node.ariaBusy = String(pressed);
    if (pressed && node.contains(document.activeElement)) {
      this.focusNext = true; // the pressed control may be closed: the answer gets the focus
      node.focus({ preventScroll: true });
    }
    this.refreshControls();
  }

  isPressed(seq) {
    return this.node(seq)?.classList.contains("pressed") ?? false;
  }

  // Keyboard users go on where the answer is; who has begun to write meanwhile stays in the line.
  focusAnswer() {
    if (!this.focusNext) return;
    this.focusNext = false;
    const at = document.activeElement;
    if (at && at !== document.body && !this.box.contains(at)) return;
    const answer = [...this.box.querySelectorAll("article.bot:not(.old), article.staff")].at(-1);
    answer?.focus({ preventScroll: true });
  }

  showPending(item) {
    const old = this.box.querySelector(`article[data-key="${item.key}"]`);
    if (!item.shown && !item.file) return;
    const focused = old?.contains(document.activeElement);
    const node = drawPending(item, this.acts);
    if (old) old.replaceWith(node);
    else this.typing.before(node);
    if (focused) document.getElementById("text").focus({ preventScroll: true });
    if (!old) this.toEnd();
  }

  dropPending(key) {
    this.box.querySelector(`article[data-key="${key}"]`)?.remove();
  }

  setTyping(shown) {
    clearTimeout(this.typingTimer);
    if (!shown) {
      this.typing.hidden = true;
      this.typing.querySelector(".sr").textContent = "";
      return;
    }
    this.typingTimer = setTimeout(() => {
      this.typing.querySelector(".sr").textContent = word("typing");
      this.typing.hidden = false;
      this.settle();
    }, TYPING_AFTER_MS);
  }

  toEnd() {
    this.stick = true;
    this.anchor = null;
    this.newest.hidden = true;
    this.settle();
  }

  settle() {
    if (!this.stick) return;
    const end = this.scroller.scrollHeight - this.scroller.clientHeight;
    const top = this.anchor ? this.anchor.offsetTop - 12 : end;
    this.scroller.scrollTop = this.wanted = Math.max(0, Math.min(end, top));
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    if (Math.abs(scrollTop - (this.wanted ?? -1)) < 2) return; // our own
    this.wanted = null;
    this.stick = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.stick) {
      this.anchor = null;
      this.newest.hidden = true;
    }
  }
}

function dayLine(message) {
  const at = new Date(message.at);
  return el("p", { class: "day" }, el("time", { dateTime: dayKey(at) }, showDay(at)));
}
