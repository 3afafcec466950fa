//! Renders every page of the back office with sample data into a folder, to look at:
//! `cargo run -p stoa-pages --example preview_admin -- FOLDER`, then open the files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a tool for those who work on the templates"
)]

#[path = "samples/admin.rs"]
#[allow(dead_code, reason = "some samples are for tests only")]
mod samples;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use stoa_pages::{assets, picture};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args().nth(1).ok_or("which folder?")?.into();
    fs::create_dir_all(folder.join("assets"))?;
    fs::create_dir_all(folder.join("pictures"))?;
    for asset in assets::all() {
        fs::write(folder.join(asset.path_with_hash.trim_start_matches('/')), asset.bytes)?;
    }
    for (index, title) in
        ["Mug", "Laptop", "Beanie", "Lamp", "Backpack", "Coffee", "Headphones", "Table"]
            .iter()
            .enumerate()
    {
        let svg = picture::svg(title, &[], None);
        fs::write(folder.join(format!("pictures/{index}.svg")), svg)?;
    }
    for (name, html) in samples::all() {
        let html = html.replace("=\"/assets/", "=\"assets/");
        fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
