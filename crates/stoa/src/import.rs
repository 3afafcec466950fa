//! `stoa import` and `stoa export`: products from and to files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use stoa_app::catalog::export::{ShopifyColumns, write_products, write_shopify};
use stoa_app::catalog::import::{
    self, BadRow, DraftSink, Options, Progress, RowResult, Summary, Watermark, checked, icecat,
    native, shopify, source,
};
use stoa_domain::catalog::Draft;
use stoa_kernel::Currency;

/// Arguments of `stoa import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    format: ImportFormat,
}

#[derive(Debug, Subcommand)]
enum ImportFormat {
    /// A product CSV exported from Shopify.
    Shopify {
        #[command(flatten)]
        common: Common,
        /// Currency of the prices, e.g. EUR; the shop's own unless given.
        #[arg(long, value_name = "CODE")]
        currency: Option<Currency>,
    },
    /// Products of the Icecat open catalogue, one JSON object a line.
    Icecat {
        #[command(flatten)]
        common: Common,
        /// Currency of the prices.
        #[arg(long, value_name = "CODE", default_value = "USD")]
        currency: Currency,
        /// Keep the addresses of pictures; pages that show them ask another host for them.
        #[arg(long)]
        with_images: bool,
    },
    /// Products that `stoa export products` wrote.
    Products {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// The file, plain or packed with gzip or zstd; `-` reads standard input.
    file: PathBuf,
    /// Read and check everything, but write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Fail when any product was rejected.
    #[arg(long)]
    strict: bool,
}

/// Arguments of `stoa export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    what: ExportWhat,
}

