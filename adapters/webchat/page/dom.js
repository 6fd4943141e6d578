// Small builders of elements. Text goes in as text only: nothing a person wrote is ever read as HTML.

const HTTPS = /https:\/\/[^\s<>"'「」『』（）()、。，！？]+/g;

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Text with https addresses made clickable; everything else stays text.
export function richText(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HTTPS)) {
    const address = match[0].replace(/[.,;:!?]+$/, "");
    parts.push(text.slice(from, match.index), link(address, address));
    from = match.index + address.length;
  }
  parts.push(text.slice(from));
  return parts;
}

export function link(address, label, properties = {}) {
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", ...properties }, label);
}

// Where a button may lead: a secure page, or a page of this very site.
export function safeAddress(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.origin === location.origin ? url.href : null;
  } catch {
    return null;
  }
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
