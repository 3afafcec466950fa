import { Shop } from "./support/shop";

/** Starts the demo shop that all tests share; how to reach it travels in the environment. */
export default async function start(): Promise<() => Promise<void>> {
  const shop = await Shop.start("demo");
  process.env.E2E_URL = shop.url;
  process.env.E2E_TOKEN = shop.createToken("admin");
  process.env.E2E_PASSWORD = shop.password;
  return () => shop.stop();
}
