//! Quality and speed of the embedded search on the Icecat catalogue: nDCG@10 of human judgments,
//! clean and with one typing error a query; times with facets at 16 concurrent callers; size.
//! Ends with status 1 when a target is missed.
#![allow(missing_docs, reason = "a program, not a library")]

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use serde_json::Value;
use stoa_embedded::search::TantivyIndex;
use stoa_kernel::{Currency, Decimal, ProductId, Timestamp};
use stoa_ports::search::{
    DocAttribute, DocValue, FacetFilter, ProductDoc, SearchIndex, SearchQuery,
};
use uuid::Uuid;

/// Least nDCG@10 of the queries as written.
const CLEAN: f64 = 0.77;
/// Least nDCG@10 with one typing error in the longest word, mean over the kinds of errors.
const WITH_ERROR: f64 = 0.70;
/// Longest time of 99 of 100 searches with facets.
const P99: Duration = Duration::from_millis(20);
/// Results that are judged.
const DEPTH: usize = 10;
/// Products handed to the index at once.
const BATCH: usize = 500;

#[derive(Parser)]
#[command(about = "Measures quality and speed of the embedded search")]
struct Options {
    /// The folder with `icecat/products.jsonl.zst` and `icecat/judgments.csv`.
    #[arg(long)]
    data: PathBuf,
    /// An index to measure that an earlier run made, instead of making one.
    #[arg(long)]
    index: Option<PathBuf>,
    /// Concurrent callers.
    #[arg(long, default_value_t = 16)]
    callers: usize,
    /// How long to search, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Print the score of every query.
    #[arg(long)]
    verbose: bool,
}

