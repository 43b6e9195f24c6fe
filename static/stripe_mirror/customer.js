// Pages of objects: all tabs are printed, and menus of rows open below their button also where CSS can't place them.
(() => {
    "use strict";

    let closed = [];
    window.matchMedia("print").addEventListener("change", (event) => {
        if (event.matches) closed = [...document.querySelectorAll("[data-tab][hidden]")];
        for (const tab of closed) tab.hidden = !event.matches;
    });

    if (CSS.supports("position-area: bottom")) return;
    document.addEventListener("toggle", (event) => {
        const menu = event.target;
        if (!(menu instanceof Element) || !menu.matches(".sm-popover") || event.newState !== "open") return;
        const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
        const place = button.getBoundingClientRect();
        const below = place.bottom + 4 + menu.offsetHeight <= window.innerHeight;
        menu.style.margin = "0";
        menu.style.left = `${Math.max(8, place.right - menu.offsetWidth)}px`;
        menu.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - menu.offsetHeight - 4)}px`;
    }, true);
})();
