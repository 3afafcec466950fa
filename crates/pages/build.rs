//! Lists the files of `assets/` for embedding, so that adding a file is all it takes.

use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=assets");
    // A build script runs in the folder of its package.
    let mut names: Vec<String> = std::fs::read_dir("assets")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let mut code = String::from("&[\n");
    for name in names {
        // The folder is the compiler's to tell, not ours: another clone may share the build.
        let path = format!("/assets/{name}");
        writeln!(
            code,
            "    ({name:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?})).as_slice()),"
        )?;
    }
    code.push(']');
    let out = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    std::fs::write(Path::new(&out).join("assets.rs"), code)?;
    Ok(())
}
