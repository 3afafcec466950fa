// What goes wrong in a checkout and is told: confirmations, stock and prices that change, going back.
import type { TestInfo } from "@playwright/test";

import {
  addToCart,
  buyer,
  cards,
  choosePayment,
  confirmedNumber,
  expectCartCount,
  expectStep,
  goToPayment,
  placeOrder,
} from "../support/shopping";
import { expect, test } from "../support/test";

/** A handle that no other test, in no other project, uses. */
function handleFor(name: string, info: TestInfo): string {
  return `${name}-${info.project.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}

test("a bank that asks is answered with yes or no", async ({ page, api, scripted }, info) => {
  const handle = handleFor("asked-lamp", info);
  await api.createProduct({ title: "Lamp That Banks Ask About", handle, price: 2400, stock: 5 });
  await page.goto(`/products/${handle}`);
  await addToCart(page, scripted);
  await goToPayment(page);

  await choosePayment(page, cards.requiresAction);
  await placeOrder(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Confirm your payment");
  await page.getByRole("button", { name: "Fail the confirmation" }).click();
  await expectStep(page, "Payment");
  await expect(page.getByRole("alert")).toContainText("The payment was not confirmed. Nothing was charged");

  await choosePayment(page, cards.requiresAction);
  await placeOrder(page);
  await page.getByRole("button", { name: "Approve payment" }).click();
  await confirmedNumber(page);
  await expect(page.locator(".order")).toContainText("Paid");
});

test("what sells out while it is in the cart is said, and the cart is kept", async ({ page, api, scripted }, info) => {
  const handle = handleFor("scarce-lamp", info);
  const title = "Lamp That Sells Out";
  await api.createProduct({ title, handle, price: 3100, stock: 4 });
  await page.goto(`/products/${handle}`);
  await expect(page.getByText("Only 4 left in stock")).toBeVisible();
  await page.getByLabel("Quantity").fill("3");
  await addToCart(page, scripted);
  await goToPayment(page);
  await choosePayment(page, cards.ok);
  await api.setStock(handle, 2);
  await placeOrder(page);

  const alert = page.getByRole("alert");
  await expect(alert.filter({ hasText: "Nothing was ordered or charged" })).toBeVisible();
  await expect(page.locator(".cart-line")).toContainText("Only 2 left. Lower the quantity to go on.");
  await expect(page.getByLabel(`Quantity of ${title}`)).toHaveValue("3");
  await expect(page.getByRole("link", { name: "Checkout" })).toHaveCount(0);
  await expectCartCount(page, 3);

  await api.setStock(handle, 0);
  await page.goto("/cart");
  await expect(page.locator(".cart-line")).toContainText("Out of stock. Remove it to go on.");
  await page.getByRole("button", { name: `Remove ${title}` }).click();
  await expect(page.getByRole("heading", { name: "It is empty, for now" })).toBeVisible();
});

test("a price that changes is shown before anything is paid", async ({ page, api, scripted }, info) => {
  const handle = handleFor("repriced-lamp", info);
  const id = await api.createProduct({ title: "Lamp With a New Price", handle, price: 2000, stock: 9 });
  await page.goto(`/products/${handle}`);
  await addToCart(page, scripted);
  await goToPayment(page);
  await choosePayment(page, cards.ok);
  await api.setPrice(id, handle, 2600);
  await placeOrder(page);
  await expect(page.getByText("Nothing was ordered or charged")).toBeVisible();
  await expect(page.locator(".cart-line")).toContainText("The price went from $20.00 to $26.00.");

  // At the new price the same cart can be ordered.
  await page.getByRole("link", { name: "Checkout" }).click();
  await expect(page.locator("#shipping_line1")).toHaveValue(buyer.line1);
  await page.goto("/checkout/review");
  await placeOrder(page);
  await confirmedNumber(page);
  await expect(page.locator(".order .totals dd").first()).toHaveText("$26.00");
});

test("going back in the browser keeps what was entered", async ({ page, api, scripted }, info) => {
  const handle = handleFor("patient-lamp", info);
  await api.createProduct({ title: "Lamp for the Undecided", handle, price: 1500, stock: 9 });
  await page.goto(`/products/${handle}`);
  await addToCart(page, scripted);
  await goToPayment(page);
  await page.goBack();
  await expectStep(page, "Shipping");
  await expect(page.getByRole("radio", { name: /Standard/ })).toBeChecked();
  await page.goBack();
  await expectStep(page, "Address");
  await expect(page.locator("#shipping_line1")).toHaveValue(buyer.line1);
  await page.getByRole("button", { name: "Continue to shipping" }).click();
  await page.getByRole("button", { name: "Continue to payment" }).click();
  await choosePayment(page, cards.ok);
  await placeOrder(page);
  await confirmedNumber(page);
});

test("steps cannot be skipped, and an empty cart has none", async ({ page, api, scripted }, info) => {
  await page.goto("/checkout/payment");
  await expect(page).toHaveURL(/\/cart/);
  await expect(page.getByText("Your cart is empty, so there is nothing to order.")).toBeVisible();
  const handle = handleFor("hasty-lamp", info);
  await api.createProduct({ title: "Lamp for the Hasty", handle, price: 1500, stock: 9 });
  await page.goto(`/products/${handle}`);
  await addToCart(page, scripted);
  await page.goto("/checkout/review");
  await expectStep(page, "Address");
});
