//! Files as they come: plain, gzip or zstd, told apart by their first bytes, unpacked as they are
//! read.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How many bytes of a file (as it lies on disk) have been read; shared with a progress bar.
#[derive(Debug, Clone, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Unpacked text of a file.
pub type Text = Box<dyn BufRead + Send>;

/// A zstd stream may ask for this much memory, which is what `zstd --long` needs.
const ZSTD_WINDOW_BYTES: u64 = 128 * 1024 * 1024;

/// Unpacks what `file` yields. The counter counts bytes of `file`, packed or not.
///
/// # Errors
/// The file cannot be read, or its packed form starts with rubbish.
pub fn open(file: impl Read + Send + 'static) -> io::Result<(Text, BytesRead)> {
    let counter = BytesRead::default();
    let mut counted = Counted { inner: file, counter: counter.clone() };
    let mut magic = Vec::with_capacity(4);
    (&mut counted).take(4).read_to_end(&mut magic)?;
    let packed = BufReader::with_capacity(64 * 1024, Cursor::new(magic.clone()).chain(counted));
    let text: Text = match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(packed))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let frames = ZstdFrames { current: Some(frame(Box::new(packed))?) };
            Box::new(BufReader::with_capacity(64 * 1024, frames))
        }
        _ => Box::new(packed),
    };
    Ok((text, counter))
}

struct Counted<R> {
    inner: R,
    counter: BytesRead,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.counter.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(read)
    }
}

type Frame = StreamingDecoder<Text, ruzstd::decoding::FrameDecoder>;

/// The frames of a zstd file one after the other; the decoder knows only one.
struct ZstdFrames {
    current: Option<Frame>,
}

fn frame(packed: Text) -> io::Result<Frame> {
    StreamingDecoder::new_with_max_window_size(packed, ZSTD_WINDOW_BYTES)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(current) = &mut self.current {
            let read = current.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let mut packed = match self.current.take() {
                Some(finished) => finished.into_inner(),
                None => break,
            };
            if !packed.fill_buf()?.is_empty() {
                self.current = Some(frame(packed)?);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacked(bytes: Vec<u8>) -> io::Result<(String, u64)> {
        let (mut text, counter) = open(Cursor::new(bytes))?;
        let mut out = String::new();
        text.read_to_string(&mut out)?;
        Ok((out, counter.get()))
    }

    fn gz(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zst(text: &str) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    }

    #[test]
    fn plain_gzip_and_zstd_are_told_apart_and_counted() {
        let text = "one line\n".repeat(30_000);
        let packed = [text.clone().into_bytes(), gz(&text), zst(&text)];
        for bytes in packed {
            let size = bytes.len() as u64;
            assert_eq!(unpacked(bytes).unwrap(), (text.clone(), size));
        }
        for short in ["", "a", "abc"] {
            assert_eq!(unpacked(short.into()).unwrap().0, short);
        }
    }

    #[test]
    fn files_of_several_members_are_read_to_the_end() {
        let gzip = [gz("first "), gz("second")].concat();
        assert_eq!(unpacked(gzip).unwrap().0, "first second");
        let zstd = [zst("first "), zst("second")].concat();
        assert_eq!(unpacked(zstd).unwrap().0, "first second");
    }

    #[test]
    fn a_cut_file_is_an_error() {
        let text: String = (0..20_000).map(|n| format!("{n} ")).collect();
        for mut bytes in [gz(&text), zst(&text)] {
            bytes.truncate(bytes.len() / 2);
            assert!(unpacked(bytes).is_err());
        }
    }
}
