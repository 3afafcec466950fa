//! The network between shop and database cuts, delays, half closes, refuses and swallows, while shoppers
//! buy. Nothing that was acknowledged is lost, nobody waits for ever, and the shop recovers by itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stoa_test_stores::Store;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, watch};

use crate::catalogue::simple;
use crate::crash::{Dice, each_is_there_once, seed};
use crate::endurance::{Shopping, assert_all_placed, under_load};
use crate::shop::{Shop, within};

/// Rounds of small trouble, each of which ends with a network that swallows everything.
const ROUNDS: usize = 3;
/// Troubles of a round.
const TROUBLES: usize = 20;
/// How long a try to buy something may take, good or bad: as long as a transaction that writes waits for
/// an answer (12 s), then for another connection (3 s), and as much again for a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// What happens to the connections of a moment.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// Everything arrives later.
    Delay(Duration),
    /// Nothing arrives any more, and nobody is told.
    Swallow,
    /// The shop is told that the server says no more, or the other way around.
    HalfClose {
        server: bool,
    },
    Cut,
}

/// A proxy in front of a database.
struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    runtime: Runtime,
}

#[derive(Default)]
struct State {
    refuses: AtomicBool,
    connections: Mutex<Vec<watch::Sender<Trouble>>>,
    /// Those that swallow, until the shop or the server gives up.
    lost: Mutex<Vec<watch::Sender<Trouble>>>,
}

impl Proxy {
    /// In front of a server's socket.
    fn start(socket: PathBuf) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let state = Arc::new(State::default());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let of_task = Arc::clone(&state);
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if of_task.refuses.load(Ordering::Relaxed) {
                    continue; // Ends it.
                }
                let Ok(server) = UnixStream::connect(&socket).await else { continue };
                let (tell, told) = watch::channel(Trouble::None);
                let mut connections = of_task.connections.lock().await;
                connections.retain(|one| !one.is_closed());
                connections.push(tell);
                drop(connections);
                tokio::spawn(forward(client, server, told));
            }
        });
        Self { address, state, runtime }
    }

    /// Does the same to every connection there is now.
    fn trouble(&self, trouble: Trouble) {
        self.runtime.block_on(async {
            let mut connections = self.state.connections.lock().await;
            for one in connections.iter() {
                one.send_replace(trouble);
            }
            if trouble == Trouble::Swallow {
                self.state.lost.lock().await.append(&mut connections);
            }
        });
    }

    fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::Relaxed);
    }
}

async fn forward(client: TcpStream, server: UnixStream, told: watch::Receiver<Trouble>) {
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    // When one direction ends, so does the connection.
    tokio::select! {
        () = pump(from_client, to_server, told.clone(), true) => {}
        () = pump(from_server, to_client, told, false) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut told: watch::Receiver<Trouble>,
    to_server: bool,
) {
    let mut some = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut some) => read,
            changed = told.changed() => {
                let heard = *told.borrow_and_update();
                match heard {
                    Trouble::Cut => return,
                    Trouble::HalfClose { server } if server == to_server => {
                        let _gone = to.shutdown().await;
                    }
                    _ => {}
                }
                if changed.is_err() {
                    return;
                }
                continue;
            }
        };
        let Ok(n @ 1..) = read else { return };
        let trouble = *told.borrow();
        match trouble {
            Trouble::Swallow => continue,
            Trouble::HalfClose { server } if server == to_server => continue,
            Trouble::Delay(time) => tokio::time::sleep(time).await,
            _ => {}
        }
        if to.write_all(&some[..n]).await.is_err() {
            return;
        }
    }
}

/// The file of the socket that an address names, and the name of the database.
fn socket_of(address: &str) -> (PathBuf, String) {
    let (_, rest) = address.split_once('@').unwrap();
    let (place, database) = rest.split_once('/').unwrap();
    let (folder, port) = place.rsplit_once(':').unwrap();
    let file = format!("{}/.s.PGSQL.{port}", folder.replace("%2F", "/"));
    (file.into(), database.to_owned())
}

fn millis(dice: &mut Dice, at_most: u64) -> Duration {
    Duration::from_millis(dice.roll(at_most))
}

fn one_trouble(proxy: &Proxy, dice: &mut Dice) {
    match dice.roll(4) {
        0 => proxy.trouble(Trouble::Cut),
        1 => {
            proxy.trouble(Trouble::Delay(millis(dice, 100)));
            std::thread::sleep(millis(dice, 300));
            proxy.trouble(Trouble::None);
        }
        2 => proxy.trouble(Trouble::HalfClose { server: dice.roll(2) == 0 }),
        _ => {
            proxy.refuse(true);
            proxy.trouble(Trouble::Cut);
            std::thread::sleep(millis(dice, 300));
            proxy.refuse(false);
        }
    }
}

#[test]
fn the_network_to_the_database_is_in_trouble() {
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let Store::Postgres(address) = Store::postgres().unwrap() else { panic!("another store") };
    let (socket, database) = socket_of(&address);
    let proxy = Proxy::start(socket);
    let by_proxy = format!("postgres://stoa@{}/{database}?sslmode=disable", proxy.address);
    let shop = Shop::on(Store::Postgres(address))
        .set("STOA_DATABASE__URL", &by_proxy)
        .stocked(&[simple("soap", 450, 1_000_000)])
        .open();
    let mut all = Shopping::default();
    for round in 0..ROUNDS {
        let n_orders = || shop.count("select count(*) from orders where status = 'placed'");
        let shopping = under_load(&[&shop], &round.to_string(), || {
            for _ in 0..TROUBLES {
                std::thread::sleep(millis(&mut dice, 300));
                one_trouble(&proxy, &mut dice);
            }
            proxy.trouble(Trouble::Swallow);
            // What is on its way is on connections that are lost; what comes then is not.
            let before = n_orders();
            within(LONGEST, "orders are taken again", || n_orders() > before + 1);
        });
        assert!(shopping.longest < LONGEST, "a try took {:?}", shopping.longest);
        println!("round {round}: the longest try took {:?}", shopping.longest);
        all.add(shopping);
        assert!(shop.lives());
        assert_all_placed(&shop, &all.bought);
    }
    println!("{} orders, {} failures", all.bought.len(), all.failures);
    assert!(all.failures > 0, "no trouble hit anything");
    each_is_there_once(&shop, &all.bought);
    shop.get("/health/ready").expect(200);
    shop.assert_sound();
}
