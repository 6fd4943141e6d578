// Talking with the server: acts, files, history, live events.

const PATIENCE_MS = 30_000;

// How a request ended: {ok, data} · {retry, server} (try again with the same key) · {refused, code} (never will work).
async function settle(response) {
  const data = await response.json().catch(() => ({}));
  if (response.ok) return { ok: true, data };
  if (response.status >= 500 || response.status === 408 || response.status === 429) return { retry: true, server: true };
  return { refused: true, status: response.status, code: data.error ?? "" };
}

export async function postAct(item, language) {
  const { key, kind, text, handle, chosen, date } = item;
  try {
    return await settle(
      await fetch("/chat/inbound", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ key, kind, text, handle, chosen, date, lang: language }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      }),
    );
  } catch {
    return { retry: true };
  }
}

// XMLHttpRequest, because fetch tells nothing about the progress of an upload.
export function postFile(item, language, onProgress) {
  return new Promise((resolve) => {
    const query = new URLSearchParams({ key: item.key, name: item.file.name, lang: language });
    const request = new XMLHttpRequest();
    request.open("POST", `/chat/files?${query}`);
    request.setRequestHeader("Content-Type", item.file.type || "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(Math.round((100 * event.loaded) / event.total));
    };
    request.onload = () => resolve(settle(new Response(request.responseText, { status: request.status })));
    request.onerror = request.onabort = () => resolve({ retry: true });
    request.send(item.file);
  });
}

export async function getHistory(query) {
  try {
    return await settle(
      await fetch(`/chat/messages?${new URLSearchParams(query)}`, { signal: AbortSignal.timeout(PATIENCE_MS) }),
    );
  } catch {
    return { retry: true };
  }
}

// Live messages from `after` on. The browser reconnects by itself and resumes by the last event's id;
// `onDown` is told when it has given up or is trying, `onUp` when it is connected.
export function openEvents(after, { onMessage, onLanguage, onUp, onDown }) {
  const source = new EventSource(`/chat/events?after=${after}`);
  source.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
  source.addEventListener("language", (event) => onLanguage(JSON.parse(event.data)));
  source.addEventListener("open", () => onUp());
  source.addEventListener("error", () => onDown(source.readyState === EventSource.CLOSED));
  return source;
}
