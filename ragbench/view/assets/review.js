// The panel for a decision on one query, with its evidence and the ranked items beside it.
const WORDS = { "": "marked", accept: "accept", edit: "edit", reject: "reject" };
const KEYED = { a: "accept", e: "edit", r: "reject", m: "marked" };
const GRADES = { 3: "fully", 2: "mostly", 1: "partly", 0: "not at all" };
// Wide windows show the panel beside the page, others on top of it.
const WIDE = matchMedia("(min-width: 1100px)");

class Review {
  // `saved` is called with the id of a query and its row, or null if the row was removed. `following` returns a
  // function that opens the query after one, or null after the last; the frame of a report has none.
  constructor(run, saved, following) {
    this.run = run;
    this.saved = saved;
    this.following = following;
    this.labels = new Map();
    this.place = byId("review");
    this.form = byId("decision");
    byId("review-close").addEventListener("click", () => this.close());
    byId("save-next").hidden = !following;
    byId("save-next").addEventListener("click", () => this.saveAndGoOn());
    this.place.addEventListener("click", (event) => { if (event.target === this.place) this.close(); });
    this.place.addEventListener("close", () => document.body.classList.remove("docked"));
    this.place.addEventListener("keydown", (event) => this.pressed(event));
    this.form.addEventListener("change", () => this.fit());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  open(query, row, file) {
    this.query = query;
    this.labels = new Map();
    put(byId("review-id"), [query.id, query.type].filter(Boolean).join(" · "));
    put(byId("review-title"), query.text || query.id);
    put(byId("review-fault"), "");
    put(byId("review-file"), file);
    this.form.elements.decision.value = row ? (row.decision || "marked") : "marked";
    byId("edited").value = row && row.edited_text ? row.edited_text : query.text;
    byId("grade").value = row ? row.grade : "";
    byId("comment").value = row ? row.comment : "";
    this.fit();
    if (!this.place.open) {
      document.body.classList.toggle("docked", WIDE.matches);
      if (WIDE.matches) this.place.show();
      else this.place.showModal();
    }
    this.place.scrollTop = 0;
    byId("review-title").focus();
    this.rests(query);
  }

  close() {
    this.place.close();
  }

  // Fetches the evidence and the items.
  async rests(query) {
    for (const name of ["review-evidence", "review-items"]) byId(name).replaceChildren();
    for (const name of ["review-missing", "review-unjudged"]) put(byId(name), "");
    byId("review-answer").hidden = true;
    delete this.place.dataset.shown;
    let found;
    try {
      found = await read("/data/query?run=" + this.run + "&query=" + encodeURIComponent(query.id));
    } catch (error) {
      if (query === this.query) put(byId("review-missing"), error.message);
      return;
    }
    if (query !== this.query) return;
    byId("review-evidence").replaceChildren(...(found.evidence.length ? found.evidence.map(evidenceItem)
      : [el("li", { class: "quiet" }, "No evidence is known.")]));
    byId("review-answer").hidden = !found.answer;
    put(byId("review-answer"), found.answer ? "Reference answer: " + found.answer : "");
    put(byId("review-missing"), found.missing.join(" "));
    this.items = found.items;
    byId("review-items").replaceChildren(...found.items.map((item) => this.item(item, found.systems)));
    this.countUnjudged();
    this.place.dataset.shown = query.id;
  }

  item(item, systems) {
    const ranks = item.ranks.map((rank, at) => el("span", { class: "value" },
      el("span", { dir: "auto" }, systems[at]), " ", rank === null ? "–" : "#" + rank));
    const buttons = Object.keys(GRADES).map((grade) => el("button", {
      type: "button", class: "small grade", "data-grade": grade, "aria-pressed": String(String(item.given) === grade),
      "aria-label": grade + ", " + GRADES[grade] + ": " + item.id, title: grade + ", it answers " + GRADES[grade],
      on: { click: () => this.label(item, Number(grade)) },
    }, grade));
    const marks = item.marks.map(([start, end]) => ({ start, end, className: "evidence" }));
    return el("li", { class: "ranked", tabindex: -1, "data-item": item.id },
      el("div", { class: "line" },
        el("span", { class: "item", dir: "auto" }, item.id),
        item.label === null ? el("span", { class: "tag undecided" }, "unjudged")
          : el("span", { class: "tag" + (item.label > 0 ? " relevant" : "") }, "label " + item.label)),
      el("p", { class: "values quiet" }, ...ranks),
      item.title ? el("p", { class: "title", dir: "auto" }, item.title) : null,
      item.text ? el("p", { class: "passage", dir: "auto" }, ...marked(item.text, marks),
        item.more ? el("span", { class: "gap" }, " … and " + item.more + " more characters") : null) : null,
      item.known ? el("div", { class: "grades", role: "group", "aria-label": "Does it answer? " + item.id },
        el("span", { class: "quiet" }, "Grade"), ...buttons) : null);
  }

  // Press a grade to give it, and once more to take it away.
  label(item, grade) {
    item.given = item.given === grade ? null : grade;
    this.labels.set(item.id, item.given);
    for (const button of this.placeOf(item).querySelectorAll(".grade")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.grade) === item.given));
    }
    // A label counts only together with a decision.
    if (item.given !== null && ["", "marked"].includes(this.form.elements.decision.value)) {
      this.form.elements.decision.value = "accept";
      this.fit();
    }
    this.countUnjudged();
  }

  placeOf(item) {
    return [...byId("review-items").children].find((one) => one.dataset.item === item.id);
  }

  countUnjudged() {
    const open = this.items.filter((item) => item.label === null && item.given === null).length;
    put(byId("review-unjudged"), this.items.length ? "· " + open + " of " + counted(this.items.length, "item", "items") + " unjudged" : "");
  }

  fit() {
    const word = this.form.elements.decision.value;
    byId("of-edit").hidden = word !== "edit";
    byId("of-grade").hidden = !["accept", "edit", "reject"].includes(word);
  }

  pressed(event) {
    if (event.key === "Escape" && document.body.classList.contains("docked")) this.close();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("textarea, select, input:not([type=radio])")) return;
    if (this.does(event.key)) event.preventDefault();
  }

  // Does what a key stands for; returns whether it stands for anything.
  does(key) {
    const items = [...byId("review-items").children];
    const at = items.findIndex((one) => one.contains(document.activeElement));
    if (KEYED[key]) {
      this.form.elements.decision.value = KEYED[key];
      this.fit();
      if (key === "e") byId("edited").focus();
    } else if (key === "j" || key === "k") {
      const next = items[at < 0 ? 0 : Math.min(Math.max(at + (key === "j" ? 1 : -1), 0), items.length - 1)];
      if (next) next.focus();
    } else if (GRADES[key] && at >= 0) {
      if (this.items[at].known) this.label(this.items[at], Number(key));
    } else if (key === "n" && this.following) {
      this.saveAndGoOn();
    } else {
      return false;
    }
    return true;
  }

  async write() {
    put(byId("review-fault"), "");
    try {
      const { row } = await send("/decisions", {
        run: this.run, id: this.query.id, decision: this.form.elements.decision.value,
        edited_text: byId("edited").value, grade: byId("grade").value, comment: byId("comment").value,
        labels: [...this.labels].map(([item, grade]) => ({ item, grade })),
      });
      say("Saved");
      return row;
    } catch (error) {
      put(byId("review-fault"), error.message);
      byId("review-fault").scrollIntoView({ block: "nearest" });
      return undefined;
    }
  }

  saveAndGoOn() {
    return this.save(this.following(this.query.id));
  }

  // `next` opens another query afterwards; without it the panel closes.
  async save(next = null) {
    const { id } = this.query;
    const row = await this.write();
    if (row === undefined) return;
    if (!next) this.close();
    this.saved(id, row);
    if (next) next();
  }
}

function evidenceItem({ document: id, start, end, grade, text }) {
  return el("li", {},
    el("p", { class: "line" }, el("span", { class: "item", dir: "auto" }, id), " ",
      el("span", { class: "quiet" }, (end === null ? "the whole document" : "characters " + start + " to " + end) + ", grade " + grade)),
    text ? el("blockquote", { dir: "auto" }, text) : null);
}
