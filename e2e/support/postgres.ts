import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Debian keeps the programs of its versions. */
const DEBIAN = "/usr/lib/postgresql";

// Makes a cluster and starts its server, until standard input ends, which it does with the tests,
// however they end; then nothing is left.
const SCRIPT = `
set -eu
dir=$(mktemp -d "\${TMPDIR:-/tmp}/stoa-e2e-postgres.XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$BIN/initdb" -D "$dir/data" -U stoa -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 ||
    { cat "$dir/log" >&2; exit 1; }
"$BIN/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c port=5432 -c fsync=off \
    >>"$dir/log" 2>&1 </dev/null &
server=$!
until "$BIN/pg_isready" -q -h "$dir" -p 5432; do
    kill -0 $server 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
echo "$dir"
read -r _ || true
kill -QUIT $server
wait $server || true
`;

/** The folder with the server's programs: on the path, or the newest of Debian's. */
function programs(): string {
  const onPath = (process.env.PATH ?? "").split(delimiter);
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...onPath, ...versions.map((version) => join(DEBIAN, version, "bin"))];
  const needed = ["initdb", "postgres", "pg_isready", "createdb"];
  const found = folders.find((folder) => needed.every((name) => existsSync(join(folder, name))));
  if (!found) throw new Error("there is no PostgreSQL; install postgresql");
  return found;
}

/** A PostgreSQL server of the tests' own; its socket is in a temporary directory, so that it takes no port. */
export class Postgres {
  private databases = 0;

  private constructor(
    private readonly guard: ChildProcess,
    private readonly bin: string,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Postgres> {
    const bin = programs();
    // The server refuses to run as root; Debian's package makes a user for it.
    const asPostgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
    const [program, ...args] = [...(process.getuid?.() === 0 ? asPostgres : []), "sh", "-c", SCRIPT];
    const guard = spawn(program ?? "sh", args, {
      cwd: "/",
      env: { ...process.env, BIN: bin },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const folder = await new Promise<string>((ready, failed) => {
      guard.stdout?.once("data", (chunk: Buffer) => ready(chunk.toString().trim()));
      guard.once("error", failed);
      guard.once("exit", (code) => failed(new Error(`PostgreSQL has not started: ${code}`)));
    });
    return new Postgres(guard, bin, folder);
  }

  /** Makes an empty database and gives its address. */
  newDatabase(): string {
    const name = `test_${this.databases++}`;
    execFileSync(join(this.bin, "createdb"), ["-U", "stoa", "-h", this.folder, "-p", "5432", name]);
    return `postgres://stoa@${this.folder.replaceAll("/", "%2F")}:5432/${name}`;
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.guard.once("exit", done));
    this.guard.stdin?.end();
    await ended;
  }
}
