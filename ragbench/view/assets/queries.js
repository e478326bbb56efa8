// The queries of an evaluation, with what was decided on them.
const STEP = 50;
const STATES = {
  "": () => true,
  any: (row) => Boolean(row),
  open: (row) => Boolean(row) && !row.decision,
  done: (row) => Boolean(row && row.decision),
  none: (row) => !row,
};

class Queries {
  constructor(run, data) {
    this.data = data;
    this.count = STEP;
    this.run = run;
    this.review = new Review(run, (id, row) => this.saved(id, row), (id) => this.following(id));
    byId("filters").addEventListener("input", () => this.show(STEP));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("more").addEventListener("click", () => {
      const before = this.count;
      this.show(before + STEP);
      byId("list").children[before].querySelector("button").focus();
    });
    put(byId("file"), data.file);
    this.show(STEP);
    const named = /^#q=(.*)$/.exec(location.hash);
    const query = named && data.queries.find((one) => one.id === decoded(named[1]));
    if (query) this.open(query);
  }

  fitting() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = STATES[byId("state").value];
    const found = this.data.queries.filter((query) => {
      const text = (query.id + " " + query.text).toLowerCase();
      return words.every((word) => text.includes(word)) && state(this.data.decisions[query.id]);
    });
    const values = (query) => query.values.filter((value) => value !== null);
    const orders = {
      low: (query) => (values(query).length ? Math.min(...values(query)) : Infinity),
      apart: (query) => (values(query).length ? Math.min(...values(query)) - Math.max(...values(query)) : Infinity),
    };
    const order = orders[byId("sort").value];
    return order ? found.map((query) => [order(query), query]).sort((a, b) => a[0] - b[0]).map(([, query]) => query) : found;
  }

  show(count) {
    this.count = count;
    const found = this.fitting();
    const every = this.data.queries.length;
    const inReview = Object.keys(this.data.decisions).length;
    put(byId("shown"), (found.length === every ? "" : found.length + " of ") + counted(every, "query", "queries")
      + ", " + inReview + " in review");
    byId("list").replaceChildren(...found.slice(0, count).map((query) => this.item(query)));
    byId("more").hidden = found.length <= count;
  }

  item(query) {
    const row = this.data.decisions[query.id];
    const { systems, metric } = this.data;
    const values = query.values.map((value, at) => el("span", { class: "value" },
      el("span", { dir: "auto" }, systems[at]), " ", written(value === null ? NaN : value, false)));
    return el("li", { "data-id": query.id },
      el("button", { type: "button", class: "query", "aria-haspopup": "dialog", dir: "auto", on: { click: () => this.open(query) } }, query.text || query.id),
      el("p", { class: "line quiet" },
        el("span", { class: "item", dir: "auto" }, query.id),
        query.type ? el("span", { dir: "auto" }, query.type) : null,
        row ? el("span", { class: "tag " + (row.decision || "undecided") }, WORDS[row.decision] || row.decision) : null,
        row && row.comment ? el("span", { dir: "auto" }, "“" + row.comment + "”") : null,
        el("a", { href: "/report?runs=" + this.run + "#q=" + encodeURIComponent(query.id), "aria-label": "Report of " + query.id }, "in the report")),
      el("p", { class: "values quiet" }, metric ? metric + ": " : "", ...values));
  }

  open(query) {
    this.review.open(query, this.data.decisions[query.id], this.data.file);
  }

  // The query after this one in the list as it is shown, as a function that opens it; null after the last.
  following(id) {
    const found = this.fitting();
    const next = found[found.findIndex((query) => query.id === id) + 1];
    return next ? () => this.open(next) : null;
  }

  saved(id, row) {
    if (row) this.data.decisions[id] = row;
    else delete this.data.decisions[id];
    this.show(this.count);
    const item = [...byId("list").children].find((one) => one.dataset.id === id);
    (item ? item.querySelector("button") : byId("filter")).focus();
  }
}

async function startQueries() {
  const run = byId("filters").dataset.run;
  try {
    new Queries(run, await read("/data/queries?run=" + run));
  } catch (error) {
    put(byId("shown"), "");
    put(byId("fault"), error.message);
  }
  document.documentElement.dataset.ready = "yes";
}

startTheme();
startQueries();
