// Light, dark, or as the system is: set before the page is painted, and again when somebody chooses.
(() => {
    "use strict";
    const KEY = "adminTheme";
    const dark = matchMedia("(prefers-color-scheme: dark)");

    function chosen() {
        try {
            const kept = JSON.parse(localStorage.getItem(KEY));
            return ["light", "dark"].includes(kept) ? kept : "auto";
        } catch { return "auto"; }
    }
    function apply() {
        const choice = chosen();
        const isDark = choice === "dark" || (choice === "auto" && dark.matches);
        document.documentElement.classList.toggle("dark", isDark);
        document.documentElement.classList.toggle("light", !isDark);
        for (const button of document.querySelectorAll("[data-theme-choice]")) {
            button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
        }
    }
    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-theme-choice]");
        if (!button) return;
        try { localStorage.setItem(KEY, JSON.stringify(button.dataset.themeChoice)); } catch { /* not kept */ }
        apply();
    });
    document.addEventListener("DOMContentLoaded", apply);
    dark.addEventListener("change", apply);
    apply();
})();
