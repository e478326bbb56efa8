// The panel of one query: what should be found, the rankings of all systems beside each other, and each text once.
const FEW = 10;

const LABELS = {
  relevant: ["●", "relevant"],
  not: ["○", "not relevant"],
  unknown: ["?", "not judged"],
};

function labelOf(label) {
  return label === NOT_JUDGED ? "unknown" : label > 0 ? "relevant" : "not";
}

function badge(label) {
  const kind = labelOf(label);
  const [sign, text] = LABELS[kind];
  return el("span", { class: "tag " + kind }, sign + " " + text + (label > 1 ? ", grade " + label : ""));
}

// The items of all rankings once each, with their rank in each, the best ranked first.
function itemsOf(figures, rankings) {
  const found = new Map();
  for (const { arm, rows } of rankings) {
    for (const { item, rank, label, score } of rows) {
      if (!found.has(item)) found.set(item, { item, label, ranks: new Map(), best: rank });
      const one = found.get(item);
      one.ranks.set(arm, { rank, score });
      one.best = Math.min(one.best, rank);
    }
  }
  return [...found.values()].sort((x, y) => x.best - y.best || y.ranks.size - x.ranks.size || x.item - y.item);
}

class Panel {
  constructor(figures) {
    this.figures = figures;
    this.place = byId("panel");
    this.grid = null;
    this.query = null;
    this.place.addEventListener("keydown", (event) => {
      if (event.target.closest("pre, .scroll, input")) return;
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.place.hidden) this.close();
    });
  }

  step(by) {
    const other = this.grid.beside(this.query, by);
    if (other !== null) this.open(other);
  }

  // The query that the address names: "#q=ID".
  openNamed() {
    const named = /^#q=(.*)$/.exec(location.hash);
    const query = named ? this.figures.ids.indexOf(decoded(named[1])) : -1;
    if (query >= 0) this.open(query);
  }

  // An open panel shows the row that the keyboard reaches.
  follow(query) {
    if (!this.place.hidden && query !== undefined) this.open(query, false);
  }

  async open(query, focus = true) {
    this.query = query;
    const texts = await block("texts");
    if (this.query !== query) return;
    const { figures } = this;
    this.place.replaceChildren(el("div", { class: "whole" }, this.top(query),
      el("div", { class: "inside", tabindex: 0, role: "region", "aria-labelledby": "query-title" }, ...this.content(figures, texts, query))));
    for (const box of this.place.querySelectorAll(".scroll")) cue(box);
    if (this.place.hidden) this.reflow(() => { this.place.hidden = false; document.body.dataset.panel = "open"; });
    this.grid.mark(query);
    history.replaceState(null, "", "#q=" + encodeURIComponent(figures.ids[query]));
    if (focus) this.place.querySelector("h2").focus({ preventScroll: true });
  }

  close() {
    this.reflow(() => { this.place.hidden = true; delete document.body.dataset.panel; });
    history.replaceState(null, "", location.pathname + location.search);
    this.grid.mark(null);
    this.grid.focusQuery(this.query);
  }

  // The page beside the panel becomes narrower; what the reader looks at stays where it is.
  reflow(change) {
    const seen = [...document.querySelectorAll("main section, main .failure")].reverse()
      .find((one) => one.getBoundingClientRect().top < window.innerHeight / 2);
    const before = seen ? seen.getBoundingClientRect().top : 0;
    change();
    if (seen) window.scrollBy({ top: seen.getBoundingClientRect().top - before, behavior: "instant" });
  }

  top(query) {
    const { figures, grid } = this;
    const beside = (name, sign, by) => el("button", {
      type: "button", class: "small", disabled: grid.beside(query, by) === null, "aria-label": name, title: name,
      on: { click: () => this.step(by) },
    }, sign);
    return el("div", { class: "query-top" },
      el("p", { class: "quiet", dir: "auto" }, [figures.ids[query], figures.types[query]].filter(Boolean).join(" · ")),
      el("div", { class: "buttons" }, beside("Previous query", "←", -1), beside("Next query", "→", 1),
        el("button", { type: "button", class: "small", on: { click: () => this.close() } }, "Close")));
  }

  content(figures, texts, query) {
    const parts = [
      el("h2", { id: "query-title", tabindex: -1, dir: "auto" }, figures.texts[query] || figures.ids[query]),
      ...wanted(figures, texts, query),
    ];
    const answers = figures.arms.map((name, arm) => [name, texts.answers[arm] && texts.answers[arm][query]]).filter(([, row]) => row);
    if (answers.length) parts.push(...this.answers(answers));
    const rankings = figures.arms.map((_, arm) => arm).filter((arm) => figures.ranked(arm))
      .map((arm) => ({ arm, rows: figures.ranking(arm, query) }));
    parts.push(...this.values(figures, query));
    if (rankings.length) {
      const items = itemsOf(figures, rankings);
      parts.push(...this.rankings(figures, query, rankings), ...this.items(figures, texts, query, items));
    }
    const facts = Object.entries(figures.meta).map(([name, column]) => [name, column[query]])
      .filter(([, value]) => value !== null && value !== "");
    if (facts.length) {
      parts.push(el("details", {}, el("summary", {}, "More about this query"), el("dl", { class: "facts" },
        ...facts.map(([name, value]) => el("div", {}, el("dt", { dir: "auto" }, name), el("dd", { dir: "auto" }, String(value)))))));
    }
    return parts;
  }

  answers(answers) {
    const legend = el("p", { class: "legend" },
      ...Object.entries(SUPPORT).map(([verdict, [className, sign]]) => el("mark", { class: className }, sign + " " + verdict)));
    const judged = answers.some(([, row]) => judgedTexts(row.details).some(([, claims]) => claims.statements.length));
    return [el("h3", {}, "Answers"), judged ? legend : null,
      el("div", { class: "systems", tabindex: 0, role: "region", "aria-label": "Answers side by side" },
        ...answers.map(([name, row]) => answerCard(name, row)))].filter(Boolean);
  }

  head(figures, corner) {
    return el("thead", {}, el("tr", {}, el("th", { scope: "col" }, corner),
      ...figures.arms.map((name) => el("th", { scope: "col", dir: "auto" }, ...breakable(name)))));
  }

  box(label, className, ...content) {
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
      el("table", { class: className }, el("caption", { class: "hidden" }, label), ...content));
  }

  values(figures, query) {
    const { metric } = this.grid;
    const others = figures.metrics.map((_, i) => i).filter((i) => i !== metric);
    const row = (at) => el("tr", {}, el("th", { scope: "row" }, figures.metrics[at]),
      ...figures.arms.map((_, arm) => {
        const value = figures.value(arm, at, query);
        return el("td", { class: at === metric ? "cell" + this.grid.shade(value) : null }, written(value, false));
      }));
    if (!figures.arms.some((_, arm) => figures.ranked(arm))) {
      return [el("h3", {}, "Values"), this.box("Values of the query", "plain matrix", this.head(figures, "metric"), el("tbody", {}, row(metric), ...others.map(row)))];
    }
    return [el("details", {}, el("summary", {}, "All metrics of this query"),
      this.box("Metrics of the query", "plain matrix", this.head(figures, "metric"), el("tbody", {}, row(metric), ...others.map(row))))];
  }

  // The systems side by side, a row per rank; every item leads to its text.
  rankings(figures, query, rankings) {
    const { metric } = this.grid;
    const ranked = new Map(rankings.map(({ arm, rows }) => [arm, rows]));
    const deepest = Math.max(0, ...rankings.map(({ rows }) => rows.length));
    const value = el("tr", { class: "value" }, el("th", { scope: "row" }, figures.metrics[metric]),
      ...figures.arms.map((_, arm) => {
        const found = figures.value(arm, metric, query);
        return el("td", { class: "cell" + this.grid.shade(found), title: ranked.has(arm) ? firstFound(figures, arm, query) : null }, written(found, false));
      }));
    const first = el("tr", {}, el("th", { scope: "row" }, "first relevant"),
      ...figures.arms.map((_, arm) => {
        const failure = figures.failures[arm][query];
        const rank = ranked.has(arm) ? figures.first(arm, query) : 0;
        return el("td", { dir: "auto" }, failure ? "failed: " + failure : rank ? "rank " + rank : "none");
      }));
    const rows = Array.from({ length: deepest }, (_, at) => el("tr", { hidden: at >= FEW },
      el("th", { scope: "row" }, String(at + 1)),
      ...figures.arms.map((_, arm) => {
        const row = (ranked.get(arm) || [])[at];
        return row ? el("td", { class: "hit" }, this.hit(figures, row)) : el("td", {}, "–");
      })));
    const legend = el("p", { class: "legend quiet" }, ...Object.values(LABELS).map(([sign, text]) => el("span", {}, sign + " " + text)));
    return [el("h3", {}, "Rankings"), this.box("Rankings of the systems", "matrix", this.head(figures, "rank"), el("tbody", {}, value, first, ...rows)),
      legend, deepest > FEW ? this.more(rows, "Show all " + deepest + " ranks") : null].filter(Boolean);
  }

  hit(figures, { item, label, score }) {
    const kind = labelOf(label);
    const [sign, text] = LABELS[kind];
    const name = figures.items[item];
    return el("button", {
      type: "button", class: kind, "data-item": item, title: name + ": " + text + ", score " + Number(score.toPrecision(4)),
      on: { click: () => this.goTo(item), pointerenter: () => this.light(item, true), pointerleave: () => this.light(item, false) },
    }, el("span", { "aria-hidden": "true" }, sign + " "), el("span", { class: "item", dir: "auto" }, name),
    el("span", { class: "hidden" }, ", " + text));
  }

  // Show rows that were hidden, and take the button away.
  more(rows, text) {
    const button = el("button", { type: "button", class: "more", on: { click: () => {
      for (const row of rows) row.hidden = false;
      button.remove();
    } } }, text);
    return button;
  }

  light(item, on) {
    for (const other of this.place.querySelectorAll(`[data-item="${item}"]`)) other.classList.toggle("same", on);
  }

  goTo(item) {
    const card = byId("item-" + item);
    if (card.hidden) {
      for (const other of card.parentNode.children) other.hidden = false;
      const button = this.place.querySelector("button.rest");
      if (button) button.remove();
    }
    card.scrollIntoView({ block: "center" });
    card.focus({ preventScroll: true });
  }

  items(figures, texts, query, items) {
    const cards = items.map((one) => {
      const card = this.card(figures, texts, query, one);
      card.hidden = one.best > FEW && one.label <= 0;
      return card;
    });
    const rest = cards.filter((card) => card.hidden);
    const button = rest.length ? this.more(rest, "Show " + rest.length + " more from below rank " + FEW) : null;
    if (button) button.classList.add("rest");
    const heading = el("h3", {}, "Retrieved items ", el("span", { class: "quiet" }, counted(items.length, "item", "items") + ", each once"));
    const lists = [heading, el("ol", { class: "ranking" }, ...cards), button, ...this.missed(figures, texts, query, items)];
    return items.length ? lists.filter(Boolean) : [el("p", { class: "quiet" }, "No system ranked anything.")];
  }

  card(figures, texts, query, { item, label, ranks }) {
    const names = [...ranks].map(([arm, { rank }]) => el("span", { class: "at", dir: "auto" }, figures.arms[arm] + " ", el("b", {}, String(rank))));
    return el("li", { id: "item-" + item, tabindex: -1, class: "ranked " + labelOf(label), "data-item": item,
      on: { pointerenter: () => this.light(item, true), pointerleave: () => this.light(item, false) } },
    el("div", { class: "line" }, el("span", { class: "item", dir: "auto" }, figures.items[item]), badge(label),
      el("span", { class: "ranks" }, ...names)),
    texts.titles[item] ? el("p", { class: "title", dir: "auto" }, texts.titles[item]) : null,
    passage(texts, item, query));
  }

  // Relevant items that no ranking of the page holds.
  missed(figures, texts, query, items) {
    const shown = new Set(items.map(({ item }) => item));
    const arm = figures.group.findIndex((group) => group >= 0);
    const rest = figures.relevant(arm, query).rows.filter(({ item }) => !shown.has(item));
    if (!rest.length) return [];
    const cards = rest.map(({ item, grade }) => this.card(figures, texts, query, { item, label: grade, ranks: new Map() }));
    return [el("h3", {}, "Relevant, but not within the first " + figures.depth + " of any system"), el("ol", { class: "ranking missed" }, ...cards)];
  }
}
