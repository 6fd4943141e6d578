// The desk's own small script: forms that keep what was typed, lists that stay fresh, drafts, dialogs.
// Everything works without it too, only with whole pages; nothing is decided here.
"use strict";

const words = document.body.dataset;
const drafts = "desk:draft:";

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ── lists and threads that stay fresh ────────────────────────────────────────────────────────────

// What the server drew for a row: its own attributes may have changed since (details opened, fields filled).
const drawn = new WeakMap();

// Rows with the same data-key and the same content stay the very same elements: focus, scroll and open details survive.
function morph(target, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const known = new Map();
  for (const row of target.querySelectorAll(":scope > [data-key]")) known.set(row.dataset.key, row);
  const wanted = Array.from(fresh.content.children).map((row) => {
    const old = row.dataset.key ? known.get(row.dataset.key) : undefined;
    const html = row.outerHTML;
    const kept = old && (drawn.get(old) ?? old.outerHTML) === html ? old : row;
    drawn.set(kept, html);
    return kept;
  });
  const focus = target.contains(document.activeElement) ? document.activeElement : null;
  const focusKey = focus && focus.closest("[data-key]") ? focus.closest("[data-key]").dataset.key : null;
  for (const row of Array.from(target.childNodes)) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, place) => {
    if (target.children[place] !== row) target.insertBefore(row, target.children[place] || null);
  });
  if (focusKey !== null && !target.contains(document.activeElement)) {
    const again = target.querySelector(`[data-key="${CSS.escape(focusKey)}"]`);
    const inner = again && (again.matches("a,button") ? again : again.querySelector("a,button"));
    if (inner) inner.focus({ preventScroll: true });
  }
}

function atEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 60;
}

function showNotice(text, href) {
  const bar = document.getElementById("notice");
  bar.replaceChildren(document.createTextNode(text + " "));
  if (href) {
    const link = document.createElement("a");
    link.href = href;
    link.target = "_blank";
    link.textContent = words.loginAgain;
    bar.append(link);
  }
  bar.hidden = false;
}

function applyUpdate(update) {
  for (const [id, html] of Object.entries(update)) {
    const target = document.getElementById(id);
    if (!target) continue;
    const follow = target.dataset.follow !== undefined && atEnd(target);
    const before = target.scrollTop;
    morph(target, html);
    if (target.dataset.follow !== undefined) target.scrollTop = follow ? target.scrollHeight : before;
  }
  noteReading();
}

// Words in a draft are kept in this browser; anything else typed and not sent would be lost by leaving.
function isTyped(field) {
  if (field.type === "file") return field.files.length > 0;
  if (field.type === "hidden" || field.closest("[data-draft]")) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  return "defaultValue" in field && field.value !== field.defaultValue;
}

// The log-in has ended: to the login page, which says so and leads back here. What is being sent has its own answer,
// and where that asks for a log-in already, the page stays.
let loginAsked = false;
function leave(login) {
  if (login && loginAsked) return;
  if (document.querySelector("form[data-busy]")) {
    setTimeout(leave, 500, login);
  } else if (Array.from(document.querySelectorAll("main form :is(input, textarea)")).some(isTyped)) {
    showNotice(words.loggedOut, "/desk/login");
  } else if (login) {
    location.assign("/desk/login?ended=1&next=" + encodeURIComponent(location.pathname + location.search));
  } else {
    showNotice(words.broken);
  }
}

