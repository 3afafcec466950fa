//! Style sheets, scripts and icons, embedded. Their address holds a hash of their content, so a
//! browser may keep them for ever.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Every file of `assets/`, written by the build script.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where assets are served.
pub const PREFIX: &str = "/assets/";

/// A file that browsers are sent as it is.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its content.
    pub bytes: &'static [u8],
    /// Its media type.
    pub content_type: &'static str,
    /// A strong entity tag, with its quotes.
    pub etag: &'static str,
    /// Where it is served: `/assets/shop.0123456789abcdef.css`.
    pub path_with_hash: &'static str,
}

struct Index {
    by_name: BTreeMap<&'static str, Asset>,
    by_path: BTreeMap<&'static str, Asset>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut by_name = BTreeMap::new();
    let mut by_path = BTreeMap::new();
    for (name, bytes) in FILES {
        let hash = format!("{:016x}", fnv1a(bytes));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        // Leaked once for each file, for the life of the program.
        let path: &'static str = format!("{PREFIX}{stem}.{hash}.{extension}").leak();
        let asset = Asset {
            bytes,
            content_type: content_type(extension),
            etag: format!("\"{hash}\"").leak(),
            path_with_hash: path,
        };
        by_name.insert(*name, asset);
        by_path.insert(path, asset);
    }
    Index { by_name, by_path }
});

/// Finds an asset by the path it is served at (with hash) or by its plain name (`shop.css`).
///
/// Only a path with the right hash may be cached for ever.
pub fn get(path: &str) -> Option<Asset> {
    INDEX
        .by_path
        .get(path)
        .or_else(|| INDEX.by_name.get(path.strip_prefix(PREFIX).unwrap_or(path)))
        .copied()
}

/// The address of an asset by its plain name, for templates; empty when there is none.
pub fn url(name: &str) -> &'static str {
    INDEX.by_name.get(name).map_or("", |asset| asset.path_with_hash)
}

/// Every asset, in the order of their names.
pub fn all() -> impl Iterator<Item = Asset> {
    INDEX.by_name.values().copied()
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// FNV-1a: tells versions of a file apart; nobody gains from forging it.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_found_by_name_and_by_address() {
        assert!(all().count() >= 4);
        for asset in all() {
            let found = get(asset.path_with_hash).unwrap();
            assert_eq!(found.bytes, asset.bytes);
            assert_ne!(asset.content_type, "application/octet-stream");
        }
        assert_eq!(get("shop.css").unwrap().path_with_hash, url("shop.css"));
        assert!(get("/assets/shop.0000000000000000.css").is_none());
        assert!(get("../Cargo.toml").is_none());
    }

    #[test]
    fn the_storefront_sends_less_than_15_kb_of_script() {
        assert!(get("shop.js").unwrap().bytes.len() < 15 * 1024);
    }
}
