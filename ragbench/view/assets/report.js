// The bar above a report. The report is a page of its own, which names its open query in its address.
const frame = byId("page");
const review = new Review(frame.dataset.run, () => {});

function openQuery() {
  const named = /^#q=(.*)$/.exec(frame.contentWindow ? frame.contentWindow.location.hash : "");
  return named ? decoded(named[1]) : null;
}

async function startReview() {
  const id = openQuery();
  if (id === null) {
    location.assign("/queries?run=" + frame.dataset.run);
    return;
  }
  try {
    const known = await read("/data/queries?run=" + frame.dataset.run);
    const query = known.queries.find((one) => one.id === id);
    review.open(query || { id, text: "", type: "" }, known.decisions[id], known.file);
  } catch (error) {
    alertBar(error.message);
  }
}

function alertBar(text) {
  const old = byId("bar-fault");
  if (old) old.remove();
  document.querySelector(".bar").append(el("p", { id: "bar-fault", class: "error", role: "alert" }, text));
}

// An address with a query opens it in the report.
frame.src = frame.dataset.page + location.hash;
window.addEventListener("hashchange", () => { frame.contentWindow.location.hash = location.hash; });
byId("mark").addEventListener("click", startReview);
// The theme is chosen in the report; the bar follows.
window.addEventListener("storage", (event) => {
  if (event.key === KEY) setTheme(THEMES.includes(event.newValue) ? event.newValue : "system");
});
startTheme();
// The button says what it will do: the report changes its address without an event that could be waited for.
setInterval(() => {
  const id = openQuery();
  put(byId("mark"), id === null ? "Review a query" : "Review " + (id.length > 24 ? "this query" : id));
}, 250);
document.documentElement.dataset.ready = "yes";
