import { expect, type Page } from "./test";

export const cards = {
  ok: "tok_ok",
  declined: "tok_declined",
  requiresAction: "tok_requires_action",
} as const;

export const buyer = {
  email: "ada@example.com",
  name: "Ada Byron",
  country: "US",
  line1: "12 Analytical Row",
  postalCode: "94110",
  city: "San Francisco",
  region: "CA",
};

/** An amount on a page, in minor units. */
export function minor(text: string | null): number {
  const digits = text?.match(/\$([\d,]+)\.(\d\d)/);
  if (!digits) throw new Error(`no amount in ${text}`);
  return Number(digits[1].replaceAll(",", "")) * 100 + Number(digits[2]);
}

/** Puts the product that is shown into the cart and goes there. */
export async function addToCart(page: Page, scripted: boolean): Promise<void> {
  await page.getByRole("button", { name: "Add to cart" }).click();
  if (scripted) {
    await expect(page.locator("[data-add-status]")).toHaveText(/Added to your cart/);
    await page.locator("[data-add-status]").getByRole("link", { name: "View cart" }).click();
  } else {
    await expect(page.getByRole("status").filter({ hasText: "Added to your cart." })).toBeVisible();
  }
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your cart");
}

/** Sets the quantity of a line of the cart. */
export async function setQuantity(page: Page, title: string, quantity: number, scripted: boolean) {
  const line = page.locator(".cart-line").filter({ hasText: title });
  const field = line.getByLabel(`Quantity of ${title}`);
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await field.fill(String(quantity));
  if (scripted) await field.blur();
  else await line.getByRole("button", { name: "Update" }).click();
  await answered;
  await expect(field).toHaveValue(String(quantity));
}

/** Fills in the address form; a part that is not given is left as it is. */
export async function fillAddress(page: Page, given: Partial<typeof buyer>): Promise<void> {
  const shipping = page.getByRole("group", { name: "Shipping address" });
  const { email, name, country, line1, postalCode, city, region } = given;
  if (email !== undefined) await page.locator("#email").fill(email);
  if (name !== undefined) await shipping.locator("#shipping_name").fill(name);
  if (country !== undefined) await shipping.locator("#shipping_country").selectOption(country);
  if (line1 !== undefined) await shipping.locator("#shipping_line1").fill(line1);
  if (postalCode !== undefined) await shipping.locator("#shipping_postal_code").fill(postalCode);
  if (city !== undefined) await shipping.locator("#shipping_city").fill(city);
  if (region !== undefined) await shipping.locator("#shipping_region").fill(region);
}

export async function expectStep(page: Page, name: string): Promise<void> {
  await expect(page.locator("[aria-current=step]")).toHaveText(new RegExp(name));
}

/** From the cart to the step of payment. */
export async function goToPayment(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Checkout" }).click();
  await expectStep(page, "Address");
  await fillAddress(page, buyer);
  await page.getByRole("button", { name: "Continue to shipping" }).click();
  await expectStep(page, "Shipping");
  await page.getByRole("radio", { name: /Standard/ }).check();
  await page.getByRole("button", { name: "Continue to payment" }).click();
  await expectStep(page, "Payment");
}

/** From the step of payment to the last look. */
export async function choosePayment(page: Page, card: string): Promise<void> {
  await page.locator(`[name=payment_token][value=${card}]`).check();
  await page.getByRole("button", { name: "Review your order" }).click();
  await expectStep(page, "Review");
}

export async function placeOrder(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Place order/ }).click();
}

/** The number of the order that a page confirms. */
export async function confirmedNumber(page: Page): Promise<string> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you");
  return (await page.locator(".order__number").innerText()).trim();
}

/** The pieces that the header counts. */
export async function expectCartCount(page: Page, count: number): Promise<void> {
  await expect(page.locator("[data-cart-count]")).toHaveAttribute("data-cart-count", String(count));
}
