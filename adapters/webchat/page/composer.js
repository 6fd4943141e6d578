// The line at the bottom: words, a file, the menu.

const DRAFT = "madoguchi.draft";
const MAX_CHARACTERS = 10_001; // one more than the server takes, so that it knows and says that the text was cut

export function setUpComposer({ onText, onFile, onMenu }) {
  const form = document.getElementById("composer");
  const text = document.getElementById("text");
  const send = document.getElementById("send");
  const file = document.getElementById("file");

  const grow = () => {
    send.disabled = !text.value.trim();
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
    sessionStorage.setItem(DRAFT, text.value.slice(0, MAX_CHARACTERS));
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    const said = text.value.trim().toWellFormed?.() ?? text.value.trim(); // half a character would be refused
    text.value = "";
    grow();
    text.focus({ preventScroll: true });
    onText(said.length > MAX_CHARACTERS ? Array.from(said).slice(0, MAX_CHARACTERS).join("") : said);
  });
  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    // While a Japanese word is being converted, Enter belongs to the input method (Safari tells only by 229).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  text.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files?.[0];
    if (!pasted) return;
    event.preventDefault();
    onFile(pasted);
  });
  file.addEventListener("change", () => {
    if (file.files[0]) onFile(file.files[0]);
    file.value = "";
  });
  document.getElementById("attach").addEventListener("click", () => file.click());
  document.getElementById("menu").addEventListener("click", onMenu);

  text.value = sessionStorage.getItem(DRAFT) ?? "";
  grow();
  return { chooseFile: () => file.click() };
}
