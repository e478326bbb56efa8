// The filters above the grid: each says of a query whether it belongs.
const LEAST = 0.00005;

// What a filter may ask of a query: the values of all systems, those of the pair, and the labels on top.
class Asked {
  constructor(figures, metric, a, b) {
    Object.assign(this, { figures, metric, a, b });
    this.lower = figures.directions[metric] === "lower";
  }

  at(row) {
    const { figures, metric } = this;
    this.row = row;
    this.values = figures.arms.map((_, arm) => figures.value(arm, metric, row));
    this.first = this.values[this.a];
    this.second = this.values[this.b];
    // Positive where B is better.
    this.gain = this.lower ? this.first - this.second : this.second - this.first;
    return this;
  }

  get found() {
    return this.values.filter((value) => value > 0).length;
  }

  // The first item of A or B has no label.
  get unjudged() {
    const { figures, row } = this;
    return [this.a, this.b].some((arm) => figures.ranked(arm) && figures.top(arm, row) === NOT_JUDGED);
  }
}

const CHIPS = {
  all: { text: "All", keep: () => true },
  failed: { text: "Failed", title: "every system has 0", higher: true, keep: (q) => q.values.length > 0 && q.values.every((v) => v === 0) },
  "failed-b": { text: "B failed", title: "system B has 0", higher: true, pair: true, keep: (q) => q.second === 0 },
  differ: { text: "A and B differ", pair: true, keep: (q) => Math.abs(q.gain) > LEAST },
  "a-better": { text: "A better", plain: "A lower", pair: true, keep: (q) => q.gain < -LEAST },
  "b-better": { text: "B better", plain: "B higher", pair: true, keep: (q) => q.gain > LEAST },
  "only-a": { text: "Only A finds it", title: "A is above 0 and B is 0", higher: true, pair: true, keep: (q) => q.first > 0 && q.second === 0 },
  "only-b": { text: "Only B finds it", title: "B is above 0 and A is 0", higher: true, pair: true, keep: (q) => q.second > 0 && q.first === 0 },
  "only-one": { text: "One system finds it", title: "only one system is above 0", higher: true, pair: true, keep: (q) => q.found === 1 },
  unjudged: { text: "Unjudged on top", title: "the first item of A or B has no label", ranked: true, keep: (q) => q.unjudged },
  unscored: { text: "No value", keep: (q) => q.values.some(Number.isNaN) },
};

// The filters that have a meaning for these systems and this metric.
function chipsFor(figures, metric) {
  const direction = figures.directions[metric];
  return Object.entries(CHIPS).filter(([, chip]) =>
    (!chip.pair || figures.arms.length > 1) && (!chip.higher || direction === "higher")
    && (!chip.ranked || figures.arms.some((_, arm) => figures.ranked(arm))));
}

// Columns that cut the queries into a few parts: the type, the columns of the evaluation, and others with few values.
const MOST_VALUES = 40;

function slicesOf(figures) {
  const columns = { type: figures.types, ...figures.meta };
  const names = [...new Set([...figures.slices, ...Object.keys(columns)])].filter((name) => columns[name]);
  const found = [];
  for (const name of names) {
    const counts = new Map();
    for (const value of columns[name]) {
      if (value !== null && value !== "") counts.set(String(value), (counts.get(String(value)) || 0) + 1);
      if (counts.size > MOST_VALUES) break;
    }
    if (counts.size > 1 && counts.size <= MOST_VALUES) {
      found.push({ name, column: columns[name], counts: [...counts].sort(([x], [y]) => (x < y ? -1 : 1)) });
    }
  }
  return found;
}
