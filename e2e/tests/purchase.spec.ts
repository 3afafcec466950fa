// The whole purchase, as a visitor makes it: on a desktop and on a phone, with script and without.
import {
  addToCart,
  buyer,
  cards,
  choosePayment,
  confirmedNumber,
  expectCartCount,
  expectStep,
  fillAddress,
  minor,
  placeOrder,
  setQuantity,
} from "../support/shopping";
import { expect, test } from "../support/test";

test("a visitor finds, chooses, pays and looks the order up", async ({ page, scripted, phone }) => {
  await test.step("home and a search with a typing error", async () => {
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 2, name: "Shop by category" })).toBeVisible();
    await page.getByLabel("Search products").fill("headphnes");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Results for “headphones”");
    await expect(page.getByText("Nothing was found for headphnes")).toBeVisible();
  });

  await test.step("a facet narrows the results to what its count says", async () => {
    if (phone) await page.locator(".drawer__toggle").click();
    const facet = page.locator(".facet").filter({ has: page.locator("summary", { hasText: "Connectivity" }) });
    if ((await facet.getAttribute("open")) === null) await facet.locator("summary").first().click();
    const value = facet.locator("label").filter({ hasText: "Bluetooth 5.3" });
    const count = Number.parseInt(await value.locator(".facet__count").innerText(), 10);
    expect(count).toBeGreaterThan(0);
    await value.locator("input").check();
    if (phone || !scripted) await page.getByRole("button", { name: "Show results" }).click();
    await expect(page.getByRole("link", { name: "Remove filter Connectivity: Bluetooth 5.3" })).toBeVisible();
    await expect(page.locator(".listing .product-card")).toHaveCount(count);
  });

  const title = "Over-Ear Headphones Nocturne";
  await test.step("a variant is chosen", async () => {
    await page.getByRole("link", { name: title }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
    await page.getByRole("link", { name: "Copper" }).click();
    await expect(page).toHaveURL(/variant=AU-NOCT-COPPER/);
    await expect(page.locator(".buy__sku")).toHaveText(/AU-NOCT-COPPER/);
    await expect(page.getByRole("link", { name: "Copper" })).toHaveAttribute("aria-current", "true");
    await expectCartCount(page, 0);
  });

  await test.step("two pieces go into the cart, of which one is taken out again", async () => {
    await page.getByLabel("Quantity").fill("2");
    await addToCart(page, scripted);
    await expectCartCount(page, 2);
    const line = page.locator(".cart-line");
    await expect(line).toHaveCount(1);
    await expect(line).toContainText("Copper");
    expect(minor(await line.locator(".cart-line__total").innerText())).toBe(2 * 22900);
    await setQuantity(page, title, 1, scripted);
    expect(minor(await line.locator(".cart-line__total").innerText())).toBe(22900);
    await expectCartCount(page, 1);
  });

  await test.step("a code that does not exist is refused, one that does lowers the price", async () => {
    await page.getByLabel("Discount code").fill("NOSUCHCODE");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByText("This code is not valid.")).toBeVisible();
    await expect(page.getByLabel("Discount code")).toHaveValue("NOSUCHCODE");
    await page.getByLabel("Discount code").fill("welcome10");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.locator(".totals__discount dd")).toHaveText(/22\.90/);
  });

  await test.step("an address with faults comes back as it was typed", async () => {
    await page.getByRole("link", { name: "Checkout" }).click();
    await expectStep(page, "Address");
    await fillAddress(page, { ...buyer, email: "ada at example", city: "" });
    await page.getByRole("button", { name: "Continue to shipping" }).click();
    const errors = page.getByRole("alert");
    await expect(errors.getByRole("heading")).toHaveText("2 things need your attention");
    await expect(errors.getByRole("link", { name: "Shipping address: enter the city." })).toBeVisible();
    if (scripted) await expect(errors).toBeFocused();
    await expect(page.locator("#email")).toHaveValue("ada at example");
    await expect(page.locator("#email")).toHaveAttribute("aria-invalid", "true");
    await expect(page.locator("#shipping_name")).toHaveValue(buyer.name);
    await expect(page.locator("#shipping_country")).toHaveValue(buyer.country);
    await expect(page.locator("#shipping_line1")).toHaveValue(buyer.line1);
    await fillAddress(page, { email: buyer.email, city: buyer.city });
    await page.getByRole("button", { name: "Continue to shipping" }).click();
  });

  await test.step("shipping", async () => {
    await expectStep(page, "Shipping");
    await page.getByRole("radio", { name: /Express/ }).check();
    await page.getByRole("button", { name: "Continue to payment" }).click();
  });

  await test.step("a declined card costs nothing and loses nothing", async () => {
    await expectStep(page, "Payment");
    await choosePayment(page, cards.declined);
    await placeOrder(page);
    await expect(page.getByRole("alert")).toContainText("Your bank declined the payment. Nothing was charged");
    await expectStep(page, "Payment");
  });

  const expected = { goods: 22900, discount: 2290, shipping: 1499, tax: 0, total: 0 };
  // Californian sales tax, 7.25 %, on goods and shipping alike is the shop's default.
  await test.step("the last look shows what was chosen, and parts that sum up", async () => {
    await choosePayment(page, cards.ok);
    await expect(page.locator(".recap")).toContainText(buyer.email);
    await expect(page.locator(".recap")).toContainText(buyer.line1);
    await expect(page.locator(".recap")).toContainText("Express delivery");
    if (phone) await page.locator(".summary__toggle").click();
    const amounts = await page.locator(".summary .totals dd").allInnerTexts();
    const [goods, discount, shipping, tax, total] = amounts.map(minor);
    expect({ goods, discount, shipping }).toEqual({ goods: 22900, discount: 2290, shipping: 1499 });
    expect(tax).toBeGreaterThan(0);
    expect(total).toBe(goods - discount + shipping + tax);
    Object.assign(expected, { tax, total });
    expect(minor(await page.getByRole("button", { name: /^Place order/ }).innerText())).toBe(total);
  });

  const number = await test.step("the order is placed and confirmed", async () => {
    await placeOrder(page);
    const number = await confirmedNumber(page);
    expect(number).toMatch(/^\d+$/);
    await expect(page.locator(".thanks")).toContainText(buyer.email);
    await expect(page.locator(".order")).toContainText("Paid");
    expect(minor(await page.locator(".order .totals__total dd").innerText())).toBe(expected.total);
    await expectCartCount(page, 0);
    return number;
  });

  await test.step("going back does not offer to pay again", async () => {
    await page.goBack();
    await page.goto("/checkout/review");
    await expect(page).not.toHaveURL(/\/checkout\/review/);
    await page.goto("/cart");
    await expect(page.getByRole("heading", { name: "It is empty, for now" })).toBeVisible();
  });

  await test.step("whoever knows number and address finds the order", async () => {
    await page.context().clearCookies();
    await page.goto("/orders/lookup");
    await page.getByLabel("Order number").fill(number);
    await page.getByLabel("E-mail").fill("someone.else@example.com");
    await page.getByRole("button", { name: "Show my order" }).click();
    await expect(page.getByRole("alert")).toContainText("No order has this number and e-mail address");
    await page.getByLabel("E-mail").fill(buyer.email.toUpperCase());
    await page.getByRole("button", { name: "Show my order" }).click();
    await expect(page.locator(".order__number")).toHaveText(number);
    await expect(page.locator(".order")).toContainText("Order placed");
  });
});
