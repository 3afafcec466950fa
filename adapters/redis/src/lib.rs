//! The cache on Redis 7, a single server or a cluster, shared by all processes of a shop.
//!
//! Each call touches one key, so that on a cluster it concerns one node. Buckets change in Lua on
//! the server and by its clock: takers of many processes cannot come between each other, whatever
//! their own clocks say.

use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisFuture, Script,
    Value,
};
use stoa_ports::cache::{Bucket, CacheError, CacheStore, Quota, Taken};

/// How long a connection may take. Made in the background only.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a call may take: a shopper waits for it, and can be served without.
const ANSWER: Duration = Duration::from_millis(300);

/// What a bucket holds is the time at which it is full again, as on paper in `Quota::answer`.
/// Returns whether a token was taken, and how long until the bucket is full.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local interval, full = tonumber(ARGV[1]), tonumber(ARGV[2])
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local lacks = tonumber(redis.call('GET', KEYS[1]) or now) - now
        lacks = math.min(math.max(lacks, 0), full)
        local after = lacks + interval
        if after > full then return {0, lacks} end
        redis.call('SET', KEYS[1], string.format('%.0f', now + after),
            'PX', math.ceil(after / 1000))
        return {1, after}
        ",
    )
});

static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local lacks = tonumber(redis.call('GET', KEYS[1]) or now) - now - tonumber(ARGV[1])
        if lacks > 0 then
            redis.call('SET', KEYS[1], string.format('%.0f', now + lacks),
                'PX', math.ceil(lacks / 1000))
        else
            redis.call('DEL', KEYS[1])
        end
        return 0
        ",
    )
});

enum Server {
    Single(Client),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// A cache on Redis.
pub struct RedisCache {
    server: Server,
    prefix: String,
    connection: RwLock<Option<Connection>>,
}

impl std::fmt::Debug for RedisCache {
    // Addresses hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisCache").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn error(error: &RedisError) -> CacheError {
    CacheError(error.to_string())
}

impl RedisCache {
    /// A cache at these addresses (`redis://[user:password@]host[:port][/database]`): one server,
    /// or some nodes of a cluster, from which the others are learnt. Keys begin with `prefix`.
    /// Nothing is connected yet: [`CacheStore::ping`] does that.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(urls: &[String], prefix: &str) -> Result<Self, CacheError> {
        let server = match urls {
            [url] => Server::Single(Client::open(url.as_str()).map_err(|e| error(&e))?),
            urls => {
                let nodes = urls.iter().map(String::as_str);
                let builder = ClusterClient::builder(nodes)
                    .connection_timeout(CONNECT)
                    .response_timeout(ANSWER)
                    .overall_response_timeout(Some(ANSWER))
                    .retries(3)
                    .min_retry_wait(5)
                    .max_retry_wait(50);
                Server::Cluster(Box::new(builder.build().map_err(|e| error(&e))?))
            }
        };
        Ok(Self { server, prefix: prefix.to_owned(), connection: RwLock::new(None) })
    }

    async fn connect(&self) -> Result<Connection, CacheError> {
        let made = tokio::time::timeout(CONNECT * 2, self.try_connect()).await;
        made.map_err(|_| CacheError("connecting takes too long".to_owned()))?.map_err(|e| error(&e))
    }

    async fn try_connect(&self) -> Result<Connection, RedisError> {
        match &self.server {
            Server::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT))
                    .set_response_timeout(Some(ANSWER));
                let made = client.get_multiplexed_async_connection_with_config(&config).await?;
                Ok(Connection::Single(made))
            }
            Server::Cluster(client) => {
                Ok(Connection::Cluster(client.get_async_connection().await?))
            }
        }
    }

    fn held(&self) -> Option<Connection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, connection: Option<Connection>) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    fn connection(&self) -> Result<Connection, CacheError> {
        self.held().ok_or_else(|| CacheError("there is no connection".to_owned()))
    }

    async fn call<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        let mut connection = self.connection()?;
        command.query_async(&mut connection).await.map_err(|e| error(&e))
    }

    fn bucket_key(&self, bucket: Bucket) -> String {
        format!("{}:limit:{}:{:032x}", self.prefix, bucket.limit, bucket.who)
    }

    fn value_key(&self, key: &str) -> String {
        format!("{}:value:{key}", self.prefix)
    }

    fn set(&self, key: &str, value: &[u8], keep: Duration) -> Cmd {
        let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        let mut command = redis::cmd("SET");
        command.arg(self.value_key(key)).arg(value).arg("PX").arg(millis);
        command
    }
}

#[async_trait]
impl CacheStore for RedisCache {
    async fn take(&self, bucket: Bucket, quota: Quota) -> Result<Taken, CacheError> {
        let mut connection = self.connection()?;
        let mut call = TAKE.key(self.bucket_key(bucket));
        call.arg(quota.interval_us()).arg(quota.full_us());
        let answer: Result<(u8, u64), _> = call.invoke_async(&mut connection).await;
        let (allowed, lacks) = answer.map_err(|e| error(&e))?;
        Ok(quota.answer(allowed == 1, lacks))
    }

    async fn give_back(&self, bucket: Bucket, quota: Quota) -> Result<(), CacheError> {
        let mut connection = self.connection()?;
        let mut call = GIVE_BACK.key(self.bucket_key(bucket));
        call.arg(quota.interval_us());
        call.invoke_async(&mut connection).await.map_err(|e| error(&e))
    }

    async fn forgive(&self, bucket: Bucket) -> Result<(), CacheError> {
        self.call(redis::cmd("DEL").arg(self.bucket_key(bucket))).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        self.call(redis::cmd("GET").arg(self.value_key(key))).await
    }

    async fn put(&self, key: &str, value: &[u8], keep: Duration) -> Result<(), CacheError> {
        self.call(&self.set(key, value, keep)).await
    }

    async fn add(&self, key: &str, value: &[u8], keep: Duration) -> Result<bool, CacheError> {
        let kept: Option<String> = self.call(self.set(key, value, keep).arg("NX")).await?;
        Ok(kept.is_some())
    }

    async fn ping(&self) -> Result<(), CacheError> {
        if self.held().is_none() {
            self.hold(Some(self.connect().await?));
        }
        // Reads as calls do: a node that is loading, or a cluster without all its slots, refuses.
        let answer = self.get("ping").await;
        if answer.is_err() {
            self.hold(None);
        }
        answer.map(drop)
    }
}
