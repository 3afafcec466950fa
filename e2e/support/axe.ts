import AxeBuilder from "@axe-core/playwright";

import { expect, type Page } from "./test";

/** Runs axe in the current state of a page and expects it to find nothing. */
async function expectAccessible(page: Page, what: string, tags?: string[]): Promise<void> {
  // One frame is all there is, so that axe needs no helper page of its own.
  let axe = new AxeBuilder({ page }).setLegacyMode();
  if (tags) axe = axe.withTags(tags);
  const { violations } = await axe.analyze();
  const found = violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.map((node) => `${impact} ${id}: ${help}: ${node.html.slice(0, 160)} ${node.any.map((a) => a.message).join("; ")}`),
  );
  expect(found, `accessibility of ${what}`).toEqual([]);
}

/**
 * Expects a page to be usable by everyone: axe finds nothing in light and dark, nothing sticks out
 * at the side, and there is one main heading.
 */
export async function expectGoodPage(page: Page, what: string): Promise<void> {
  await expect(page.locator("h1"), `main headings of ${what}`).toHaveCount(1);
  await expect(page, `title of ${what}`).toHaveTitle(/\S/);
  await expectAccessible(page, what);
  await page.emulateMedia({ colorScheme: "dark" });
  // Structure does not depend on the colour scheme.
  await expectAccessible(page, `${what} in the dark`, ["cat.color"]);
  await page.emulateMedia({ colorScheme: "light" });
  const [content, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(content, `width of ${what}`).toBeLessThanOrEqual(screen);
}
