// Marks the section in view in the contents; where the page is narrow, the list folds behind a button.
(() => {
  "use strict";
  const nav = document.querySelector(".contents");
  if (!nav) return;
  const button = nav.querySelector("button"), name = button.querySelector("span");
  const links = [...nav.querySelectorAll("ol a")];
  const sections = links.map((link) => document.getElementById(link.hash.slice(1)));
  let marked = null;

  const open = (isOpen) => button.setAttribute("aria-expanded", isOpen);

  const mark = () => {
    const isAtEnd = scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    const isPassed = (section) => section.getBoundingClientRect().top <= innerHeight / 4;
    const last = isAtEnd ? sections.length - 1 : sections.findLastIndex(isPassed);
    const link = links[Math.max(last, 0)];
    if (link === marked) return;
    marked?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    marked = link;
    name.textContent = link.textContent;
    // The list scrolls by itself where it is longer than the window.
    const list = nav.getBoundingClientRect(), place = link.getBoundingClientRect();
    if (place.top < list.top || place.bottom > list.bottom) nav.scrollTop += place.top - list.top - list.height / 2;
  };

  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
  nav.addEventListener("click", (event) => event.target.closest("a") && open(false));
  document.addEventListener("click", (event) => nav.contains(event.target) || open(false));
  nav.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
    open(false);
    button.focus();
  });
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  nav.classList.add("folds");
  mark();
})();
