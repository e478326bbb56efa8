// The form for a decision on one query.
const WORDS = { "": "marked", accept: "accept", edit: "edit", reject: "reject" };

class Review {
  // `saved` is called with the id and the row (null where there is none any more).
  constructor(run, saved) {
    this.run = run;
    this.saved = saved;
    this.place = byId("review");
    this.form = byId("decision");
    byId("review-close").addEventListener("click", () => this.place.close());
    this.place.addEventListener("click", (event) => { if (event.target === this.place) this.place.close(); });
    this.form.addEventListener("change", () => this.fit());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  open(query, row, file) {
    this.query = query;
    put(byId("review-id"), [query.id, query.type].filter(Boolean).join(" · "));
    put(byId("review-title"), query.text || query.id);
    put(byId("review-fault"), "");
    put(byId("review-file"), file);
    this.form.elements.decision.value = row ? (row.decision || "marked") : "marked";
    byId("edited").value = row && row.edited_text ? row.edited_text : query.text;
    byId("grade").value = row ? row.grade : "";
    byId("comment").value = row ? row.comment : "";
    this.fit();
    this.place.showModal();
    byId("review-title").focus();
  }

  fit() {
    const word = this.form.elements.decision.value;
    byId("of-edit").hidden = word !== "edit";
    byId("of-grade").hidden = !["accept", "edit", "reject"].includes(word);
  }

  async save() {
    put(byId("review-fault"), "");
    try {
      const { row } = await send("/decisions", {
        run: this.run, id: this.query.id, decision: this.form.elements.decision.value,
        edited_text: byId("edited").value, grade: byId("grade").value, comment: byId("comment").value,
      });
      this.place.close();
      say("Saved");
      this.saved(this.query.id, row);
    } catch (error) {
      put(byId("review-fault"), error.message);
    }
  }
}
