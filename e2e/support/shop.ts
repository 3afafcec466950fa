import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? resolve(__dirname, "../../target");
  const path = resolve(process.env.STOA_BIN ?? join(target, "debug/stoa"));
  if (!existsSync(path)) {
    throw new Error(`${path} is not there: run \`cargo build -p stoa\`, or set STOA_BIN`);
  }
  return path;
}

/** What a test's environment says about shops must not reach the shop under test. */
function environment(database: string | undefined): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("STOA_"));
  return { ...Object.fromEntries(others), ...(database && { STOA_DATABASE__URL: database }) };
}

/** A running shop: the real binary with a data directory of its own. */
export class Shop {
  url = "";
  /** Of the administrator that `stoa demo` makes. */
  password = "";
  /** Printed by `stoa serve` while there is no administrator. */
  setUpLink = "";
  private output = "";

  private constructor(
    private readonly process: ChildProcess,
    private readonly data: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /**
   * Starts `stoa demo` or, with an empty data directory, `stoa serve`; on the PostgreSQL database at an
   * address, or the one that is embedded.
   */
  static async start(command: "demo" | "serve", database?: string): Promise<Shop> {
    const data = mkdtempSync(join(tmpdir(), "stoa-e2e-"));
    const args = [command, "--data", data, "--listen", "127.0.0.1:0"];
    const env = environment(database);
    const child = spawn(binary(), args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const shop = new Shop(child, data, env);
    await new Promise<void>((ready, failed) => {
      const timer = setTimeout(() => failed(new Error(`no shop after 60 s:\n${shop.output}`)), 60_000);
      const read = (chunk: Buffer) => {
        shop.output += chunk;
        const found = (pattern: RegExp) => shop.output.match(pattern)?.[1] ?? "";
        shop.url = found(/ at (http:\S+)\n/);
        shop.password = found(/Password: (\S+)\n/);
        shop.setUpLink = found(/first administrator: (\S+)\n/);
        // The last thing printed is the link where there is one, else the address of the back office.
        const last = command === "serve" ? shop.setUpLink : found(/Back office: (\S+)\n/);
        if (shop.url && last) {
          clearTimeout(timer);
          ready();
        }
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      child.on("exit", (code) => failed(new Error(`stoa ${command} ended with ${code}:\n${shop.output}`)));
    });
    return shop;
  }

  createToken(scope: string): string {
    const args = ["token", "create", "--scope", scope, "--data", this.data];
    const printed = execFileSync(binary(), args, { env: this.environment, stdio: ["ignore", "pipe", "ignore"] });
    return printed.toString().trim().split("\n").at(-1) ?? "";
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.process.once("exit", done));
    if (this.process.exitCode === null) {
      this.process.kill("SIGTERM");
      const timer = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.data, { recursive: true, force: true });
  }
}
