import AxeBuilder from "@axe-core/playwright";

import { expect, type Page } from "./test";

/** Shows a page in light or dark, and waits until it is drawn so. */
export async function showIn(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(async () => {
    const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    await frame();
    await frame();
    await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined)));
  });
}

/** Runs axe in the current state of a page and expects it to find nothing. */
async function expectAccessible(page: Page, what: string, rules?: string[]): Promise<void> {
  // One frame is all there is, so that axe needs no helper page of its own.
  let axe = new AxeBuilder({ page }).setLegacyMode();
  if (rules) axe = axe.withRules(rules);
  const { violations } = await axe.analyze();
  const found = violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.map((node) => {
      const reasons = node.any.map(({ message }) => message).join("; ");
      return `${impact} ${id}: ${help}: ${node.html.slice(0, 160)} ${reasons}`;
    }),
  );
  // All that is wrong is told at once, on this page and on those after it.
  expect.soft(found, `accessibility of ${what}`).toEqual([]);
}

/**
 * Expects a page to be usable by everyone: axe finds nothing in light and dark, nothing sticks out
 * at the side, and there is one main heading.
 *
 * What `alike` selects is taken out before axe looks, because axe needs half a minute for what is
 * repeated a hundred times.
 */
export async function expectGoodPage(page: Page, what: string, alike?: string): Promise<void> {
  await expect.soft(page.locator("h1"), `main headings of ${what}`).toHaveCount(1);
  await expect.soft(page, `title of ${what}`).toHaveTitle(/\S/);
  const [content, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect.soft(content, `width of ${what}`).toBeLessThanOrEqual(screen);
  if (alike) {
    await page.locator(alike).evaluateAll((repeated) => {
      for (const element of repeated) element.remove();
    });
  }
  await expectAccessible(page, what);
  await showIn(page, "dark");
  // Structure does not depend on the colour scheme.
  await expectAccessible(page, `${what} in the dark`, ["color-contrast", "link-in-text-block"]);
  await showIn(page, "light");
}
