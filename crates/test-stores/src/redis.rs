//! Redis for tests: a server or a cluster of three on free ports, the files in a temporary
//! directory. It ends with its value, or with the process, however that ends.

use std::net::TcpListener;
use std::process::Command;

use anyhow::Context;

use crate::guard::Guard;

/// Starts servers, and kills and starts them when told to, until its standard input ends.
const SCRIPT: &str = r#"
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/stoa-redis.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
fail() { cat "$dir/log" >&2; exit 1; }
start() {
    pids=
    for pair in $PORTS; do
        port=${pair%:*}
        more=
        if [ -n "$CLUSTER" ]; then
            more="--cluster-enabled yes --cluster-config-file nodes-$port --cluster-port ${pair#*:}"
        fi
        redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" \
            --dbfilename "dump-$port" --daemonize no $more >>"$dir/log" 2>&1 </dev/null &
        pids="$pids $!"
    done
    for pair in $PORTS; do
        until [ "$(redis-cli -p "${pair%:*}" ping 2>>"$dir/log")" = PONG ]; do
            for pid in $pids; do kill -0 "$pid" 2>/dev/null || fail; done
            sleep 0.05
        done
    done
    if [ -n "$CLUSTER" ]; then
        nodes=
        for pair in $PORTS; do nodes="$nodes 127.0.0.1:${pair%:*}"; done
        if [ ! -e made ]; then
            redis-cli --cluster create $nodes --cluster-yes >>"$dir/log" 2>&1 || fail
            touch made
        fi
        for pair in $PORTS; do
            until redis-cli -p "${pair%:*}" cluster info | grep -q cluster_state:ok; do
                sleep 0.05
            done
        done
    fi
    echo ready
}
stop() {
    kill -KILL $pids 2>/dev/null || true
    wait $pids || true
}
start
while read -r word; do
    case $word in
        kill) stop; echo gone ;;
        start) start ;;
    esac
done
stop
"#;

/// Redis, which ends with this value.
#[derive(Debug)]
pub struct Redis {
    ports: Vec<u16>,
    guard: Guard,
}

impl Redis {
    /// One server.
    ///
    /// # Errors
    /// Redis is not installed or does not start.
    pub fn single() -> anyhow::Result<Self> {
        Self::start(1)
    }

    /// A cluster of three.
    ///
    /// # Errors
    /// Redis is not installed or does not start.
    pub fn cluster() -> anyhow::Result<Self> {
        Self::start(3)
    }

    fn start(nodes: usize) -> anyhow::Result<Self> {
        // Somebody may take a port between our finding it free and the server's opening it.
        Self::try_start(nodes).or_else(|_| Self::try_start(nodes)).context("Redis for tests")
    }

    fn try_start(nodes: usize) -> anyhow::Result<Self> {
        let open = (0..nodes * 2).map(|_| TcpListener::bind("127.0.0.1:0"));
        let open = open.collect::<Result<Vec<_>, _>>()?;
        let found = open.iter().map(|listener| Ok(listener.local_addr()?.port()));
        let found = found.collect::<anyhow::Result<Vec<u16>>>()?;
        drop(open);
        let (ports, buses) = found.split_at(nodes);
        let pairs = ports.iter().zip(buses).map(|(port, bus)| format!("{port}:{bus}"));
        let mut shell = Command::new("sh");
        shell
            .env("PORTS", pairs.collect::<Vec<_>>().join(" "))
            .env("CLUSTER", if nodes > 1 { "yes" } else { "" });
        let (guard, _ready) = Guard::start(&mut shell, SCRIPT)?;
        Ok(Self { ports: ports.to_vec(), guard })
    }

    /// The address of each server.
    pub fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// Kills all servers, as a power cut would.
    ///
    /// # Errors
    /// They have ended already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.guard.tell("kill")
    }

    /// Starts them again on the same ports, empty.
    ///
    /// # Errors
    /// They do not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.guard.tell("start")
    }
}