// A hidden tab holds no connection: browsers allow six for each site, and staff open many tabs.
function listen(address) {
  let source = null;
  const open = () => {
    if (source || document.visibilityState !== "visible") return;
    source = new EventSource(address);
    source.addEventListener("update", (event) => applyUpdate(JSON.parse(event.data)));
    source.addEventListener("gone", (event) => {
      close();
      leave(JSON.parse(event.data).login);
    });
    source.addEventListener("error", () => document.body.classList.add("offline"));
    source.addEventListener("open", () => document.body.classList.remove("offline"));
  };
  const close = () => {
    if (source) source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? open() : close()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
}

// What the member wrote counts as read once the thread is in view of somebody.
let reading = false;
async function noteReading() {
  const thread = document.querySelector("[data-read]");
  if (!thread || document.visibilityState !== "visible" || reading) return;
  const last = thread.querySelector(":scope > [data-unread]");
  if (!last) return;
  reading = true;
  try {
    await post(thread.dataset.read, new FormData(document.getElementById("token-form")));
  } finally {
    reading = false;
  }
}

// ── forms ────────────────────────────────────────────────────────────────────────────────────────

async function post(address, data) {
  const response = await fetch(address, { method: "POST", body: data, headers: { "X-Desk": "1" } });
  let answer = {};
  try {
    answer = await response.json();
  } catch {
    answer = { error: "broken", text: words.broken };
  }
  return answer;
}

function showError(form, answer) {
  const place = form.querySelector("[data-error]");
  if (!place) return showNotice(answer.text);
  place.textContent = answer.text;
  place.hidden = false;
  if (answer.error === "login_needed") {
    loginAsked = true;
    const link = document.createElement("a");
    link.href = "/desk/login";
    link.target = "_blank";
    link.textContent = words.loginAgain;
    place.append(" ", link);
  }
  place.scrollIntoView({ block: "nearest" });
}

async function send(form, submitter) {
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const place = form.querySelector("[data-error]");
  if (place) place.hidden = true;
  const data = new FormData(form, submitter);
  if (submitter) submitter.setAttribute("aria-busy", "true");
  try {
    const answer = await post(submitter && submitter.hasAttribute("formaction") ? submitter.formAction : form.action, data);
    if (answer.go || answer.update) loginAsked = false;
    if (answer.go) {
      forgetDraft(form);
      if (form.dataset.stay === undefined) {
        location.assign(answer.go);
        if (answer.go.split("#")[0] === location.pathname + location.search) location.reload();
        return;
      }
      form.reset();
      form.querySelectorAll("[name=client_key]").forEach((field) => (field.value = newKey()));
      form.querySelectorAll("textarea").forEach(grow);
      if (answer.update) applyUpdate(answer.update);
      const thread = document.querySelector("[data-follow]");
      if (thread) thread.scrollTop = thread.scrollHeight;
      if (answer.last_seen) setSeen(answer.last_seen);
    } else {
      if (answer.update) applyUpdate(answer.update);
      if (answer.last_seen) setSeen(answer.last_seen);
      if (answer.csrf) document.querySelectorAll("[name=csrf]").forEach((field) => (field.value = answer.csrf));
      showError(form, answer);
    }
  } catch {
    showError(form, { text: words.broken });
  } finally {
    delete form.dataset.busy;
    if (submitter) submitter.removeAttribute("aria-busy");
  }
}

function setSeen(value) {
  document.querySelectorAll("[name=last_seen]").forEach((field) => (field.value = value));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.dialog !== undefined) {
    event.preventDefault();
    openDialog(form, event.submitter);
  } else if (form.method === "post" && form.dataset.plain === undefined) {
    event.preventDefault();
    send(form, event.submitter);
  }
});

// A form that asks first: the server says what would happen, in a dialog.
async function openDialog(form, submitter) {
  const dialog = document.getElementById("dialog");
  const place = form.querySelector("[data-error]");
  if (place) place.hidden = true;
  const query = new URLSearchParams(new FormData(form, submitter));
  const response = await fetch(`${form.action}?${query}`, { headers: { "X-Desk": "1" } });
  if ((response.headers.get("content-type") || "").startsWith("application/json")) return showError(form, await response.json());
  dialog.innerHTML = await response.text();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  const clock = event.target.closest("[data-clock]");
  if (clock) {
    event.preventDefault();
    moveClock(clock);
  }
});

// ── writing ──────────────────────────────────────────────────────────────────────────────────────

function grow(field) {
  field.style.height = "auto";
  field.style.height = Math.min(field.scrollHeight + 2, 400) + "px";
}

function draftKey(form) {
  return form.dataset.draft ? drafts + form.dataset.draft : null;
}

