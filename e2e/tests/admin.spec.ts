// The back office of a shop that begins empty: set up by the printed link, then run for a day.
import { Api } from "../support/api";
import { enter, figure, signIn } from "../support/back_office";
import { Shop } from "../support/shop";
import { minor } from "../support/shopping";
import { expect, test as base } from "../support/test";

const keeper = { name: "Grace Keeper", email: "grace@example.com", password: "correct horse battery staple" };

const test = base.extend<object, { shop: Shop }>({
  shop: [
    async ({ server }, use) => {
      const shop = await Shop.start("serve", server?.newDatabase());
      await use(shop);
      await shop.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ shop }, use) => use(shop.url),
  api: async ({ shop }, use) => use(new Api(shop.url, shop.createToken("admin"))),
});

// Each test goes on with the shop that those before it left.
test.describe.configure({ mode: "serial" });

test("the printed link makes one administrator", async ({ page, shop }) => {
  await page.goto(shop.setUpLink);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Welcome");
  await page.getByLabel("Your name").fill(keeper.name);
  await page.getByLabel("E-mail").fill(keeper.email);
  await page.locator("[name=password]").fill(keeper.password);
  await page.locator("[name=repeat]").fill("something else");
  await page.getByRole("button", { name: "Make administrator" }).click();
  await expect(page.getByRole("alert")).toContainText("The two passwords differ");
  await expect(page.getByLabel("Your name")).toHaveValue(keeper.name);
  await page.locator("[name=password]").fill(keeper.password);
  await page.locator("[name=repeat]").fill(keeper.password);
  await page.getByRole("button", { name: "Make administrator" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Dashboard");
  await expect(page.getByText("No orders yet.")).toBeVisible();
  expect(await figure(page, "Orders today")).toBe("0");

  const again = await page.goto(shop.setUpLink);
  expect(again?.status()).toBe(410);
  await expect(page.getByText("This set-up link was used or is too old.")).toBeVisible();
});

test("nobody gets in without the password, and signing in leads on", async ({ page }) => {
  await page.goto("/admin/orders?status=placed");
  await expect(page).toHaveURL(/\/admin\/sign-in/);
  await enter(page, keeper.email, "wrong password entirely");
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("E-mail")).toHaveValue(keeper.email);
  await expect(page.getByLabel("Password")).toHaveValue("");
  await enter(page, keeper.email, keeper.password);
  await expect(page).toHaveURL(/\/admin\/orders\?status=placed$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Orders");
});

test("the dashboard counts the orders that were made", async ({ page, api }) => {
  await api.createProduct({ title: "Reading Lamp", handle: "reading-lamp", price: 3200, stock: 20 });
  await api.createProduct({ title: "Paper Shade", handle: "paper-shade", price: 1250, stock: 6 });
  const orders = [
    await api.order("ada@example.com", [["reading-lamp", 2]]),
    await api.order("ben@example.com", [["paper-shade", 1]]),
    await api.order("cyd@example.com", [["reading-lamp", 1], ["paper-shade", 2]]),
  ];
  const revenue = orders.reduce((sum, order) => sum + order.totals.total.amount, 0);

  await signIn(page, keeper);
  expect(await figure(page, "Orders today")).toBe("3");
  expect(minor(await figure(page, "Revenue today"))).toBe(revenue);
  expect(minor(await figure(page, "Average order"))).toBe(Math.trunc(revenue / 3));
  const latest = page.getByRole("region", { name: "Latest orders" }).locator("tbody tr");
  await expect(latest).toHaveCount(3);
  await expect(latest.first()).toContainText(String(orders[2].number));
  // Six pieces, of which three are promised.
  await expect(page.getByRole("region", { name: "Running low" })).toContainText("Paper Shade");

  await page.getByRole("link", { name: "All orders" }).click();
  await page.getByRole("searchbox").fill("Ben@Example.com");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.locator("tbody tr")).toContainText("ben@example.com");
});

test("a product is found, edited, and the shop shows it", async ({ page }) => {
  await signIn(page, keeper);
  await page.goto("/admin/products");
  await expect(page.locator("tbody tr")).toHaveCount(2);
  await page.getByRole("searchbox").fill("reading");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByRole("link", { name: "Reading Lamp" }).click();

  // Another window opens the same version.
  const other = await page.context().newPage();
  await other.goto(page.url());

  await page.getByLabel("Title").fill("Reading Lamp No. 2");
  await page.locator('[name="variants/0/prices/0/price"]').fill("not a price");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("Reading Lamp No. 2");
  await page.locator('[name="variants/0/prices/0/price"]').fill("34.50");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved.", { exact: true })).toBeVisible();

  await other.getByLabel("Title").fill("Reading Lamp from the other window");
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await expect(other.getByText("Someone else has changed this product")).toBeVisible();
  await expect(other.getByLabel("Title")).toHaveValue("Reading Lamp from the other window");
  await other.close();

  const shopPage = await page.context().newPage();
  await expect(async () => {
    await shopPage.goto("/products/reading-lamp");
    await expect(shopPage.getByRole("heading", { level: 1 })).toHaveText("Reading Lamp No. 2", { timeout: 100 });
  }).toPass();
  await expect(shopPage.locator(".buy__price")).toContainText("$34.50");
  await shopPage.close();
});

test("stock is saved only over the number that was seen", async ({ page, api }) => {
  await signIn(page, keeper);
  await page.goto("/admin/products?q=shade");
  await page.getByRole("link", { name: "Paper Shade" }).click();
  const count = page.getByLabel("On hand: PAPER-SHADE");
  const seen = Number(await count.inputValue());
  await count.fill(String(seen + 4));
  await page.getByRole("button", { name: "Save stock" }).click();
  await expect(page.getByText("The stock was saved.")).toBeVisible();
  await expect(count).toHaveValue(String(seen + 4));

  await api.setStock("paper-shade", 50);
  await count.fill("7");
  await page.getByRole("button", { name: "Save stock" }).click();
  await expect(page.getByRole("alert")).toContainText("Some numbers were not saved");
  await expect(page.locator('[name="rows/0/expected"]')).toHaveValue("50");
});

test("an order is sent in two parcels, and the customer can follow them", async ({ page, api }) => {
  await api.setStock("paper-shade", 50);
  const order = await api.order("eve@example.com", [["paper-shade", 3]]);
  await signIn(page, keeper);
  await page.goto("/admin/orders?status=to-ship");
  await page.getByRole("link", { name: `#${order.number}` }).click();
  const parcels = page.getByRole("region", { name: "Fulfilment", exact: true });
  const pieces = parcels.getByRole("spinbutton");
  await expect(pieces).toHaveValue("3");
  await pieces.fill("2");
  await parcels.getByLabel("Carrier").fill("UPS");
  await parcels.getByLabel("Tracking number").fill("1Z999");
  await parcels.getByRole("button", { name: "Mark as shipped" }).click();
  await expect(page.getByText("Marked as shipped.")).toBeVisible();
  await expect(page.locator(".heading")).toContainText("Partly shipped");
  const link = parcels.getByRole("link", { name: /UPS 1Z999/ });
  await expect(link).toHaveAttribute("href", "https://www.ups.com/track?tracknum=1Z999");
  await expect(pieces).toHaveValue("1");
  await parcels.getByRole("button", { name: "Mark as shipped" }).click();
  await expect(page.locator(".heading")).not.toContainText("Partly shipped");
  await expect(pieces).toHaveCount(0);

  await page.goto(`/orders/${order.id}?token=${order.token}`);
  await expect(page.getByRole("link", { name: "Follow UPS 1Z999" })).toBeVisible();
  await expect(page.getByText("Shipped").first()).toBeVisible();
});

test("an order tells its story in money and stock, and can be cancelled", async ({ page, api }) => {
  const order = await api.order("dot@example.com", [["paper-shade", 3]]);
  await signIn(page, keeper);
  await page.goto(`/admin/orders?q=${order.number}`);
  await page.getByRole("link", { name: `#${order.number}` }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(String(order.number));
  await expect(page.locator(".timeline")).toContainText("Order placed");
  await expect(page.locator(".timeline")).toContainText("Payment captured");

  const sides = async () => {
    const sums = page.locator(".table--ledger .table__sum");
    const rows: number[][] = [];
    for (const sum of await sums.all()) {
      rows.push((await sum.locator(".numeric").allInnerTexts()).map(minor));
    }
    return rows;
  };
  const total = order.totals.total.amount;
  expect(await sides()).toEqual([[total, total]]);
  const movements = page.getByRole("region", { name: "Stock movements", exact: true });
  await expect(movements.locator("tbody tr")).toHaveCount(1);
  await expect(movements.locator("tbody tr")).toContainText("Reserved");

  await page.getByRole("link", { name: "Cancel order…" }).click();
  const question = page.getByRole("dialog");
  await expect(question).toContainText(`Cancel order #${order.number}?`);
  await question.getByRole("button", { name: "Keep it" }).click();
  await expect(question).toBeHidden();
  await page.getByRole("link", { name: "Cancel order…" }).click();
  await question.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByText("The order was cancelled and its money given back.")).toBeVisible();
  await expect(page.locator(".heading")).toContainText("Cancelled");
  await expect(page.locator(".heading")).toContainText("Refunded");
  expect(await sides()).toEqual([[total, total], [total, total]]);
  await expect(movements.locator("tbody tr")).toHaveCount(2);
  await expect(movements).toContainText("Released");
  await expect(page.getByRole("link", { name: "Cancel order…" })).toHaveCount(0);
});

test("a form without the session's token changes nothing", async ({ page }) => {
  await signIn(page, keeper);
  await page.goto("/admin/products?q=shade");
  await page.getByRole("link", { name: "Paper Shade" }).click();
  await page.locator("#product [name=csrf]").evaluate((field: HTMLInputElement) => field.remove());
  await page.getByLabel("Title").fill("Taken over");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  expect((await answered).status()).toBe(403);
  await expect(page.getByRole("main")).toContainText("nothing was changed");
  await page.goto("/admin/products?q=shade");
  await expect(page.getByRole("link", { name: "Paper Shade" })).toBeVisible();
});

test("signing out ends the session for good", async ({ page, context }) => {
  await signIn(page, keeper);
  const cookies = await context.cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/admin\/sign-in/);
  await page.goto("/admin/orders");
  await expect(page).toHaveURL(/\/admin\/sign-in/);
  // The cookie of the ended session, kept by someone, is worth nothing.
  await context.addCookies(cookies);
  await page.goto("/admin/orders");
  await expect(page).toHaveURL(/\/admin\/sign-in/);
});
