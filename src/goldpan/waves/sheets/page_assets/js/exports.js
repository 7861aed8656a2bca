// The file that is handed in, and reading an earlier one to go on from it.

function exportDocument(data, rows, answers) {
  const head = {
    kind: data.kind, format: 1, study: data.study, wave: data.wave, annotator: data.annotator,
    task_hash: data.task_hash, codebook_hash: data.codebook_hash, redraw: data.redraw, exported_at: new Date().toISOString(),
  };
  const touched = rows.map((row, place) => [row, answers[place]]).filter(([, answer]) => !isEmpty(answer));
  if (data.kind === "goldpan decisions") {
    const decided = touched.filter(([row, answer]) => row.asks[0] in answer.values);
    return { ...head, decisions: decided.map(([row, answer]) => decision(row, answer)) };
  }
  return { ...head, answers: touched.map(([row, answer]) => ({ item_id: row.item_id, ...rounded(answer) })) };
}

function decision(row, answer) {
  const [feature, cause] = row.asks;
  return {
    item_id: row.item_id, feature, value: answer.values[feature], cause: answer.values[cause] ?? "",
    note: answer.note, seconds: rounded(answer).seconds,
  };
}

// Marked places of answers that are none any more are left out, and what lacks something yet.
function rounded({ spans, drafts, ...answer }) {
  const kept = Object.entries(spans ?? {}).filter(([name]) => Array.isArray(answer.values[name]));
  return {
    ...answer, seconds: Math.round(answer.seconds * 10) / 10,
    ...(kept.length ? { spans: Object.fromEntries(kept) } : {}),
  };
}

function download(exported) {
  const name = `${exported.study}-${exported.wave}-${exported.annotator}.json`;
  const url = URL.createObjectURL(new Blob([JSON.stringify(exported, null, 1)], { type: "application/json" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return name;
}

// Answers of an earlier export by item id. Throws an Error that says why it cannot be used.
function readExport(text, data) {
  let exported;
  try {
    exported = JSON.parse(text);
  } catch {
    throw new Error(say("not_an_export"));
  }
  for (const key of ["kind", "study", "wave", "annotator", "codebook_hash", "redraw"]) {
    if (exported[key] !== data[key]) throw new Error(say("other_export", { what: say(`part_${key}`), value: String(exported[key]) }));
  }
  if (!Array.isArray(exported.answers)) throw new Error(say("cannot_load"));
  return new Map(exported.answers.map(({ item_id, ...answer }) => [item_id, { ...Store.blank(), ...answer }]));
}