/// Ratings from 0 to 3 of products, by query.
type Judgments = BTreeMap<String, HashMap<ProductId, f64>>;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    match &options.index {
        Some(index) => measure(&options, index).await,
        None => {
            let directory = tempfile::tempdir()?;
            fill(directory.path(), &options.data).await?;
            // In a process of its own, so that the memory of filling does not count.
            let status = std::process::Command::new(std::env::current_exe()?)
                .args(std::env::args_os().skip(1))
                .arg("--index")
                .arg(directory.path())
                .status()?;
            Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

async fn measure(options: &Options, directory: &Path) -> anyhow::Result<ExitCode> {
    let judgments = read_judgments(&options.data.join("icecat/judgments.csv"))?;
    let before = resident_mb();
    let started = Instant::now();
    let index = Arc::new(TantivyIndex::open(directory)?);
    println!("opened in {:.1} ms", milliseconds(started.elapsed()));
    println!("index size {:.1} MB", size_of(directory)? as f64 / 1e6);
    println!("resident {:.0} MB more than before opening", resident_mb() - before);

    let mut missed = Vec::new();
    let clean = mean_ndcg(&index, &judgments, str::to_owned, options.verbose).await?;
    println!("nDCG@10 clean                {clean:.4} (target {CLEAN})");
    if clean < CLEAN {
        missed.push("nDCG@10 clean");
    }
    let mut sum = 0.0;
    for kind in ErrorKind::ALL {
        let mut of_kind = 0.0;
        for seed in 0..3 {
            of_kind += mean_ndcg(
                &index,
                &judgments,
                |query| kind.apply(query, seed),
                options.verbose && seed == 0,
            )
            .await?;
        }
        println!("nDCG@10 {:<20} {:.4}", format!("{kind:?}"), of_kind / 3.0);
        sum += of_kind / 3.0;
    }
    let with_error = sum / ErrorKind::ALL.len() as f64;
    println!("nDCG@10 with one error       {with_error:.4} (target {WITH_ERROR})");
    if with_error < WITH_ERROR {
        missed.push("nDCG@10 with one error");
    }

    let texts: Vec<String> = judgments.keys().cloned().collect();
    let queries = mixed_queries(&index, &texts).await?;
    let cpu = cpu_seconds();
    let searches = load(&index, &queries, options.callers, options.seconds).await?;
    let cpu_ms = (cpu_seconds() - cpu) * 1e3 / searches.len().max(1) as f64;
    println!("one search with facets takes {cpu_ms:.3} ms of processor time");
    report("search with facets", &searches, options.seconds);
    if percentile(&searches, 0.99) > P99 {
        missed.push("p99 of searches");
    }
    println!("resident {:.0} MB more than before opening", resident_mb() - before);
    let suggestions = suggest_load(&index, &texts, options.callers, options.seconds.min(3)).await?;
    report("suggest", &suggestions, options.seconds.min(3));
    apply_cost(&index).await?;
    println!("resident {:.0} MB more than before opening", resident_mb() - before);
    if !missed.is_empty() {
        println!("MISSED: {}", missed.join(", "));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Indexes the whole catalogue as `stoa rebuild search` would.
async fn fill(directory: &Path, data: &Path) -> anyhow::Result<()> {
    let products = read_products(&data.join("icecat/products.jsonl.zst"))?;
    let count = products.len();
    let started = Instant::now();
    let index = TantivyIndex::open(directory)?;
    let mut rebuild = index.rebuild().await?;
    let mut products = products.into_iter().peekable();
    while products.peek().is_some() {
        rebuild.add(products.by_ref().take(BATCH).collect()).await?;
    }
    rebuild.finish(1).await?;
    anyhow::ensure!(index.len().await? == count as u64, "products are missing");
    println!("{count} products indexed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn id_of(number: &str) -> anyhow::Result<ProductId> {
    let number: u128 = number.parse().context("a product number")?;
    Ok(ProductId::from_uuid(Uuid::from_u128(number)))
}

fn read_products(path: &Path) -> anyhow::Result<Vec<ProductDoc>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let reader = BufReader::new(ruzstd::decoding::StreamingDecoder::new(BufReader::new(file))?);
    let mut products = Vec::new();
    for (line, text) in reader.lines().enumerate() {
        let product = serde_json::from_str(&text?)
            .map_err(anyhow::Error::from)
            .and_then(|json| product(&json))
            .with_context(|| format!("line {}", line + 1))?;
        products.push(product);
    }
    Ok(products)
}

fn product(json: &Value) -> anyhow::Result<ProductDoc> {
    let object = json.as_object().context("an object")?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut codes = vec![text("name").to_owned()];
    for ean in object.get("ean").and_then(Value::as_array).into_iter().flatten() {
        codes.extend(ean.as_str().map(str::to_owned));
    }
    let attributes = object.iter().filter_map(|(name, value)| attribute(name, value)).collect();
    let released = text("date_released").parse().unwrap_or(Timestamp::EPOCH);
    Ok(ProductDoc {
        id: id_of(text("id"))?,
        handle: format!("product-{}", text("id")),
        title: text("title").to_owned(),
        brand: Some(text("supplier").to_owned()).filter(|brand| !brand.is_empty()),
        category_path: Vec::new(),
        category_names: Vec::new(),
        product_type: None,
        tags: Vec::new(),
        description: text("short_description").to_owned(),
        attributes,
        codes,
        prices: object
            .get("price")
            .and_then(Value::as_i64)
            .map(|minor| (Currency::USD, minor))
            .into_iter()
            .collect(),
        in_stock: !text("id").ends_with('7'),
        created_at: released,
    })
}

fn attribute(name: &str, value: &Value) -> Option<DocAttribute> {
    let (kind, key) = name.strip_prefix("attr_")?.split_once('_')?;
    let value = match (kind, value) {
        ("t", Value::String(text)) => DocValue::Text(text.clone()),
        ("n", Value::Number(number)) => {
            DocValue::Number(number.to_string().parse::<Decimal>().ok()?, None)
        }
        ("b", Value::Bool(yes)) => DocValue::Boolean(*yes),
        _ => return None,
    };
    Some(DocAttribute { key: key.to_owned(), label: key.replace('_', " "), value })
}

fn read_judgments(path: &Path) -> anyhow::Result<Judgments> {
    let mut text = String::new();
    File::open(path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .read_to_string(&mut text)?;
    let mut judgments = Judgments::new();
    for line in text.lines().skip(1) {
        let mut parts = line.rsplitn(3, ',');
        let rating: f64 = parts.next().context("a rating")?.parse()?;
        let product = id_of(parts.next().context("a product")?)?;
        let query = parts.next().context("a query")?.trim_matches('"');
        judgments.entry(query.to_owned()).or_default().insert(product, rating);
    }
    Ok(judgments)
}

/// Mean over the queries that have any good answer.
async fn mean_ndcg(
    index: &TantivyIndex,
    judgments: &Judgments,
    write: impl Fn(&str) -> String,
    verbose: bool,
) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    let mut queries = 0.0;
    for (text, ratings) in judgments {
        let mut ideal: Vec<f64> = ratings.values().map(|rating| rating / 3.0).collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let best = dcg(&ideal);
        if best == 0.0 {
            continue;
        }
        let written = write(text);
        let found = index
            .search(&SearchQuery {
                text: written.clone(),
                limit: DEPTH,
                facets: false,
                ..SearchQuery::all(Currency::USD)
            })
            .await?;
        let gains: Vec<f64> =
            found.ids.iter().map(|id| ratings.get(id).map_or(0.0, |rating| rating / 3.0)).collect();
        let ndcg = dcg(&gains) / best;
        if verbose {
            let judged = found.ids.iter().filter(|id| ratings.contains_key(id)).count();
            println!(
                "  {ndcg:.3} {text} [{written}] {} found, {judged} judged, {:?}",
                found.total, found.corrected
            );
        }
        sum += ndcg;
        queries += 1.0;
    }
    Ok(sum / queries)
}

fn dcg(gains: &[f64]) -> f64 {
    (2_u32..)
        .zip(gains.iter().take(DEPTH))
        .map(|(position, gain)| gain / f64::from(position).log2())
        .sum()
}

/// What goes wrong when people type.
#[derive(Debug, Clone, Copy)]
enum ErrorKind {
    Substitution,
    Deletion,
    Insertion,
    Transposition,
}

impl ErrorKind {
    const ALL: [Self; 4] =
        [Self::Substitution, Self::Deletion, Self::Insertion, Self::Transposition];

    /// The query with one error in its longest word, the same for the same seed.
    fn apply(self, query: &str, seed: u64) -> String {
        let mut words: Vec<Vec<char>> =
            query.split(' ').map(|word| word.chars().collect()).collect();
        let Some(longest) = (0..words.len()).max_by_key(|index| words.get(*index).map(Vec::len))
        else {
            return query.to_owned();
        };
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9).wrapping_add(hash(query)));
        if let Some(word) = words.get_mut(longest).filter(|word| word.len() > 2) {
            let letter = char::from(b'a' + u8::try_from(random.below(26)).unwrap_or(0));
            let place = random.below(word.len());
            match self {
                Self::Substitution => {
                    if let Some(slot) = word.get_mut(place) {
                        *slot = if *slot == letter { 'q' } else { letter };
                    }
                }
                Self::Deletion => {
                    word.remove(place);
                }
                Self::Insertion => word.insert(place, letter),
                Self::Transposition => {
                    let place = place.min(word.len() - 2);
                    word.swap(place, place + 1);
                }
            }
        }
        let words: Vec<String> = words.into_iter().map(|word| word.into_iter().collect()).collect();
        words.join(" ")
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `splitmix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = bound.max(1) as u64;
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap_or(0)
    }
}

/// The queries as people use them: plain, with each of their first facet values chosen, sorted,
/// with a typing error; and the whole catalogue.
async fn mixed_queries(index: &TantivyIndex, texts: &[String]) -> anyhow::Result<Vec<SearchQuery>> {
    let mut queries = Vec::new();
    for (seed, text) in (0..).zip(texts) {
        let plain = SearchQuery { text: text.clone(), ..SearchQuery::all(Currency::USD) };
        let found = index.search(&plain).await?;
        for facet in found
            .facets
            .iter()
            .filter(|facet| facet.field == "brand" || facet.field.starts_with("attr."))
        {
            let Some(value) = facet.values.first() else {
                continue;
            };
            queries.push(SearchQuery {
                filters: vec![FacetFilter {
                    field: facet.field.clone(),
                    values: vec![value.value.clone()],
                }],
                ..plain.clone()
            });
        }
        for kind in ErrorKind::ALL {
            queries.push(SearchQuery { text: kind.apply(text, seed), ..plain.clone() });
        }
        queries.push(SearchQuery {
            price_min: Some(10_000),
            price_max: Some(50_000),
            in_stock: Some(true),
            ..plain.clone()
        });
        queries.push(plain);
    }
    let everything = SearchQuery::all(Currency::USD);
    for _ in 0..queries.len() / 20 {
        queries.push(everything.clone());
    }
    Ok(queries)
}

async fn load(
    index: &Arc<TantivyIndex>,
    queries: &[SearchQuery],
    callers: usize,
    seconds: u64,
) -> anyhow::Result<Vec<Duration>> {
    let queries: Arc<Vec<SearchQuery>> = Arc::new(queries.to_vec());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let (index, queries) = (Arc::clone(index), Arc::clone(&queries));
        tasks.push(tokio::spawn(async move {
            let mut random = Random(caller as u64);
            let mut times = Vec::new();
            while Instant::now() < end {
                if let Some(query) = queries.get(random.below(queries.len())) {
                    let started = Instant::now();
                    // A request waits for its turn too.
                    tokio::task::yield_now().await;
                    index.search(query).await?;
                    times.push(started.elapsed());
                }
            }
            anyhow::Ok(times)
        }));
    }
    collect(tasks).await
}

async fn suggest_load(
    index: &Arc<TantivyIndex>,
    texts: &[String],
    callers: usize,
    seconds: u64,
) -> anyhow::Result<Vec<Duration>> {
    let texts: Arc<Vec<String>> = Arc::new(texts.to_vec());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let (index, texts) = (Arc::clone(index), Arc::clone(&texts));
        tasks.push(tokio::spawn(async move {
            let mut random = Random(caller as u64);
            let mut times = Vec::new();
            while Instant::now() < end {
                if let Some(text) = texts.get(random.below(texts.len())) {
                    let length = 1 + random.below(text.chars().count());
                    let prefix: String = text.chars().take(length).collect();
                    let started = Instant::now();
                    // A request waits for its turn too.
                    tokio::task::yield_now().await;
                    index.suggest(&prefix, 8).await?;
                    times.push(started.elapsed());
                }
            }
            anyhow::Ok(times)
        }));
    }
    collect(tasks).await
}

async fn collect(
    tasks: Vec<tokio::task::JoinHandle<anyhow::Result<Vec<Duration>>>>,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort_unstable();
    Ok(times)
}

/// What it costs to change one product, fifty times in a row.
async fn apply_cost(index: &TantivyIndex) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for offset in 2..52 {
        let doc = ProductDoc {
            id: id_of("999999999999")?,
            handle: "changing".to_owned(),
            title: "A product that changes".to_owned(),
            brand: None,
            category_path: Vec::new(),
            category_names: Vec::new(),
            product_type: None,
            tags: Vec::new(),
            description: String::new(),
            attributes: Vec::new(),
            codes: Vec::new(),
            prices: vec![(Currency::USD, offset)],
            in_stock: offset % 2 == 0,
            created_at: Timestamp::EPOCH,
        };
        let started = Instant::now();
        index.apply(vec![doc], Vec::new(), offset).await?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    println!(
        "apply one product            p50 {:.1} ms, p99 {:.1} ms",
        milliseconds(percentile(&times, 0.5)),
        milliseconds(percentile(&times, 0.99))
    );
    Ok(())
}

fn report(what: &str, sorted: &[Duration], seconds: u64) {
    println!(
        "{what:<28} {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, slowest {:.2} ms",
        sorted.len() as f64 / seconds as f64,
        milliseconds(percentile(sorted, 0.5)),
        milliseconds(percentile(sorted, 0.99)),
        milliseconds(sorted.last().copied().unwrap_or_default()),
    );
}

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a valid length"
    )]
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn size_of(path: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Processor time of this process in seconds, as Linux tells it in ticks of 10 ms. Unlike the
/// other times it hardly depends on what else the machine does.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_ascii_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Resident memory of this process in megabytes, as Linux tells it.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|text| text.trim().trim_end_matches(" kB").trim().parse::<f64>().ok())
        .map_or(0.0, |kilobytes| kilobytes / 1024.0)
}
