// One message as an element. `acts` says what pressing does: press(seq, handle, label, chosen), date(seq, handle, label, day),
// upload(), again(key), remove(key).

import { el, link, richText, safeAddress } from "./dom.js";
import { showCommand, showDay, showSize, showTime, word } from "./words.js";

const TONES = ["good", "warn", "bad"];
const STYLES = ["primary", "danger", "quiet"];
const ISO_DAY = /^\d{4}-\d\d-\d\d$/;
const IMAGES = ["image/jpeg", "image/png", "image/gif", "image/webp"];

export function drawMessage(message, acts) {
  const { seq, author, body } = message;
  const own = author === "member";
  const at = new Date(message.at);
  const edited = author === "staff" && message.edited_at ? el("span", { class: "edited" }, word("edited")) : null;
  const parts = own ? drawOwn(body) : [drawText(body.text), ...(body.cards ?? []).map(drawCard), ...drawControls(message, acts)];
  const files = body.files?.length ? el("ul", { class: "files" }, ...body.files.map(drawFile)) : null;
  const rich = Boolean(body.cards || body.checks || body.date || body.buttons || body.upload || body.files?.length);
  return el(
    "article",
    { class: `message ${author}${rich ? " rich" : ""}`, "data-seq": String(seq), tabIndex: -1 },
    own ? null : el("span", { class: "avatar", "aria-hidden": "true" }, author === "staff" ? initial(message) : ""),
    el(
      "div",
      { class: "column" },
      drawAuthor(message),
      el("div", { class: "line" },
        el("div", { class: "bubble" }, ...parts, files),
        el("p", { class: "meta" }, edited, el("time", { dateTime: at.toISOString() }, showTime(at)))),
    ),
  );
}

function drawAuthor({ author, author_name: name }) {
  if (author !== "staff") return el("span", { class: "sr" }, word(author === "member" ? "you" : "bot"));
  return el("p", { class: "name" }, name ?? "", el("span", { class: "role" }, word("staff")));
}

const initial = ({ author_name: name }) => Array.from(name ?? "")[0] ?? "";

function drawText(text) {
  return text ? el("p", { class: "text" }, ...richText(text)) : null;
}

function drawOwn(body) {
  let said = body.text || (typeof body.pressed === "string" ? body.pressed : "");
  if (body.pressed && ISO_DAY.test(said)) said = showDay(new Date(`${said}T12:00:00+09:00`)); // from the date picker
  return said ? [el("p", { class: "text" }, ...richText(showCommand(said)))] : [];
}

function drawCard(card) {
  const tone = TONES.includes(card.tone) ? card.tone : "plain";
  const rows = (card.rows ?? []).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, ...richText(value))));
  return el(
    "section",
    { class: `card ${tone}` },
    el("header", {}, el("h2", {}, card.title), card.badge ? el("span", { class: "badge" }, card.badge) : null),
    rows.length ? el("dl", {}, ...rows) : null,
    card.note ? el("p", { class: "note" }, ...richText(card.note)) : null,
  );
}

function drawFile(file) {
  const address = `/chat/files/${encodeURIComponent(file.token)}`;
  if (IMAGES.includes(file.mime)) {
    const image = el("img", { src: address, alt: word("image", { name: file.name }), loading: "lazy" });
    return el("li", {}, link(address, image, { class: "picture" }));
  }
  return el("li", {}, link(address, el("span", {}, file.name), { class: "file", download: file.name }),
    el("span", { class: "size" }, showSize(file.size_bytes)));
}

// Controls that answer this bubble's question stand in fieldsets with class "ask": the log closes them when they are answered
// or superseded. Buttons in rows stay pressable for ever: the server answers an old one with today's screen.
function drawControls({ seq, body }, acts) {
  const parts = [];
  if (body.checks) parts.push(drawChecks(seq, body.checks, acts));
  if (body.date) parts.push(drawDate(seq, body.date, acts));
  if (body.upload) {
    const choose = el("button", { type: "button", class: "primary", onclick: () => acts.upload() }, word("choose_file"));
    parts.push(el("fieldset", { class: "ask" }, el("div", { class: "row" }, choose)));
  }
  for (const row of body.buttons ?? []) {
    parts.push(el("div", { class: "row" }, ...row.map((button) => drawButton(seq, button, acts))));
  }
  return parts;
}

