/** Light, dark, or as the system has it. */

import { byId } from "./dom.js";

const THEMES = ["auto", "light", "dark"] as const;
const KEY = "theme";

/** Make the button that goes through the themes. */
export function themeButton(): void {
  const control = byId("theme");
  let at = Math.max(
    0,
    THEMES.findIndex((theme) => theme === stored()),
  );
  const show = (): void => {
    const theme = THEMES[at] ?? "auto";
    document.documentElement.dataset["theme"] = theme;
    control.textContent = `Theme: ${theme}`;
  };
  control.addEventListener("click", () => {
    at = (at + 1) % THEMES.length;
    show();
    try {
      localStorage.setItem(KEY, THEMES[at] ?? "auto");
    } catch {
      // a browser that stores nothing forgets the theme, and no more
    }
  });
  show();
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
