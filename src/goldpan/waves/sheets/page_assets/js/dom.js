// Building the page. Text goes in as text nodes only, so nothing shown can become markup.

const byId = (id) => document.getElementById(id);

function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "for") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const keyCap = (key) => (key ? el("kbd", {}, key) : null);

function notify(text, bad = false) {
  const notice = byId("notice");
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
  notice.hidden = !text;
}
