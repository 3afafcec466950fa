import { type BrowserContext, type Page, test as base } from "@playwright/test";

import { Api } from "./api";
import { Postgres } from "./postgres";
import { Shop } from "./shop";

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; global-setup.ts sets it`);
  return value;
}

/** The administrator of the demo shop. */
export const owner = {
  email: "owner@example.com",
  get password() {
    return required("E2E_PASSWORD");
  },
};

/**
 * Collects what no page may do: ask another origin for anything, write errors to the console
 * (browsers report violations of the content security policy there), throw, fail to load a part of
 * itself, or answer 5xx.
 */
function watch(context: BrowserContext, own: string): string[] {
  const faults: string[] = [];
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== own) {
      faults.push(`asks another origin: ${request.url()}`);
    }
  });
  context.on("response", (response) => {
    const request = response.request();
    const isPart = !["document", "fetch", "xhr"].includes(request.resourceType());
    if (response.status() >= 500 || (isPart && response.status() >= 400)) {
      faults.push(`${response.status()} for ${request.method()} ${response.url()}`);
    }
  });
  context.on("console", (message) => {
    // A page that is refused on purpose is reported here too; parts of pages are watched above.
    const isRefused = message.text().startsWith("Failed to load resource: the server responded with");
    if (message.type() === "error" && !isRefused) {
      faults.push(`console: ${message.text()} at ${message.location().url}`);
    }
  });
  context.on("weberror", (error) => faults.push(`uncaught: ${error.error()}`));
  return faults;
}

export interface WorkerOptions {
  /** What shops keep their data in. */
  store: "embedded" | "postgres";
}

interface WorkerFixtures {
  /** The server of shops that are not on the embedded database. */
  server: Postgres | undefined;
  /** The demo shop: where it is, and a token for everything. */
  demo: { url: string; token: string };
}

interface Fixtures {
  /** What programs may do in the demo shop. */
  api: Api;
  /** Whether pages may run script. */
  scripted: boolean;
  /** Whether the screen is a phone's. */
  phone: boolean;
  guard: void;
}

export const test = base.extend<Fixtures, WorkerOptions & WorkerFixtures>({
  store: ["embedded", { option: true, scope: "worker" }],
  server: [
    async ({ store }, use) => {
      const server = store === "postgres" ? await Postgres.start() : undefined;
      await use(server);
      await server?.stop();
    },
    { scope: "worker" },
  ],
  demo: [
    async ({ server }, use) => {
      if (!server) return use({ url: required("E2E_URL"), token: required("E2E_TOKEN") });
      const shop = await Shop.start("demo", server.newDatabase());
      await use({ url: shop.url, token: shop.createToken("admin") });
      await shop.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ demo }, use) => use(demo.url),
  api: async ({ demo }, use) => use(new Api(demo.url, demo.token)),
  scripted: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled !== false),
  phone: async ({ isMobile }, use) => use(!!isMobile),
  guard: [
    async ({ context, baseURL }, use) => {
      const faults = watch(context, new URL(baseURL ?? "").origin);
      await use();
      expect(faults, "what pages did that none may do").toEqual([]);
    },
    { auto: true },
  ],
});

export const expect = test.expect;
export type { Page };
