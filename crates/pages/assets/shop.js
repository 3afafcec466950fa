// Makes the storefront smoother. Every page works without it.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const wide = matchMedia("(min-width: 62rem)");

  // Search suggestions: a combobox as the ARIA practices describe it.
  const suggest = (form) => {
    const input = one("input[name=q]", form);
    const list = document.createElement("ul");
    list.className = "suggest";
    list.id = "suggestions";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    form.append(list);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-controls", list.id],
      ["aria-expanded", "false"],
    ]) input.setAttribute(name, value);

    let current = -1;
    let timer = 0;
    let request = null;
    let typed = input.value;

    const close = () => {
      list.hidden = true;
      current = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (index) => {
      const items = [...list.children];
      if (items.length === 0) return;
      current = (index + items.length + 1) % (items.length + 1);
      items.forEach((item, at) => item.setAttribute("aria-selected", String(at === current)));
      const item = items[current];
      if (item) input.setAttribute("aria-activedescendant", item.id);
      else input.removeAttribute("aria-activedescendant");
      input.value = item ? item.dataset.text : typed;
    };
    const go = (item) => {
      if (item.dataset.href) location.assign(item.dataset.href);
      else {
        input.value = item.dataset.text;
        form.requestSubmit();
      }
    };
    const target = (entry) => {
      if (entry.handle && entry.kind === "product") return `/products/${encodeURIComponent(entry.handle)}`;
      if (entry.handle && entry.kind === "category") return `/categories/${encodeURIComponent(entry.handle)}`;
      return "";
    };
    const show = (entries) => {
      list.replaceChildren(
        ...entries.slice(0, 8).map((entry, index) => {
          const item = document.createElement("li");
          item.className = "suggest__item";
          item.id = `suggestion-${index}`;
          item.setAttribute("role", "option");
          item.setAttribute("aria-selected", "false");
          item.dataset.text = entry.text;
          item.dataset.href = target(entry);
          const text = document.createElement("span");
          text.textContent = entry.text;
          item.append(text);
          if (entry.kind && entry.kind !== "query") {
            const kind = document.createElement("span");
            kind.className = "suggest__kind";
            kind.textContent = entry.kind;
            item.append(kind);
          }
          return item;
        }),
      );
      current = -1;
      list.hidden = entries.length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
    };

    input.addEventListener("input", () => {
      typed = input.value;
      clearTimeout(timer);
      request?.abort();
      if (typed.trim() === "") return close();
      timer = setTimeout(async () => {
        request = new AbortController();
        try {
          const answer = await fetch(`/api/v1/suggest?q=${encodeURIComponent(typed)}`, {
            signal: request.signal,
          });
          if (answer.ok) show((await answer.json()).items ?? []);
        } catch {
          // Suggestions are a help, not a need.
        }
      }, 120);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        input.value = typed;
        close();
      } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        mark(event.key === "ArrowDown" ? current + 1 : current < 0 ? list.children.length - 1 : current - 1);
      } else if (event.key === "Enter" && !list.hidden && list.children[current]?.dataset.href) {
        event.preventDefault();
        go(list.children[current]);
      }
    });
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) go(item);
    });
    input.addEventListener("blur", close);
  };

  // Quantities: minus and plus beside the number.
  const stepper = (box) => {
    const input = one("input", box);
    if (!input || input.disabled) return;
    const button = (text, label, by) => {
      const element = document.createElement("button");
      element.type = "button";
      element.className = "stepper__button";
      element.textContent = text;
      element.setAttribute("aria-label", label);
      element.addEventListener("click", () => {
        const before = input.value;
        if (by < 0) input.stepDown();
        else input.stepUp();
        if (input.value !== before) input.dispatchEvent(new Event("change", { bubbles: true }));
      });
      return element;
    };
    box.classList.add("stepper--ready");
    input.before(button("−", "Less", -1));
    input.after(button("+", "More", 1));
  };

  // Forms that send themselves when something changes. On small screens a drawer of filters waits
  // for its button.
  const autosubmit = () => {
    let timer = 0;
    document.addEventListener("change", (event) => {
      const field = event.target;
      const filters = field.closest("[data-filters]");
      if (!(filters && wide.matches) && !field.matches("[data-autosubmit]")) return;
      const form = field.form;
      if (!form.reportValidity()) return;
      clearTimeout(timer);
      timer = setTimeout(() => form.requestSubmit(), field.type === "number" ? 500 : 0);
    });
    // Empty fields would only make addresses longer.
    for (const form of all("[data-filters]")) {
      form.addEventListener("formdata", (event) => {
        for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
      });
    }
    addEventListener("pagehide", () => clearTimeout(timer));
  };

  // A form that must be sent once only: the second press does nothing.
  const once = (form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
      setTimeout(() => all("button", form).forEach((button) => button.setAttribute("aria-disabled", "true")));
    });
    addEventListener("pageshow", () => {
      delete form.dataset.sent;
      all("button", form).forEach((button) => button.removeAttribute("aria-disabled"));
    });
  };

  // Thumbnails move the strip without moving the page.
  const gallery = (root) => {
    const stage = one(".gallery__stage", root);
    const thumbs = all(".gallery__thumbs a", root);
    const mark = (index) =>
      thumbs.forEach((thumb, at) =>
        at === index ? thumb.setAttribute("aria-current", "true") : thumb.removeAttribute("aria-current"),
      );
    const update = () => mark(Math.round(stage.scrollLeft / Math.max(stage.clientWidth, 1)));
    thumbs.forEach((thumb, index) =>
      thumb.addEventListener("click", (event) => {
        event.preventDefault();
        stage.scrollTo({ left: index * stage.clientWidth });
        mark(index);
      }),
    );
    stage.addEventListener("scroll", update, { passive: true });
    update();
  };

  // The choice of a variant replaces the product in place; the address follows.
  let showing = 0;
  let shown = location.pathname + location.search;
  const swap = async (href, push) => {
    const turn = ++showing;
    const answer = await fetch(href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn !== showing) return;
    const fresh = one("[data-product]", page);
    const old = one("[data-product]");
    if (!fresh || !old) throw new Error("no product");
    const label = document.activeElement?.closest("[data-variant-link]")?.textContent.trim();
    old.replaceWith(fresh);
    document.title = page.title;
    shown = new URL(href, location.href).pathname + new URL(href, location.href).search;
    if (push) history.pushState({ variant: true }, "", href);
    enhanceProduct(fresh);
    if (label) {
      all("[data-variant-link]", fresh)
        .find((link) => link.textContent.trim() === label)
        ?.focus({ preventScroll: true });
    }
  };
  const enhanceProduct = (root) => {
    all("[data-stepper]", root).forEach(stepper);
    all("[data-gallery]", root).forEach(gallery);
    all("[data-add]", root).forEach(add);
    root.addEventListener("click", (event) => {
      const link = event.target.closest("[data-variant-link]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      swap(link.href, true).catch(() => location.assign(link.href));
    });
  };

  // Adding to the cart stays on the page. The server answers the same form with a page: the cart,
  // or the product with a message why not. The count in its header becomes ours.
  const add = (form) => {
    const status = one("[data-add-status]", form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = one("button[type=submit]", form);
      if (button.getAttribute("aria-disabled")) return;
      button.setAttribute("aria-disabled", "true");
      try {
        const answer = await fetch(form.action, {
          method: "POST",
          body: new URLSearchParams(new FormData(form)),
        });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const problem = one("[data-product] .alert", page);
        const count = one("[data-cart-count]", page);
        if (count) one("[data-cart-count]")?.replaceWith(count);
        if (!answer.ok || problem) {
          status.textContent = problem?.textContent.trim() || "That did not work. Please try again.";
        } else {
          const link = document.createElement("a");
          link.href = "/cart";
          link.textContent = "View cart";
          status.replaceChildren("Added to your cart. ", link);
        }
        button.removeAttribute("aria-disabled");
      } catch {
        form.submit();
      }
    });
  };

  all("[data-search]").forEach(suggest);
  all("[data-once]").forEach(once);
  autosubmit();
  const product = one("[data-product]");
  if (product) {
    enhanceProduct(product);
    addEventListener("popstate", () => {
      // A fragment alone is the browser's business.
      if (location.pathname + location.search === shown) return;
      swap(location.href, false).catch(() => location.reload());
    });
  }
  all("[data-stepper]").filter((box) => !box.closest("[data-product]")).forEach(stepper);
  one("[data-errors]")?.focus();
})();