function forgetDraft(form) {
  const key = draftKey(form);
  if (key) localStorage.removeItem(key);
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.tagName === "TEXTAREA") grow(field);
  const form = field.closest("[data-draft]");
  if (!form) return;
  const text = form.querySelector("textarea").value;
  const kind = form.querySelector("[name=kind]:checked");
  if (text) localStorage.setItem(draftKey(form), JSON.stringify({ text, kind: kind ? kind.value : "" }));
  else forgetDraft(form);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest ? event.target.closest("form[data-draft]") : null;
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});

function restoreDrafts() {
  for (const form of document.querySelectorAll("[data-draft]")) {
    const field = form.querySelector("textarea");
    const kept = localStorage.getItem(draftKey(form));
    if (!kept || field.value) continue;
    try {
      const draft = JSON.parse(kept);
      field.value = draft.text;
      const kind = form.querySelector(`[name=kind][value="${CSS.escape(draft.kind)}"]`);
      if (kind) kind.checked = true;
      grow(field);
      const hint = form.querySelector("[data-kept]");
      if (hint) hint.hidden = false;
    } catch {
      forgetDraft(form);
    }
  }
}

// ── prepared answers, and the sign that an answer is being written ───────────────────────────────

document.addEventListener("change", async (event) => {
  const choice = event.target.closest("[data-canned]");
  if (!choice || !choice.value) return;
  const field = choice.closest("form").querySelector("textarea");
  const response = await fetch(choice.dataset.canned + choice.value, { headers: { "X-Desk": "1" } });
  const answer = await response.json();
  choice.value = "";
  if (answer.error) return showError(choice.closest("form"), answer);
  field.setRangeText(answer.text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// A past answer into the answer box: at the cursor, nothing that stands there is lost, and nothing is sent.
document.addEventListener("click", (event) => {
  const use = event.target.closest("[data-insert]");
  const field = document.getElementById("text");
  if (!use || !field) return;
  field.setRangeText(document.getElementById(use.dataset.insert).textContent, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

const SIGN_EVERY_MS = 5_000;
let signedAt = 0;

// Only keys in an answer to the member count: a note for colleagues is nobody writing.
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-composing]");
  if (!form || event.target.tagName !== "TEXTAREA" || form.querySelector("[name=kind]:checked")?.value !== "reply") return;
  const empty = !event.target.value;
  if (!empty && Date.now() - signedAt < SIGN_EVERY_MS) return;
  signedAt = empty ? 0 : Date.now();
  const data = new FormData(document.getElementById("token-form"));
  if (empty) data.set("stopped", "1");
  post(form.dataset.composing, data).catch(() => {});
});

document.querySelectorAll("[data-scripted]").forEach((part) => (part.hidden = false));

// ── demo clock ───────────────────────────────────────────────────────────────────────────────────

async function moveClock(button) {
  const days = button.dataset.clock;
  const picked = document.getElementById("clock-to");
  const body = days ? { days: Number(days) } : { to: picked.value + "T09:00:00+09:00" };
  if (!days && !picked.value) return picked.focus();
  button.setAttribute("aria-busy", "true");
  const response = await fetch("/demo/clock", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  button.removeAttribute("aria-busy");
  if (response.ok) location.reload();
  else showNotice(words.broken);
}

for (const row of document.querySelectorAll("[data-live] [data-key]")) drawn.set(row, row.outerHTML);
restoreDrafts();
// A thread opens at what is new, else at its end; again once pictures and fonts have given it its height.
function openThread() {
  for (const box of document.querySelectorAll("[data-follow]")) {
    const unread = box.querySelector(".fresh-line");
    const place = unread ? unread.getBoundingClientRect().top - box.getBoundingClientRect().top : box.scrollHeight;
    box.scrollTop = unread ? box.scrollTop + place : place;
  }
}
openThread();
window.addEventListener("load", openThread, { once: true });
document.querySelectorAll("[data-live]").forEach((part) => listen(part.dataset.live));
document.addEventListener("visibilitychange", noteReading);
noteReading();
