// The web chat: puts the log, the queue, the live events and the composer together.

import { setUpComposer } from "./composer.js";
import { newKey } from "./dom.js";
import { Log } from "./log.js";
import { Queue } from "./queue.js";
import { followKeyboard } from "./viewport.js";
import { getHistory, openEvents } from "./wire.js";
import { currentLanguage, setLanguage, showDay, word } from "./words.js";

const MAX_FILE_BYTES = 20_000_000;
const ANSWER_MS = 20_000;
const BANNER_AFTER_MS = 4_000;
const TOAST_MS = 4_000;
const REASONS = { too_large: "too_large", empty_file: "empty_file", upload_quota: "upload_quota" };

const banner = document.getElementById("banner");
const toast = document.getElementById("toast");
const earlier = document.getElementById("earlier");
const title = document.title;

let events = null;
let ready = false;
let catching = null;
let bannerTimer = 0;
let retryTimer = 0;
let toastTimer = 0;
let unread = 0;
const kept = []; // keys of what the server keeps for another try

const log = new Log({
  press: (seq, handle, label, chosen) => act(seq, { kind: "press", handle, chosen, shown: label }),
  date: (seq, handle, date) => act(seq, { kind: "date", handle, date, shown: showDay(new Date(`${date}T12:00:00+09:00`)) }),
  upload: () => composer.chooseFile(),
  again: (key) => queue.again(key),
  remove: (key) => {
    queue.remove(key);
    log.dropPending(key);
  },
});

const queue = new Queue({ onChange, onDone, onRefused });

const composer = setUpComposer({
  onText: (text) => say({ kind: "text", text, shown: text }),
  onFile: sendFile,
  onMenu: () => say({ kind: "text", text: "/menu", shown: "/menu" }),
});

function say(act) {
  const item = queue.add({ key: newKey(), ...act });
  if (item.state === "waiting") onChange(item);
}

function act(seq, what) {
  if (log.isPressed(seq)) return;
  log.setPressed(seq, true);
  say({ ...what, seq });
}

function sendFile(file) {
  if (file.size > MAX_FILE_BYTES) return showToast(word("too_large"));
  if (file.size === 0) return showToast(word("empty_file"));
  const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
  return say({ kind: "file", file, preview });
}

function onChange(item) {
  if (!item.seen) log.showPending(item);
  log.setTyping(queue.items.some((one) => one.state === "sending" && !one.file));
  if (item.state === "waiting" && item.tries > 0) showBanner(navigator.onLine ? "lost" : "offline");
}

async function onDone(item, answer) {
  hideBanner();
  showToast(answer.toast);
  if (item.preview) URL.revokeObjectURL(item.preview);
  if (answer.outcome === "kept") keep(item);
  await catchUp(answer.last_seq);
  if (item.state !== "taken") log.dropPending(item.key);
  if (item.seq) log.setPressed(item.seq, false);
  if (item.state !== "taken") log.setTyping(false);
  log.focusAnswer();
  if (!events) listen();
}

// Safe with the server, but its turn is still to come: the bubble stays until the server shows its own.
function keep(item) {
  item.state = "taken";
  kept.push(item.key);
  log.showPending(item);
  setTimeout(() => log.setTyping(false), ANSWER_MS);
}

function onRefused(item, result) {
  log.setTyping(false);
  if (item.seq) log.setPressed(item.seq, false);
  if (result.status === 401) return renewSession();
  if (result.status === 413 && !item.file) item.reason = "text_too_long";
  else item.reason = REASONS[item.code];
  log.showPending(item);
  return undefined;
}

// The cookie is gone: opening the page again makes a new one. Once only; without cookies there is no chat.
function renewSession() {
  if (sessionStorage.getItem("madoguchi.renewed")) return showBanner("no_cookie", 0);
  sessionStorage.setItem("madoguchi.renewed", "1");
  for (const item of queue.items) if (item.state === "failed" && !item.code.startsWith("bad")) queue.again(item.key);
  return location.reload();
}

function take(message) {
  if (message.author === "member") dropOptimistic(message);
  if (!log.take(message)) return;
  if (message.author !== "member" && document.hidden) document.title = `(${(unread += 1)}) ${title}`;
}

// The server's own bubble replaces the one on its way, whichever comes first: this message or the answer to the request.
function dropOptimistic(message) {
  const first = kept.shift();
  if (first) return log.dropPending(first);
  const sending = queue.items.find((item) => item.state === "sending");
  if (!sending || (sending.kind === "text" && sending.text !== message.body.text)) return undefined;
  sending.seen = true; // should its answer get lost, it is sent again without a bubble
  log.dropPending(sending.key);
  return undefined;
}

