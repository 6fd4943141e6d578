// iOS lays its keyboard over the page instead of making the page smaller: the page then takes the height that is left.

const KEYBOARD_PX = 100; // a difference smaller than this is a toolbar, not a keyboard

export function followKeyboard(counter) {
  const view = window.visualViewport;
  if (!view) return;
  view.addEventListener("resize", () => {
    const covered = view.scale < 1.05 && window.innerHeight - view.height > KEYBOARD_PX;
    counter.style.height = covered ? `${view.height}px` : "";
    if (covered) window.scrollTo(0, 0);
  });
}
