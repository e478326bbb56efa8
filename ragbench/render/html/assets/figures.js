// The block of figures, as functions of system, query and rank.
const MISSING = -32768;
const SCALE = 10000;
const NOT_JUDGED = -128;

function figuresOf(held) {
  const { arrays } = held;
  const offsets = {};
  const offset = (name) => {
    if (!offsets[name]) {
      const counts = arrays[name];
      const sums = new Int32Array(counts.length + 1);
      for (let i = 0; i < counts.length; i++) sums[i + 1] = sums[i] + counts[i];
      offsets[name] = sums;
    }
    return offsets[name];
  };
  const value = (arm, metric, query) => {
    const column = arrays["value:" + arm + ":" + metric];
    const found = column[query];
    if (column instanceof Int16Array) return found === MISSING ? NaN : found / SCALE;
    return found;
  };
  const ranked = (arm) => held.group[arm] >= 0;
  const ranking = (arm, query) => {
    const at = offset("count:" + arm);
    const rows = [];
    for (let i = at[query]; i < at[query + 1]; i++) {
      rows.push({
        rank: i - at[query] + 1,
        item: arrays["item:" + arm][i],
        label: arrays["label:" + arm][i],
        score: arrays["score:" + arm][i],
      });
    }
    return rows;
  };
  const relevant = (arm, query) => {
    const group = held.group[arm];
    const at = offset("relevant_count:" + group);
    const rows = [];
    for (let i = at[query]; i < at[query + 1]; i++) {
      rows.push({ item: arrays["relevant_item:" + group][i], grade: arrays["relevant_grade:" + group][i] });
    }
    return { rows, total: arrays["relevant_total:" + group][query] };
  };
  const first = (arm, query) => arrays["first:" + arm][query];
  // The label of the first item; undefined if nothing was ranked.
  const top = (arm, query) => {
    const at = offset("count:" + arm);
    return at[query] < at[query + 1] ? arrays["label:" + arm][at[query]] : undefined;
  };
  return { ...held, value, ranked, ranking, relevant, first, top };
}

function firstFound(figures, arm, query) {
  const rank = figures.first(arm, query);
  return rank ? "first relevant at rank " + rank : "nothing relevant found";
}