const styleOf = (button) => (STYLES.includes(button.style) ? button.style : "normal");

function drawButton(seq, button, acts) {
  if (button.url) {
    const address = safeAddress(button.url);
    if (!address) return null;
    return link(address, button.label, { class: `button ${styleOf(button)}`, "aria-label": button.label + word("open_new") });
  }
  const press = () => acts.press(seq, button.handle, button.label);
  return el("button", { type: "button", class: styleOf(button), "data-handle": button.handle, onclick: press }, button.label);
}

function drawChecks(seq, checks, acts) {
  const boxes = checks.items.map((item) => el("input", { type: "checkbox", value: item.value, checked: item.checked }));
  const lines = checks.items.map((item, n) =>
    el("label", { class: "check" }, boxes[n],
      el("span", {}, item.label, item.hint ? el("small", {}, item.hint) : null)));
  const submit = el("button", { type: "button", class: `submit ${styleOf(checks.submit)}` }, checks.submit.label);
  const hint = el("p", { class: "hint" });
  const follow = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    submit.disabled = ticked === 0;
    hint.textContent = ticked ? word("chosen", { n: ticked }) : word("choose_one");
    hint.classList.toggle("met", ticked > 0);
  };
  submit.addEventListener("click", () => {
    const chosen = checks.items.filter((_, n) => boxes[n].checked);
    acts.press(seq, checks.submit.handle, chosen.map((item) => item.label).join("、"), chosen.map((item) => item.value));
  });
  const field = el("fieldset", { class: "ask checks", onchange: follow },
    el("legend", { class: "sr" }, word("choose_one")), ...lines, hint, el("div", { class: "row" }, submit));
  follow();
  return field;
}

function drawDate(seq, pick, acts) {
  const input = el("input", { type: "date", min: pick.min ?? "", max: pick.max ?? "", value: pick.value ?? "", required: true });
  const submit = el("button", { type: "button", class: `submit ${styleOf(pick.submit)}` }, pick.submit.label);
  const follow = () => {
    submit.disabled = !input.validity.valid;
  };
  submit.addEventListener("click", () => acts.date(seq, pick.submit.handle, input.value));
  const field = el("fieldset", { class: "ask pick", oninput: follow },
    el("label", {}, el("span", {}, pick.label || word("choose_day")), input), el("div", { class: "row" }, submit));
  follow();
  return field;
}

// The member's own bubble before the server has it: what it says, how far it is, and what to do when it failed.
export function drawPending(item, acts) {
  const shown = item.shown ? [el("p", { class: "text" }, ...richText(showCommand(item.shown)))] : [];
  if (item.file) shown.push(drawUpload(item));
  const failed = item.state === "failed";
  const reason = failed && item.reason ? el("p", { class: "reason" }, word(item.reason)) : null;
  const repair = failed
    ? el("p", { class: "repair" },
        el("button", { type: "button", class: "normal", onclick: () => acts.again(item.key) }, word("again")),
        el("button", { type: "button", class: "quiet", onclick: () => acts.remove(item.key) }, word("remove")))
    : null;
  return el(
    "article",
    { class: `message member pending ${item.state}`, "data-key": item.key, "aria-live": "off" },
    el("div", { class: "column" },
      el("span", { class: "sr" }, word("you")),
      el("div", { class: "line" }, el("div", { class: "bubble" }, ...shown), el("p", { class: "meta" }, stateWord(item))),
      reason, repair),
  );
}

function stateWord(item) {
  if (item.state === "sending") return item.file ? word("uploading", { percent: item.percent ?? 0 }) : word("sending");
  return word(item.state); // waiting, failed, taken
}

function drawUpload(item) {
  const { file } = item;
  const preview = item.preview
    ? el("img", { class: "preview", src: item.preview, alt: word("image", { name: file.name }) })
    : el("span", {}, file.name);
  const bar = el("progress", { max: 100, value: item.percent ?? 0, "aria-label": word("sending") });
  return el("div", { class: "upload" }, preview, el("span", { class: "size" }, showSize(file.size)), bar);
}
