"use strict";
// Filters only hide rows: without this script, or when it fails, everything is shown.
for (const form of document.querySelectorAll("form.filters")) {
  const files = [...form.parentElement.querySelectorAll(".file")].map((file) => ({
    file,
    rows: [...file.querySelectorAll(".row")].map((row) => ({
      row,
      text: (file.querySelector("h4").textContent + " " + row.textContent).toLowerCase(),
      severity: row.dataset.severity,
      states: row.dataset.states.split(" "),
    })),
  }));
  const total = files.reduce((sum, { rows }) => sum + rows.length, 0);
  const unfolded = files.map(({ file }) => file.open);
  const apply = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = form.elements.state.value;
    const place = form.elements.environment.value;
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const all = !words.length && !state && !place && severities.size === form.querySelectorAll("[name=severity]").length;
    let shown = 0;
    for (const { file, rows } of files) {
      let here = 0;
      for (const { row, text, severity, states } of rows) {
        const told = place ? [states[place]] : states;
        const wanted = severities.has(severity) && words.every((word) => text.includes(word))
          && (state ? told.includes(state) : told.some((word) => word !== "silent"));
        row.hidden = !wanted;
        here += wanted;
      }
      file.hidden = !here;
      shown += here;
    }
    files.forEach(({ file }, number) => { file.open = all ? unfolded[number] : shown <= 200 || unfolded[number]; });
    form.elements.shown.value = `${shown} of ${total} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