// Everything up to `until` that is not here yet, in order. Live events and this never disagree: numbers decide.
async function catchUp(until = Infinity) {
  while (catching) await catching;
  if (until <= log.lastSeq) return;
  catching = fetchNews(until);
  try {
    await catching;
  } finally {
    catching = null;
  }
}

async function fetchNews(until) {
  for (;;) {
    const result = await getHistory({ after: log.lastSeq, limit: 100 });
    if (!result.ok) return;
    follow(result.data.language);
    for (const message of result.data.messages) take(message);
    if (result.data.messages.length < 100 || log.lastSeq >= until) return;
  }
}

function follow(language) {
  if (!language || language === currentLanguage()) return;
  localStorage.setItem("madoguchi.language", language);
  setLanguage(language);
  document.getElementById("language").textContent = word("other");
  document.getElementById("language").lang = language === "ja" ? "en" : "ja";
  log.redraw();
  for (const item of queue.items) log.showPending(item);
}

function listen() {
  events?.close();
  clearTimeout(retryTimer);
  events = openEvents(log.lastSeq, {
    onMessage: async (message) => {
      if (message.seq > log.lastSeq + 1) await catchUp(message.seq);
      take(message);
      if (message.author !== "member") log.setTyping(false);
    },
    onLanguage: follow,
    onUp: () => {
      hideBanner();
      queue.hurry();
    },
    onDown: (givenUp) => {
      showBanner(navigator.onLine ? "lost" : "offline");
      if (givenUp) retryTimer = setTimeout(listen, 5_000);
    },
  });
}

// Back from sleep, from another application, from a tunnel: look at once, do not trust the old connection.
function wake() {
  if (document.hidden) return;
  document.title = title;
  unread = 0;
  if (!ready) return;
  listen();
  catchUp();
  queue.hurry();
}

function showBanner(name, after = BANNER_AFTER_MS) {
  clearTimeout(bannerTimer);
  const delay = navigator.onLine ? after : 0;
  bannerTimer = setTimeout(() => {
    banner.dataset.word = name;
    banner.textContent = word(name);
    banner.hidden = false;
  }, delay);
}

function hideBanner() {
  clearTimeout(bannerTimer);
  banner.hidden = true;
}

function showToast(text) {
  if (!text) return;
  clearTimeout(toastTimer);
  toast.textContent = text;
  toastTimer = setTimeout(() => (toast.textContent = ""), TOAST_MS);
}

async function showEarlier() {
  const result = await getHistory({ before: log.firstSeq });
  if (!result.ok || !result.data.messages.length) return;
  const focus = document.activeElement === earlier;
  log.prepend(result.data.messages);
  earlier.hidden = log.firstSeq <= 1;
  if (focus && earlier.hidden) document.getElementById("scroller").focus({ preventScroll: true });
}

function toggleLanguage() {
  const wanted = currentLanguage() === "ja" ? "en" : "ja";
  follow(wanted);
  say({ kind: "text", text: `/language ${wanted}`, shown: `/language ${wanted}` });
}

async function start() {
  const result = await getHistory({});
  if (!result.ok) {
    if (result.status === 401) return renewSession();
    showBanner("unavailable", 0);
    return setTimeout(start, 5_000);
  }
  hideBanner();
  sessionStorage.removeItem("madoguchi.renewed");
  follow(result.data.language);
  for (const message of result.data.messages) take(message);
  earlier.hidden = log.firstSeq <= 1;
  log.toEnd();
  log.open();
  ready = true;
  for (const item of queue.items) log.showPending(item);
  // The first visit opens the conversation; two tabs at once open it once.
  if (result.data.last_seq === 0) queue.add({ key: "start-first-visit", kind: "start" });
  else listen();
  return queue.pump();
}

followKeyboard(document.querySelector(".counter"));
document.getElementById("language").addEventListener("click", toggleLanguage);
earlier.addEventListener("click", showEarlier);
document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("pageshow", (event) => event.persisted && wake());
addEventListener("offline", () => showBanner("offline", 0));
addEventListener("pagehide", () => events?.close());

const browserLanguage = navigator.language.startsWith("ja") ? "ja" : "en";
setLanguage(localStorage.getItem("madoguchi.language") ?? browserLanguage);
document.getElementById("language").textContent = word("other");
document.getElementById("language").lang = currentLanguage() === "ja" ? "en" : "ja";
start();
