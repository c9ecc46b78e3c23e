// A menu whose texts wrap, which a browser's own does not do: nothing of a run's name is cut.

/** Makes a menu of the element `id`; `choose` is called with the value that is picked. */
function makeMenu(id, choose) {
  const box = at(id);
  const label = make("span", { id: `${id}-label`, className: "label" }, box.dataset.label);
  const text = make("span", { id: `${id}-text` });
  const button = make("button", { type: "button" }, text);
  button.setAttribute("aria-haspopup", "listbox");
  button.setAttribute("aria-labelledby", `${id}-label ${id}-text`);
  const list = make("ul", { role: "listbox", hidden: true, tabIndex: -1 });
  list.setAttribute("aria-labelledby", `${id}-label`);
  box.append(label, button, list);
  const menu = { box, text, button, list, options: "" };

  const open = (isOpen) => {
    list.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) (list.querySelector("[aria-selected=true]") ?? list.firstElementChild)?.focus();
  };
  const pick = (option) => {
    open(false);
    button.focus();
    choose(option.dataset.value);
  };
  open(false);
  button.addEventListener("click", () => open(list.hidden));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open(true);
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) pick(option);
  });
  list.addEventListener("keydown", (event) => {
    const options = [...list.children];
    const here = options.indexOf(document.activeElement);
    const places = {
      ArrowDown: Math.min(here + 1, options.length - 1), ArrowUp: Math.max(here - 1, 0), Home: 0,
      End: options.length - 1,
    };
    if (event.key === "Escape") {
      open(false);
      button.focus();
    } else if ((event.key === "Enter" || event.key === " ") && here >= 0) {
      pick(options[here]);
    } else if (Object.hasOwn(places, event.key)) {
      options[places[event.key]].focus();
    } else {
      return;
    }
    event.preventDefault();
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) open(false);
  });
  return menu;
}

/** Fills a menu with [value, text] pairs and shows the value. */
function setOptions(menu, options, value) {
  const texts = JSON.stringify(options);
  if (menu.options !== texts) {
    menu.options = texts;
    menu.list.replaceChildren(...options.map(([value, text]) => {
      const option = make("li", { role: "option", tabIndex: -1 }, make("bdi", {}, text));
      option.dataset.value = value;
      return option;
    }));
  }
  for (const option of menu.list.children) {
    option.setAttribute("aria-selected", String(option.dataset.value === String(value)));
  }
  const chosen = options.find(([one]) => String(one) === String(value));
  menu.text.replaceChildren(make("bdi", {}, chosen ? chosen[1] : ""));
  menu.button.disabled = options.length < 2;
}
