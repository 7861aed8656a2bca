// The codebook, as a window over the page.

function fillCodebook(data, container) {
  const parts = data.features.map((feature) => {
    const choices = (feature.choices ?? []).flatMap((choice) => [
      el("dt", {}, keyCap(choice.key) ?? "", " ", choice.text),
      el("dd", {}, choice.description),
    ]);
    return el("section", {}, el("h3", {}, feature.name),
      el("p", { className: "guidelines" }, feature.description),
      el("p", { className: "soft" }, `Answer: ${feature.how}.`), el("dl", {}, ...choices));
  });
  const guidelines = data.guidelines ? [el("p", { className: "guidelines" }, data.guidelines)] : [];
  container.replaceChildren(el("h2", {}, "Codebook"), ...guidelines, ...parts,
    el("p", { className: "soft" }, `Codebook ${data.codebook_hash.slice(0, 12)}`));
}

function showDialog(dialog) {
  if (dialog.open) dialog.close();
  else dialog.showModal();
}
