// What holds for the shop as a whole: addresses, data for machines, weight, print, keyboard.
import type { Page, Response } from "@playwright/test";

import { buyer } from "../support/shopping";
import { expect, test } from "../support/test";

test("an old address leads to the product's new one", async ({ page, api }) => {
  const id = await api.createProduct({ title: "Lamp That Moved", handle: "moving-lamp", price: 1900, stock: 3 });
  await api.updateProduct(id, { handle: "moved-lamp" });
  const answer = await page.request.get("/products/moving-lamp", { maxRedirects: 0 });
  expect(answer.status()).toBe(301);
  await page.goto("/products/moving-lamp");
  await expect(page).toHaveURL(/\/products\/moved-lamp$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Lamp That Moved");
});

test("what does not exist is answered with a page that helps", async ({ page }) => {
  for (const path of ["/products/no-such-thing", "/categories/no-such-thing", "/nowhere", "/orders/ord_0"]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1 }), path).toHaveText("This page is not here");
    await expect(page.getByRole("main").getByRole("link", { name: "To the home page" })).toBeVisible();
  }
});

test("a search without results offers a way on", async ({ page }) => {
  await page.goto("/search?q=zzxqvjkw");
  await expect(page.getByRole("heading", { name: "Nothing found, but do not give up" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Popular right now" })).toBeVisible();
  expect(await page.locator(".product-card").count()).toBeGreaterThan(0);
});

async function jsonLd(page: Page): Promise<Record<string, any>[]> {
  const texts = await page.locator('script[type="application/ld+json"]').allTextContents();
  return texts.map((text) => JSON.parse(text));
}

test("a product describes itself to machines", async ({ page, baseURL }) => {
  await page.goto("/products/over-ear-headphones-nocturne");
  const data = await jsonLd(page);
  const product = data.find((entry) => entry["@type"] === "Product");
  expect(product).toMatchObject({
    "@context": "https://schema.org",
    name: "Over-Ear Headphones Nocturne",
    brand: { name: "Auralen" },
    offers: { "@type": "Offer", price: "229.00", priceCurrency: "USD", availability: "https://schema.org/InStock" },
  });
  const trail = data.find((entry) => entry["@type"] === "BreadcrumbList");
  expect(trail?.itemListElement.length).toBeGreaterThan(1);
  const canonical = page.locator("link[rel=canonical]");
  const address = `${baseURL}/products/over-ear-headphones-nocturne`;
  await expect(canonical).toHaveAttribute("href", address);
  // A variant is the same product.
  await page.goto("/products/over-ear-headphones-nocturne?variant=AU-NOCT-BONE");
  await expect(canonical).toHaveAttribute("href", address);
  for (const image of [product?.image].flat()) {
    expect((await page.request.get(image)).status(), image).toBe(200);
  }
});

test("robots are told what to read, and find every product", async ({ page, baseURL }) => {
  const robots = await (await page.request.get("/robots.txt")).text();
  expect(robots).toContain(`Sitemap: ${baseURL}/sitemap.xml`);
  for (const path of ["/admin", "/api/", "/cart", "/checkout", "/orders"]) {
    expect(robots).toContain(`Disallow: ${path}\n`);
  }
  const locations = async (url: string) => {
    const answer = await page.request.get(url);
    expect(answer.headers()["content-type"]).toContain("xml");
    return [...(await answer.text()).matchAll(/<loc>([^<]+)<\/loc>/g)].map(([, location]) => location);
  };
  const pages = (await Promise.all((await locations("/sitemap.xml")).map(locations))).flat();
  const products = pages.filter((url) => url.includes("/products/"));
  const { total } = await (await page.request.get("/api/v1/products?limit=1")).json();
  // Other tests add products meanwhile.
  expect(products.length).toBeGreaterThanOrEqual(300);
  expect(Math.abs(products.length - total)).toBeLessThan(30);
  expect(new Set(pages).size).toBe(pages.length);
  const sample = pages.filter((_, index) => index % 40 === 0);
  for (const url of sample) expect((await page.request.get(url)).status(), url).toBe(200);
});

test("a page brings less than 15 KB of script", async ({ page }) => {
  for (const path of ["/", "/search?q=lamp", "/products/over-ear-headphones-nocturne", "/cart"]) {
    let bytes = 0;
    const count = async (response: Response) => {
      if (response.request().resourceType() === "script") bytes += (await response.body()).length;
    };
    page.on("response", count);
    await page.goto(path, { waitUntil: "load" });
    page.off("response", count);
    const inline = await page
      .locator('script:not([src]):not([type="application/ld+json"])')
      .allTextContents();
    expect(bytes, `${path} loads its script`).toBeGreaterThan(0);
    expect(bytes + inline.join("").length, path).toBeLessThan(15_000);
    // Each page is new to the cache.
    await page.context().clearCookies();
  }
});

test("every picture of a listing can be seen", async ({ page }) => {
  await page.goto("/categories/headphones");
  const pictures = page.locator("main img");
  expect(await pictures.count()).toBeGreaterThan(3);
  for (const picture of await pictures.all()) {
    await picture.scrollIntoViewIfNeeded();
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  }
});

test("paper gets the content without the controls", async ({ page }) => {
  await page.goto("/products/over-ear-headphones-nocturne");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await expect(page.getByRole("banner")).toBeHidden();
  await expect(page.getByRole("button", { name: "Add to cart" })).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".specs")).toBeVisible();
  const [ink, paper] = await page.evaluate(() => {
    const { color, backgroundColor } = getComputedStyle(document.body);
    return [color, backgroundColor];
  });
  expect(ink, "dark mode must not reach paper").toBe("rgb(0, 0, 0)");
  expect(paper).toMatch(/rgb\(255, 255, 255\)|rgba\(0, 0, 0, 0\)/);
  const pdf = await page.pdf({ format: "A4" });
  expect(pdf.length).toBeGreaterThan(10_000);
});

test("suggestions appear while typing and are chosen with the keyboard", async ({ page }) => {
  await page.goto("/");
  const search = page.getByRole("combobox", { name: "Search products" });
  await search.pressSequentially("noctur");
  const first = page.getByRole("option").first();
  await expect(first).toContainText(/nocturne/i);
  await search.press("ArrowDown");
  await expect(first).toHaveAttribute("aria-selected", "true");
  await search.press("Escape");
  await expect(first).toBeHidden();
  await expect(search).toHaveValue("noctur");
  await search.pressSequentially("n");
  await expect(first).toBeVisible();
  await search.press("ArrowDown");
  await search.press("Enter");
  await expect(page).toHaveURL(/\/(products|search)/);
});

test("a purchase needs nothing but a keyboard", async ({ page, api }) => {
  await api.createProduct({ title: "Lamp for Keyboards", handle: "keyboard-lamp", price: 2100, stock: 9 });

  /** Tabs until something with this name has the focus, which must be possible to see. */
  const tabTo = async (name: RegExp) => {
    const names: string[] = [];
    for (let n = 0; n < 80; n += 1) {
      await page.keyboard.press("Tab");
      const [label, marked] = await page.evaluate(() => {
        const element = document.activeElement as HTMLInputElement;
        // The mark may be on what holds the element: a link marks the card that it covers.
        const around = [element, element.parentElement, element.closest("article, label, form")];
        const marked = around.some((candidate) => {
          if (!candidate) return false;
          const { outlineStyle, outlineWidth } = getComputedStyle(candidate);
          return outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
        });
        const text = element.labels?.[0]?.innerText ?? element.getAttribute("aria-label") ?? element.innerText;
        return [text.trim(), marked] as const;
      });
      names.push(label);
      if (name.test(label)) {
        expect(marked, `the focus on “${label}” can be seen`).toBe(true);
        return;
      }
    }
    throw new Error(`nothing named ${name} among ${names.join(" | ")}`);
  };
  const type = async (name: RegExp, text: string) => {
    await tabTo(name);
    await page.keyboard.type(text);
  };
  const press = async (name: RegExp) => {
    await tabTo(name);
    await page.keyboard.press("Enter");
  };

  await page.goto("/");
  await tabTo(/^Skip to content$/);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.goto("/search?q=keyboards+lamp");
  await press(/^Lamp for Keyboards$/);
  await expect(page).toHaveURL(/keyboard-lamp/);
  await press(/^Add to cart$/);
  await expect(page.locator("[data-add-status]")).toHaveText(/Added to your cart/);
  await press(/^View cart$/);
  await expect(page).toHaveURL(/\/cart/);
  await press(/^Checkout$/);
  await expect(page).toHaveURL(/\/checkout\/address/);
  await type(/^E-mail/, buyer.email);
  await type(/^Full name/, buyer.name);
  await type(/^Country/, "United States");
  await expect(page.locator("#shipping_country")).toHaveValue("US");
  await type(/^Street/, buyer.line1);
  await type(/^Postal code/, buyer.postalCode);
  await type(/^City/, buyer.city);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/checkout\/shipping/);
  await tabTo(/^Standard delivery/);
  await page.keyboard.press("Space");
  await press(/^Continue to payment$/);
  await expect(page).toHaveURL(/\/checkout\/payment/);
  await tabTo(/^Test card ending 4242/);
  await page.keyboard.press("Space");
  await press(/^Review your order$/);
  await expect(page).toHaveURL(/\/checkout\/review/);
  await press(/^Place order/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you");
});
