import { defineConfig, devices } from "@playwright/test";

import type { WorkerOptions } from "./support/test";

// Root needs --no-sandbox; the rest keeps Chromium from speaking to anyone but the shop.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--no-first-run",
];

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
  userAgent: devices["Pixel 7"].userAgent,
};
const withoutScript = { javaScriptEnabled: false };
const purchases = /(purchase|trouble)\.spec\.ts/;
const screens = process.env.UPDATE_SCREENSHOTS ? [] : /screens\.spec\.ts/;

export default defineConfig<object, WorkerOptions>({
  testDir: "tests",
  globalSetup: "./global-setup.ts",
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args },
    contextOptions: { reducedMotion: "reduce" },
    locale: "en-US",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "desktop", use: desktop, testIgnore: screens },
    {
      name: "desktop, PostgreSQL",
      use: { ...desktop, store: "postgres" },
      testMatch: [purchases, /admin\.spec\.ts/],
    },
    { name: "phone", use: phone, testMatch: [purchases, /pages\.spec\.ts/] },
    { name: "desktop without script", use: { ...desktop, ...withoutScript }, testMatch: purchases },
    { name: "phone without script", use: { ...phone, ...withoutScript }, testMatch: purchases },
  ],
});
