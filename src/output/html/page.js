"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const list = by("list"), words = by("words"), level = by("level"), group = by("group"), count = by("count");
  const all = [...list.querySelectorAll("article")];
  const texts = new Map(all.map((one) => [one, one.textContent.toLowerCase()]));
  const shown = (one) => {
    const wanted = words.value.toLowerCase().split(/\s+/);
    return (!level.value || one.className === level.value) && wanted.every((word) => texts.get(one).includes(word));
  };
  const filter = () => {
    for (const one of all) one.hidden = !shown(one);
    for (const section of list.children) section.hidden = !section.querySelector("article:not([hidden])");
    count.textContent = `${all.filter((one) => !one.hidden).length} of ${all.length} findings`;
  };
  const regroup = () => {
    const groups = new Map();
    for (const one of all) {
      const key = one.dataset[group.value] || "";
      groups.set(key, [...(groups.get(key) || []), one]);
    }
    const sections = [...groups.keys()].sort().map((key) => {
      const section = document.createElement("section"), heading = document.createElement("h2");
      heading.textContent = key || "none";
      section.append(heading, ...groups.get(key));
      return section;
    });
    list.replaceChildren(...sections);
    filter();
  };
  for (const link of document.querySelectorAll("a.see")) {
    const details = document.createElement("details"), summary = document.createElement("summary");
    const picture = by(link.hash.slice(1));
    summary.textContent = "Picture";
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (details.children.length === 1) details.append(picture.querySelector("svg").cloneNode(true));
    });
    link.replaceWith(details);
  }
  for (const remedy of document.querySelectorAll(".fix")) {
    const button = document.createElement("button"), text = remedy.querySelector("span");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => {
      getSelection().selectAllChildren(text);
      if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).catch(() => {});
      button.textContent = "Copied";
    });
    remedy.append(" ", button);
  }
  words.addEventListener("input", filter);
  level.addEventListener("change", filter);
  group.addEventListener("change", regroup);
  by("tools").hidden = false;
  filter();
})();