#[derive(Debug, Subcommand)]
enum ExportWhat {
    /// All products, in a form that `stoa import` reads back.
    Products {
        /// The file to write; `-` writes to standard output.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// One JSON object a line with everything, or a Shopify product CSV.
        #[arg(long, value_enum, default_value_t = ExportFormat::Native)]
        format: ExportFormat,
        /// Currency of the main price column of a CSV; the shop's own unless given.
        #[arg(long, value_name = "CODE")]
        currency: Option<Currency>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    Native,
    Shopify,
}

/// Imports a file into `sink`. Faults go to standard error as `FILE:LINE: reason` while they are
/// found, the summary after them. The code is 0 where products were accepted, whatever was
/// rejected beside them (unless `--strict`), and 1 where none could be read or the import stopped.
///
/// # Errors
/// The file cannot be opened or unpacked.
pub(crate) async fn import(
    args: &ImportArgs,
    sink: &dyn DraftSink,
    shop_currency: Currency,
) -> anyhow::Result<ExitCode> {
    let common = match &args.format {
        ImportFormat::Shopify { common, .. }
        | ImportFormat::Icecat { common, .. }
        | ImportFormat::Products { common } => common,
    };
    let summary = summarise(&args.format, common, sink, shop_currency).await?;
    eprintln!("{summary}");
    Ok(if succeeded(&summary, common.strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const fn succeeded(summary: &Summary, strict: bool) -> bool {
    let nothing_read = summary.faults > 0 && summary.accepted() == 0;
    summary.stopped.is_none() && !nothing_read && !(strict && summary.rejected > 0)
}

async fn summarise(
    format: &ImportFormat,
    common: &Common,
    sink: &dyn DraftSink,
    shop_currency: Currency,
) -> anyhow::Result<Summary> {
    let in_context = || format!("cannot read {}", name_of(&common.file));
    let input = Input::open(&common.file, matches!(format, ImportFormat::Shopify { .. }))
        .with_context(in_context)?;
    let total = input.size();
    let (rows, bytes): (Box<dyn Iterator<Item = RowResult> + Send>, source::BytesRead) =
        match format {
            ImportFormat::Shopify { currency, .. } => {
                let currency = currency.unwrap_or(shop_currency);
                let (first, second) = input.twice().with_context(in_context)?;
                let (text, _) = source::open(first.rewound()?).with_context(in_context)?;
                let scattered = shopify::scattered(text);
                let (text, bytes) = source::open(second.rewound()?).with_context(in_context)?;
                let rows = scattered
                    .and_then(|scattered| shopify::rows(text, currency, scattered))
                    .map_or_else(
                        |rejected| {
                            let none = std::iter::once(Err(rejected));
                            Box::new(none) as Box<dyn Iterator<Item = RowResult> + Send>
                        },
                        |rows| Box::new(rows),
                    );
                (rows, bytes)
            }
            ImportFormat::Icecat { currency, with_images, .. } => {
                let (text, bytes) = source::open(input.reader()).with_context(in_context)?;
                let options = icecat::Options { currency: *currency, with_images: *with_images };
                (Box::new(icecat::rows(text, options)), bytes)
            }
            ImportFormat::Products { .. } => {
                let (text, bytes) = source::open(input.reader()).with_context(in_context)?;
                (Box::new(native::rows(text)), bytes)
            }
        };
    let display = Display::new(name_of(&common.file), total, bytes);
    let options = Options { dry_run: common.dry_run, ..Options::default() };
    let summary = import::run(sink, checked(rows), &options, &display).await;
    display.finish();
    Ok(summary)
}

fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Where the bytes come from.
enum Input {
    File(File),
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// Opens the file; one that can be read only once (a pipe) is copied to a temporary file
    /// where it has to be read twice.
    fn open(path: &Path, twice: bool) -> io::Result<Self> {
        let mut stream: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path)?;
            if file.metadata()?.is_file() {
                return Ok(Self::File(file));
            }
            Box::new(file)
        };
        if !twice {
            return Ok(Self::Stream(stream));
        }
        let mut copy = tempfile::tempfile()?;
        io::copy(&mut stream, &mut copy)?;
        copy.rewind()?;
        Ok(Self::File(copy))
    }

    fn size(&self) -> Option<u64> {
        match self {
            Self::File(file) => file.metadata().ok().map(|metadata| metadata.len()),
            Self::Stream(_) => None,
        }
    }

    fn reader(self) -> Box<dyn Read + Send> {
        match self {
            Self::File(file) => Box::new(file),
            Self::Stream(stream) => stream,
        }
    }

    /// Two ways to the same file, to be read one after the other: they share their position.
    fn twice(self) -> io::Result<(OneOfTwo, OneOfTwo)> {
        match self {
            Self::File(file) => Ok((OneOfTwo(file.try_clone()?), OneOfTwo(file))),
            Self::Stream(_) => Err(io::Error::other("a stream cannot be read twice")),
        }
    }
}

struct OneOfTwo(File);

impl OneOfTwo {
    fn rewound(mut self) -> io::Result<File> {
        self.0.rewind()?;
        Ok(self.0)
    }
}

/// A bar on a terminal; elsewhere a line every five seconds.
struct Display {
    name: String,
    started: Instant,
    total: Option<u64>,
    bytes: source::BytesRead,
    bar: Option<ProgressBar>,
    last_line: Mutex<Duration>,
}

const LINE_EVERY: Duration = Duration::from_secs(5);

impl Display {
    fn new(name: String, total: Option<u64>, bytes: source::BytesRead) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, template) = match total {
                Some(total) => {
                    (ProgressBar::new(total), "{bar:30} {percent:>3} %  {msg}, {eta} left")
                }
                None => (ProgressBar::no_length(), "{spinner} {msg}, {elapsed}"),
            };
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            name,
            started: Instant::now(),
            total,
            bytes,
            bar,
            last_line: Mutex::new(Duration::ZERO),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, what: &str, row: &BadRow) {
        let line = format!("{}:{}: {what}{}", self.name, row.line, row.reason);
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

/// `12345 products, 2300/s, 3 rejected`.
fn status(to: Watermark, elapsed: Duration) -> String {
    let millis = elapsed.as_millis().max(1);
    let rate = u128::from(to.products) * 1_000 / millis;
    let rejected = match to.rejected {
        0 => String::new(),
        some => format!(", {some} rejected"),
    };
    format!("{} products, {rate}/s{rejected}", to.products)
}

/// Time left at the pace so far, for those who read lines.
fn left(done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rest = total.and_then(|total| {
        let rest = u128::from(total.saturating_sub(done));
        (u128::from(elapsed.as_secs()) * rest).checked_div(u128::from(done))
    });
    rest.map(|seconds| format!(", {seconds} s left")).unwrap_or_default()
}

impl Progress for Display {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn advanced(&self, to: Watermark) {
        let elapsed = self.elapsed();
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes.get());
            bar.set_message(status(to, elapsed));
            return;
        }
        let Ok(mut last) = self.last_line.lock() else {
            return;
        };
        if elapsed.saturating_sub(*last) >= LINE_EVERY {
            *last = elapsed;
            let left = left(self.bytes.get(), self.total, elapsed);
            eprintln!("{}: {}{left}", self.name, status(to, elapsed));
        }
    }

