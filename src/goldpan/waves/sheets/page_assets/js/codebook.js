// The codebook, as a window over the page.

function fillCodebook(data, container) {
  const parts = data.features.map((feature) => {
    const choices = (feature.choices ?? []).flatMap((choice) => [
      el("dt", {}, keyCap(choice.key) ?? "", " ", el("bdi", {}, choice.text)),
      el("dd", { dir: "auto" }, choice.description),
    ]);
    return el("section", {}, el("h3", { dir: "auto" }, feature.heading),
      feature.heading === feature.name ? null : el("p", { className: "soft" }, el("code", {}, feature.name)),
      el("p", { className: "guidelines", dir: "auto" }, feature.description),
      el("p", { className: "soft" }, say("answer_how", { how: feature.how })),
      feature.keywords ? el("p", { className: "soft", dir: "auto" }, say("keywords_are", { words: feature.keywords.join(", ") })) : null,
      choices.length ? el("dl", {}, ...choices) : null);
  });
  const guidelines = data.guidelines ? [el("p", { className: "guidelines", dir: "auto" }, data.guidelines)] : [];
  container.replaceChildren(el("h2", {}, say("codebook")), ...guidelines, ...parts,
    el("p", { className: "soft" }, say("codebook_hash", { hash: data.codebook_hash.slice(0, 12) })));
}

function showDialog(dialog) {
  if (dialog.open) dialog.close();
  else dialog.showModal();
}
