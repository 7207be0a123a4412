// Light, dark, or as the system is. A plain script in the head, so that no page ever shows in the
// wrong colours first; the button's part waits until there is a button.

(() => {
  const NAMES = ["auto", "light", "dark"];
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem("tally.theme");
    } catch {
      return null; // storage is switched off
    }
  };

  const use = (name) => {
    root.dataset.theme = name;
    const button = document.getElementById("theme");
    if (button === null) return;
    button.querySelector("span").textContent = `Theme: ${name}`;
    button.title = button.textContent.trim();
  };

  use(NAMES.includes(stored()) ? stored() : "auto");
  addEventListener("DOMContentLoaded", () => {
    use(root.dataset.theme);
    document.getElementById("theme").addEventListener("click", () => {
      const next = NAMES[(NAMES.indexOf(root.dataset.theme) + 1) % NAMES.length];
      try {
        localStorage.setItem("tally.theme", next);
      } catch {
        // It then holds for this page alone.
      }
      use(next);
    });
  });
})();
