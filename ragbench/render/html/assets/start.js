// Everything begins when the document is there: the blocks of data stand behind this script.
function startCopy() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const place = byId(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(place.textContent);
        say("Copied");
        put(button, "Copied");
      } catch {
        // No clipboard for a page from disk in this browser: mark the text for the reader to copy.
        getSelection().selectAllChildren(place);
        say("Selected; copy it with the keyboard");
        put(button, "Selected");
      }
      setTimeout(() => { put(button, "Copy"); }, 2000);
    });
  }
}

async function startQueries() {
  const figures = figuresOf(await block("figures"));
  const panel = new Panel(figures);
  panel.grid = new QueryGrid(figures, (query) => panel.open(query));
  panel.grid.follow = (query) => panel.follow(query);
  panel.openNamed();
  window.addEventListener("hashchange", () => panel.openNamed());
  document.documentElement.dataset.ready = "yes";
}

startTheme();
document.addEventListener("DOMContentLoaded", () => {
  startTabs();
  startSections();
  startCues();
  startCopy();
  startCharts();
  startQueries();
});
