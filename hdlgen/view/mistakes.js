// The worst mistakes as pictures, and which of them are shown: by label and answer, or by a field of the confusion matrix.

function mistakes() {
  const list = document.querySelector(".mistakes");
  if (!list) return;
  const items = [...list.children], label = document.querySelector("[name=label]"), said = document.querySelector("[name=said]");
  const fields = [...document.querySelectorAll(".confusion button")], told = document.getElementById("mistakesShown");
  const draw = () => items.forEach((item) => {
    const canvas = item.querySelector("canvas");
    if (canvas) paint(canvas, numbers(DATA.mistakes[item.dataset.at]), item.dataset.shape.split(",").map(Number), DATA.low, DATA.high);
  });
  const filter = () => {
    let shown = 0;
    for (const item of items) {
      item.hidden = (label.value !== "" && item.dataset.label !== label.value) || (said.value !== "" && item.dataset.said !== said.value);
      shown += !item.hidden;
    }
    for (const field of fields) {
      field.setAttribute("aria-pressed", String(field.dataset.label === label.value && field.dataset.said === said.value));
    }
    told.textContent = `${shown} shown`;
  };
  label.addEventListener("change", filter);
  said.addEventListener("change", filter);
  for (const field of fields) {
    field.addEventListener("click", () => {
      const pressed = field.getAttribute("aria-pressed") === "true";
      label.value = pressed ? "" : field.dataset.label;
      said.value = pressed ? "" : field.dataset.said;
      filter();
    });
  }
  draw();
  filter();
  redraws.push(draw);
}
mistakes();
