// Light, dark, or as the system says; remembered where the browser allows it.
const THEMES = ["system", "light", "dark"];
const NAMES = { system: "as the system", light: "light", dark: "dark" };
const KEY = "ragbench-theme";
const onTheme = [];
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
let chosen = "system";

function dark() {
  return chosen === "system" ? systemDark.matches : chosen === "dark";
}

function setTheme(name) {
  chosen = name;
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  put(byId("theme"), "Theme: " + NAMES[name]);
  for (const does of onTheme) does();
}

function startTheme() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // A page from disk may have no storage: the choice then lasts as long as the page.
  }
  setTheme(THEMES.includes(kept) ? kept : "system");
  systemDark.addEventListener("change", () => setTheme(chosen));
  byId("theme").addEventListener("click", () => {
    setTheme(THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length]);
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // As above.
    }
  });
}
