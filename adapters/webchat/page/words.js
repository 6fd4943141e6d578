// The page's own words in both languages, and how days and times are written. What the bot says comes from the server.

const WORDS = {
  ja: {
    subtitle: "チャット窓口",
    other: "English",
    menu: "メニュー",
    attach: "添付",
    send: "送信",
    text: "メッセージ",
    placeholder: "メッセージを入力",
    composer: "メッセージを送る",
    log: "会話",
    earlier: "以前のメッセージを見る",
    newest: "新しいメッセージ ↓",
    you: "あなた",
    bot: "窓口",
    staff: "担当者",
    edited: "編集済み",
    typing: "回答を準備しています",
    sending: "送信中",
    waiting: "送信待ち",
    taken: "受付済み",
    failed: "送信できませんでした",
    again: "再送",
    remove: "削除",
    choose_file: "写真・ファイルを選ぶ",
    choose_one: "1つ以上選んでください",
    chosen: "{n}件を選んでいます",
    choose_day: "日付を選んでください",
    uploading: "送信中 {percent}%",
    image: "画像：{name}",
    open_new: "（新しい画面で開きます）",
    upload_quota: "1時間に送れるファイルの上限に達しました。1時間ほどおいてから「再送」を押してください。",
    too_large: "ファイルが大きすぎます。20MBまで送れます。",
    empty_file: "中身のないファイルは送れません。",
    text_too_long: "文章が長すぎます。短く分けて送ってください。",
    offline: "インターネットに接続していません。つながったら自動で送信します。",
    lost: "接続が切れています。つながりしだい送ります。",
    unavailable: "ただいま読み込めません。まもなくもう一度試します。",
    no_cookie: "このチャットにはCookieが必要です。ブラウザの設定でCookieを有効にして、ページを開き直してください。",
  },
  en: {
    subtitle: "Chat counter",
    other: "日本語",
    menu: "Menu",
    attach: "Attach",
    send: "Send",
    text: "Message",
    placeholder: "Type a message",
    composer: "Send a message",
    log: "Conversation",
    earlier: "Show earlier messages",
    newest: "New message ↓",
    you: "You",
    bot: "Counter",
    staff: "Staff",
    edited: "edited",
    typing: "Preparing an answer",
    sending: "Sending",
    waiting: "Waiting to send",
    taken: "Received",
    failed: "Not sent",
    again: "Send again",
    remove: "Remove",
    choose_file: "Choose a photo or file",
    choose_one: "Please tick at least one",
    chosen: "{n} chosen",
    choose_day: "Please choose a date",
    uploading: "Sending {percent}%",
    image: "Image: {name}",
    open_new: " (opens a new window)",
    upload_quota: "The limit of files for an hour has been reached. Please press “Send again” in about an hour.",
    too_large: "This file is too large. Files up to 20 MB can be sent.",
    empty_file: "This file is empty and cannot be sent.",
    text_too_long: "This text is too long. Please send it in shorter parts.",
    offline: "You are offline. Your messages will be sent when the connection is back.",
    lost: "The connection is lost. Messages are sent as soon as it is back.",
    unavailable: "The chat cannot be loaded right now. Trying again shortly.",
    no_cookie: "This chat needs a cookie. Please allow cookies in your browser and open the page again.",
  },
};

// Typed commands are shown as what their buttons say.
const COMMANDS = {
  "/menu": { ja: "メニュー", en: "Menu" },
  "/language ja": { ja: "日本語", en: "日本語" },
  "/language en": { ja: "English", en: "English" },
};

const ZONE = "Asia/Tokyo";
const DAY_KEY = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const DAY_EN = new Intl.DateTimeFormat("en-US", {
  timeZone: ZONE, weekday: "short", month: "short", day: "numeric", year: "numeric",
});
const DAY_JA = new Intl.DateTimeFormat("ja-JP-u-ca-gregory", {
  timeZone: ZONE, weekday: "short", month: "numeric", day: "numeric", year: "numeric",
});

let language = "ja";

export const currentLanguage = () => language;

export function setLanguage(wanted) {
  language = wanted === "en" ? "en" : "ja";
  document.documentElement.lang = language;
  const operator = document.getElementById("operator");
  operator.textContent = operator.dataset[language] ?? operator.textContent;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = word(node.dataset.placeholder);
}

export function word(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function showCommand(text) {
  return COMMANDS[text.trim()]?.[language] ?? text;
}

export const dayKey = (at) => DAY_KEY.format(at);
export const showTime = (at) => TIME.format(at);

export function showDay(at) {
  if (language === "en") return DAY_EN.format(at);
  const part = Object.fromEntries(DAY_JA.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${part.year}年${part.month}月${part.day}日(${part.weekday})`;
}

export function showSize(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}