    fn fault(&self, fault: &BadRow) {
        self.say("", fault);
    }

    fn note(&self, note: &BadRow) {
        self.say("note: ", note);
    }
}

/// All drafts of the shop, one after the other.
pub(crate) type Drafts<'a> = Box<dyn Iterator<Item = io::Result<Draft>> + 'a>;

/// Exports the products that `drafts` yields; a CSV goes through them twice. Returns how many. A
/// file appears under its name only when it is whole.
///
/// # Errors
/// The products cannot be read or the file not be written.
pub(crate) fn export<'a>(
    args: &ExportArgs,
    shop_currency: Currency,
    drafts: impl Fn() -> anyhow::Result<Drafts<'a>>,
) -> anyhow::Result<u64> {
    let ExportWhat::Products { file, format, currency } = &args.what;
    let write = |out: &mut dyn Write| -> anyhow::Result<u64> {
        match format {
            ExportFormat::Native => Ok(write_products(out, drafts()?)?),
            ExportFormat::Shopify => {
                let mut columns = ShopifyColumns::new(currency.unwrap_or(shop_currency));
                for draft in drafts()? {
                    columns.add(&draft?);
                }
                Ok(write_shopify(out, &columns, drafts()?)?)
            }
        }
    };
    if file == Path::new("-") {
        return write(&mut BufWriter::new(io::stdout().lock()));
    }
    let in_context = || format!("cannot write {}", file.display());
    let mut part: OsString = file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let out = File::create(&part).with_context(in_context)?;
    let mut out = BufWriter::new(out);
    let written = write(&mut out).and_then(|count| {
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(count)
    });
    if written.is_err() {
        // The error is what matters; a left-over part is only untidy.
        let _ = std::fs::remove_file(&part);
        return written.with_context(in_context);
    }
    std::fs::rename(&part, file).with_context(in_context)?;
    written
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser;
    use stoa_app::catalog::import::{Outcome, SinkError};

    use super::*;

    #[derive(Debug, Parser)]
    enum Cli {
        Import(ImportArgs),
        Export(ExportArgs),
    }

    fn parse_import(words: &[&str]) -> ImportArgs {
        let words = ["stoa", "import"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap() {
            Cli::Import(args) => args,
            Cli::Export(_) => panic!("an import"),
        }
    }

    fn parse_export(words: &[&str]) -> ExportArgs {
        let words = ["stoa", "export"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap() {
            Cli::Export(args) => args,
            Cli::Import(_) => panic!("an export"),
        }
    }

    #[derive(Default)]
    struct Store(Mutex<BTreeMap<String, Draft>>);

    #[async_trait::async_trait]
    impl DraftSink for Store {
        async fn write(
            &self,
            drafts: Vec<(u64, Draft)>,
        ) -> Result<Vec<Result<Outcome, String>>, SinkError> {
            let mut products = self.0.lock().unwrap();
            Ok(drafts
                .into_iter()
                .map(|(_, draft)| {
                    let old = products.insert(draft.handle.clone(), draft.clone());
                    Ok(match old {
                        None => Outcome::Created,
                        Some(old) if old == draft => Outcome::Unchanged,
                        Some(_) => Outcome::Updated,
                    })
                })
                .collect())
        }
    }

    async fn imported(store: &Store, words: &[&str]) -> anyhow::Result<(Summary, bool)> {
        let args = parse_import(words);
        let common = match &args.format {
            ImportFormat::Shopify { common, .. }
            | ImportFormat::Icecat { common, .. }
            | ImportFormat::Products { common } => common,
        };
        let summary = summarise(&args.format, common, store, Currency::EUR).await?;
        let succeeded = succeeded(&summary, common.strict);
        Ok((summary, succeeded))
    }

    fn file(content: &str) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("products");
        std::fs::write(&path, content).unwrap();
        (directory, path.to_str().unwrap().to_owned())
    }

    const CSV: &str = "Handle,Title,Variant Price\na,A,1\nb,B,\na2,A2,2\na,,3\n";

    #[tokio::test]
    async fn a_csv_is_imported_in_the_shops_currency_and_a_second_time_changes_nothing() {
        let (_directory, path) = file("Handle,Title,Variant Price\na,A,1\nb,B,2\n");
        let store = Store::default();
        let (summary, ok) = imported(&store, &["shopify", &path]).await.unwrap();
        assert_eq!((summary.created, summary.rejected, ok), (2, 0, true));
        let currency = store.0.lock().unwrap()["a"].variants[0].prices[0].price.currency;
        assert_eq!(currency, Currency::EUR);
        let (again, _) = imported(&store, &["shopify", &path]).await.unwrap();
        assert_eq!((again.created, again.unchanged), (0, 2));
        let dollars = ["shopify", &path, "--currency", "USD"];
        assert_eq!(imported(&store, &dollars).await.unwrap().0.updated, 2);
    }

    #[tokio::test]
    async fn rejected_products_fail_only_the_strict() {
        let (_directory, path) = file(CSV);
        let store = Store::default();
        let lenient = imported(&store, &["shopify", &path, "--dry-run"]).await.unwrap();
        assert_eq!((lenient.0.would_write, lenient.0.rejected), (1, 2));
        assert!(lenient.1);
        assert!(store.0.lock().unwrap().is_empty());
        assert!(!imported(&store, &["shopify", &path, "--strict"]).await.unwrap().1);
    }

    #[tokio::test]
    async fn a_file_of_another_kind_or_none_at_all_fails() {
        let (_directory, path) = file("rubbish\n");
        let store = Store::default();
        for format in ["shopify", "icecat", "products"] {
            assert!(!imported(&store, &[format, &path]).await.unwrap().1, "{format}");
            assert!(imported(&store, &[format, "/no/such/file"]).await.is_err());
        }
        assert!(
            Cli::try_parse_from(["stoa", "import", "shopify", "x", "--currency", "usd"]).is_err()
        );
    }

    #[tokio::test]
    async fn what_is_exported_is_imported() {
        let (directory, path) = file("Handle,Title,Variant Price\na,A,1\nb,B,2\n");
        let store = Store::default();
        imported(&store, &["shopify", &path]).await.unwrap();
        let drafts: Vec<Draft> = store.0.lock().unwrap().values().cloned().collect();
        for (format, read) in [("native", "products"), ("shopify", "shopify")] {
            let target = directory.path().join(format);
            let target = target.to_str().unwrap();
            let args = parse_export(&["products", target, "--format", format]);
            let count =
                export(&args, Currency::EUR, || Ok(Box::new(drafts.iter().cloned().map(Ok))));
            assert_eq!(count.unwrap(), 2);
            let (summary, _) = imported(&store, &[read, target]).await.unwrap();
            assert_eq!(summary.unchanged, 2, "{format}");
        }
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 3, "no part is left over: {names:?}");
    }

    #[test]
    fn an_export_that_fails_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out");
        let args = parse_export(&["products", target.to_str().unwrap()]);
        let failing = || Ok(Box::new(std::iter::once(Err(io::Error::other("gone")))) as Drafts<'_>);
        assert!(export(&args, Currency::EUR, failing).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn lines_tell_rate_and_time_left() {
        let to = Watermark { products: 500, rejected: 3 };
        let elapsed = Duration::from_secs(5);
        assert_eq!(status(to, elapsed), "500 products, 100/s, 3 rejected");
        assert_eq!(left(10, Some(30), elapsed), ", 10 s left");
        assert_eq!(left(0, Some(30), elapsed), "");
        assert_eq!(left(10, None, elapsed), "");
    }
}
