// The list of evaluations: filter it, choose some.
function startRuns() {
  const form = byId("choose");
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="runs"]')];
  const tell = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    byId("compare").disabled = chosen < 2;
    put(byId("count"), chosen ? chosen + " chosen" : "Choose two or more; the oldest is the baseline");
  };
  form.addEventListener("change", tell);
  // Some browsers bring choices back with the page.
  window.addEventListener("pageshow", tell);
  byId("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of form.querySelectorAll(".run")) {
      const text = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  });
  byId("filter").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  tell();
}

startTheme();
startRuns();
document.documentElement.dataset.ready = "yes";
