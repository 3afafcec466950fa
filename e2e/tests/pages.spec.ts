// Every page, looked at: accessible in light and dark, and nothing sticks out at the side.
//
// With E2E_TOUR=DIR each page is also drawn, as a whole, for people to look at.
import type { TestInfo } from "@playwright/test";

import { expectGoodPage, showIn } from "../support/axe";
import { enter, signIn } from "../support/back_office";
import {
  addToCart,
  buyer,
  cards,
  choosePayment,
  confirmedNumber,
  expectStep,
  fillAddress,
  placeOrder,
} from "../support/shopping";
import { expect, owner, type Page, test } from "../support/test";

test.describe.configure({ timeout: 180_000 });

async function look(page: Page, name: string, info: TestInfo, alike?: string): Promise<void> {
  const tour = process.env.E2E_TOUR;
  if (tour) {
    for (const colorScheme of ["light", "dark"] as const) {
      await showIn(page, colorScheme);
      const path = `${tour}/${info.project.name}-${name}-${colorScheme}.png`;
      await page.screenshot({ path, fullPage: true });
    }
    await showIn(page, "light");
  }
  await expectGoodPage(page, name, alike);
}

test("the document of the API", async ({ page }, info) => {
  await page.goto("/api/docs");
  // Of the operations of a group, the first is as good as all.
  await look(page, "api-docs", info, ".operation ~ .operation");
});

test("the catalogue", async ({ page, phone }, info) => {
  const pages = [
    ["home", "/"],
    ["categories", "/categories"],
    ["category", "/categories/women"],
    ["search", "/search?q=lamp"],
    ["search-corrected", "/search?q=headphnes"],
    ["search-nothing", "/search?q=zzxqvjkw"],
    ["search-all-filtered-out", "/search?q=headphones&price_min=900"],
    ["product", "/products/over-ear-headphones-nocturne"],
    ["product-many-options", "/products/wrap-dress-in-washed-viscose"],
    ["not-found", "/products/no-such-thing"],
  ];
  for (const [name, path] of pages) {
    await test.step(name, async () => {
      await page.goto(path);
      await look(page, name, info);
    });
  }
  if (phone) {
    await page.goto("/search?q=headphones");
    await page.locator(".drawer__toggle").click();
    await look(page, "search-filters", info);
  }
});

test("cart and checkout", async ({ page, scripted }, info) => {
  const see = (name: string) => test.step(name, () => look(page, name, info));
  await page.goto("/cart");
  await see("cart-empty");

  await page.goto("/products/childrens-headphones-with-volume-cap");
  await addToCart(page, scripted);
  await page.goto("/products/wrap-dress-in-washed-viscose");
  await addToCart(page, scripted);
  await page.getByLabel("Discount code").fill("NOSUCHCODE");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText("This code is not valid.")).toBeVisible();
  await see("cart-code-refused");
  await page.getByLabel("Discount code").fill("WELCOME10");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.locator(".totals__discount")).toBeVisible();
  await see("cart");

  await page.getByRole("link", { name: "Checkout" }).click();
  await see("checkout-address");
  await page.getByLabel("Send the bill to the same address").uncheck();
  await page.getByRole("button", { name: "Continue to shipping" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await see("checkout-address-errors");
  await page.getByLabel("Send the bill to the same address").check();
  await fillAddress(page, buyer);
  await page.getByRole("button", { name: "Continue to shipping" }).click();
  await expectStep(page, "Shipping");
  await see("checkout-shipping");
  await page.getByRole("button", { name: "Continue to payment" }).click();
  await expectStep(page, "Payment");
  await see("checkout-payment");
  await choosePayment(page, cards.declined);
  await see("checkout-review");
  await placeOrder(page);
  await expect(page.getByRole("alert")).toBeVisible();
  await see("checkout-declined");
  await choosePayment(page, cards.requiresAction);
  await placeOrder(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Confirm your payment");
  await see("bank");
  await page.goto("/cart");
  await see("cart-being-paid");
  await page.goBack();
  await page.getByRole("button", { name: "Approve payment" }).click();
  const number = await confirmedNumber(page);
  await see("confirmation");

  await page.goto("/orders/lookup");
  await see("order-lookup");
  await page.getByLabel("E-mail").fill("nobody");
  await page.getByRole("button", { name: "Show my order" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await see("order-lookup-errors");
  await page.getByLabel("Order number").fill(number);
  await page.getByLabel("E-mail").fill(buyer.email);
  await page.getByRole("button", { name: "Show my order" }).click();
  await expect(page.locator(".order__number")).toHaveText(number);
  await see("order");
});

test("back office", async ({ page }, info) => {
  const see = (name: string) => test.step(name, () => look(page, name, info));
  await page.goto("/admin");
  await see("admin-sign-in");
  await enter(page, owner.email, "not the password");
  await expect(page.getByRole("alert")).toBeVisible();
  await see("admin-sign-in-refused");
  await signIn(page, owner);
  await see("admin-dashboard");
  for (const [name, path] of [
    ["admin-orders", "/admin/orders"],
    ["admin-orders-none", "/admin/orders?q=nobody%40example.com"],
    ["admin-carts", "/admin/carts"],
    ["admin-customers", "/admin/customers"],
    ["admin-products", "/admin/products"],
    ["admin-product-new", "/admin/products/new"],
    ["admin-events", "/admin/events"],
    ["admin-events-none", "/admin/events?type=nothing"],
    ["admin-subscribers", "/admin/events/subscribers"],
    ["admin-webhooks", "/admin/webhooks"],
    ["admin-webhook-new", "/admin/webhooks/new"],
    ["admin-jobs", "/admin/jobs"],
    ["admin-mails", "/admin/mails"],
    ["admin-people", "/admin/people"],
    ["admin-vendors", "/admin/vendors"],
    ["admin-system", "/admin/system"],
    ["admin-not-found", "/admin/orders/ord_00000000000000000000000000"],
  ]) {
    await page.goto(path);
    await see(name);
  }
  await page.goto("/admin/orders?status=to-ship");
  await see("admin-orders-to-ship");
  await page.locator("tbody .row-link").last().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("#");
  await see("admin-order");
  const order = page.url();
  await page.goto(`${order}/cancel`);
  await see("admin-order-cancel");
  await page.goto(order);
  await page.getByRole("link", { name: "Cancel order…" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await see("admin-order-cancel-dialog");
  await page.goto(order);
  await page.getByRole("button", { name: "Mark as shipped" }).click();
  await expect(page.getByText("Marked as shipped.")).toBeVisible();
  await see("admin-order-shipped");
  await page.locator(".parcel .row-link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Fulfilment");
  await see("admin-fulfilment");

  await page.goto("/admin/customers");
  await page.locator("tbody .row-link").first().click();
  await expect(page.getByRole("heading", { name: "Orders" })).toBeVisible();
  await see("admin-customer");
  await page.goto("/admin/carts");
  await page.locator("tbody .row-link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Abandoned cart");
  await see("admin-cart");

  await page.goto("/admin/products?q=nocturne");
  await page.locator("tbody .row-link").first().click();
  await see("admin-product");
  await page.getByLabel("Title").fill("");
  await page.locator("#product").evaluate((form: HTMLFormElement) => {
    form.noValidate = true;
  });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await see("admin-product-errors");
});
