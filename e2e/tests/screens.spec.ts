// Draws the pictures that README.md shows. Runs only with UPDATE_SCREENSHOTS=1.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";

import { signIn } from "../support/back_office";
import { addToCart, buyer, expectStep, fillAddress } from "../support/shopping";
import { expect, owner, type Page, test } from "../support/test";

const images = resolve(__dirname, "../../docs/images");
const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 800 };

async function draw(page: Page, name: string, size: typeof phone): Promise<void> {
  await page.setViewportSize(size);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForLoadState("networkidle");
  const path = join(images, `${name}.png`);
  await page.screenshot({ path });
  expect(statSync(path).size, `${name}.png stays small`).toBeLessThan(200_000);
}

test("the shop", async ({ page }) => {
  await page.setViewportSize(desktop);
  await page.goto("/");
  await draw(page, "home", desktop);
  await page.goto("/search?q=headphnes");
  await draw(page, "search", desktop);
  await page.setViewportSize(phone);
  await page.goto("/products/over-ear-headphones-nocturne?variant=AU-NOCT-COPPER");
  await draw(page, "product-phone", phone);
});

test("the checkout", async ({ page }) => {
  await page.goto("/products/over-ear-headphones-nocturne?variant=AU-NOCT-COPPER");
  await addToCart(page, true);
  await page.getByRole("link", { name: "Checkout" }).click();
  await fillAddress(page, buyer);
  await page.getByRole("button", { name: "Continue to shipping" }).click();
  await expectStep(page, "Shipping");
  await draw(page, "checkout", desktop);
});

test("the back office", async ({ page }) => {
  await page.setViewportSize(desktop);
  await signIn(page, owner);
  await draw(page, "dashboard", desktop);
});
