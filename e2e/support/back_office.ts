import { expect, type Page } from "./test";

/** Fills in and sends the sign-in form that is shown. */
export async function enter(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export async function signIn(page: Page, user: { email: string; password: string }): Promise<void> {
  await page.goto("/admin");
  await enter(page, user.email, user.password);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Dashboard");
}

/** What a figure of the dashboard says. */
export async function figure(page: Page, label: string): Promise<string> {
  const box = page.locator(".figure").filter({ has: page.locator("dt", { hasText: label }) });
  return (await box.locator(".figure__value").innerText()).trim();
}
