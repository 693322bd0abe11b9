//! Archives of each kind, whole ones and such that lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Writes an archive and takes `m/a` out of it, and whatever else is asked for.
fn take(archive: &[u8], files: &[&str], room: u64) -> Result<Vec<Vec<u8>>, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    fs::write(&path, archive).unwrap();
    let into = folder.path().join("into");
    let names: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
    let taken = unpack(&path, "m", &names, &into, room)?;
    let read = |name: &&str| fs::read(into.join(name)).unwrap();
    let content: Vec<Vec<u8>> = files.iter().map(read).collect();
    assert_eq!(taken, content.concat().len() as u64);
    Ok(content)
}

#[track_caller]
fn assert_refused(archive: &[u8], room: u64, why: &str) {
    let error = take(archive, &["a"], room).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert!(error.is_bad_content(), "{error}");
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(io::Cursor::new(&mut bytes));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

/// A member of a tar archive, with whatever size and kind it claims.
fn member(name: &str, kind: u8, claimed: u64, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{claimed:011o}\0").as_bytes());
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    [&members.concat()[..], &[0; 1024]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What npm packs, with one member.
pub(crate) fn tarball(name: &str, content: &[u8]) -> Vec<u8> {
    gzip(&tar(&[member(name, b'0', content.len() as u64, content)]))
}

/// A Debian package with this as its files.
fn deb(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = deb::MAGIC.to_vec();
    for (name, content) in [
        ("debian-binary", &b"2.0\n"[..]),
        ("control.tar", b"odd"),
        (name, data),
    ] {
        let size = content.len();
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 0).bytes());
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

/// `./m/a` with `hello`, packed by `xz` and `zstd`.
const XZ: &[u8] = include_bytes!("../../../goldens/archives/members.tar.xz");
const ZSTD: &[u8] = include_bytes!("../../../goldens/archives/members.tar.zst");

#[test]
fn members_are_taken_out_of_every_kind_of_archive() {
    let plain = tar(&[
        member("other", b'0', 3, b"odd"),
        member("./m/", b'5', 0, b""),
        member("./m/a", b'0', 5, b"hello"),
    ]);
    for archive in [
        zip(&[("other", b"odd"), ("m/a", b"hello")]),
        gzip(&plain),
        deb("data.tar", &plain),
        deb("data.tar.gz", &gzip(&plain)),
        deb("data.tar.xz", XZ),
        deb("data.tar.zst", ZSTD),
    ] {
        assert_eq!(take(&archive, &["a"], 5).unwrap(), [b"hello"]);
        assert_refused(&archive, 4, "`m/a` has 5 bytes");
        // Cut off wherever it may be.
        let step = (archive.len() / 200).max(1);
        for length in (0..archive.len()).step_by(step) {
            if let Ok(taken) = take(&archive[..length], &["a"], 5) {
                // Only what stands behind the member was cut off.
                assert_eq!(taken, [b"hello"], "{length} bytes");
            }
        }
    }
}

#[test]
fn long_names_and_large_sizes_are_read_as_gnu_and_pax_write_them() {
    let name = "a/".repeat(90) + "a";
    let inside = format!("m/{name}");
    let gnu = format!("{inside}\0");
    let path = format!("path={inside}\n");
    let path = format!("{} {path}", path.len() + 4);
    let pax = format!("{path}9 size=5\n");
    for extension in [
        member("././@LongLink", b'L', gnu.len() as u64, gnu.as_bytes()),
        member("PaxHeaders/a", b'x', pax.len() as u64, pax.as_bytes()),
    ] {
        let archive = gzip(&tar(&[extension, member("m/short", b'0', 5, b"hello")]));
        assert_eq!(take(&archive, &[&name], 5).unwrap(), [b"hello"]);
    }
    let mut large = member("m/a", b'0', 0, b"hello");
    large[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    large[148..156].fill(b' ');
    let sum: u64 = large[..512].iter().map(|byte| u64::from(*byte)).sum();
    large[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(take(&gzip(&large), &["a"], 5).unwrap(), [b"hello"]);
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let zeros = vec![0; 64 << 20];
    assert_refused(&zip(&[("m/a", &zeros)]), u64::MAX, "grows from");
    // In a stream it shows when it has grown, whoever else is behind the bomb.
    assert_refused(&deb("data.tar.xz", BOMB), u64::MAX, "more than 1000 times");
}

/// 64 MiB of zeros in `m/b`.
const BOMB: &[u8] = include_bytes!("../../../goldens/archives/bomb.tar.xz");

#[test]
fn links_are_refused_wherever_they_lead() {
    for kind in [b'1', b'2', b'5', b'6', b'S'] {
        let link = gzip(&tar(&[member("m/a", kind, 0, b"")]));
        assert_refused(&link, 5, "no plain file");
    }
    let mut bytes = Vec::new();
    let mut zip = zip::ZipWriter::new(io::Cursor::new(&mut bytes));
    let options = zip::write::SimpleFileOptions::default();
    zip.add_symlink("m/a", "/etc/passwd", options).unwrap();
    zip.finish().unwrap();
    assert_refused(&bytes, 50, "no plain file");
}

#[test]
fn what_lies_about_sizes_is_refused() {
    let huge = member("m/a", b'0', u64::MAX >> 31, b"hello");
    assert_refused(&gzip(&huge), 5, "`m/a` has 8589934591 bytes");
    assert_refused(&gzip(&huge), u64::MAX, "and claims 8589934591");
    let name = member("././@LongLink", b'L', u64::MAX >> 31, b"hello");
    assert_refused(&gzip(&name), 5, "a name of 8589934591 bytes");
    let mut sum = member("m/a", b'0', 5, b"hello");
    sum[0] = b'n';
    assert_refused(&gzip(&sum), 5, "a header whose sum is wrong");
    for (data, why) in [
        (deb("data.tar.lzma", b""), "`data.tar.lzma`, where"),
        (deb("other", b""), "no `data.tar`"),
        (deb("data.tar", b""), "no `m/a`"),
        (b"plain text".to_vec(), "begins with"),
        (Vec::new(), "begins with"),
    ] {
        assert_refused(&data, 5, why);
    }
}

#[test]
fn files_are_refused_that_are_larger_together_than_the_catalogue_says() {
    let content = [7; 600];
    let archive = zip(&[("m/a", &content), ("m/b", &content)]);
    assert_eq!(take(&archive, &["a", "b"], 1200).unwrap().len(), 2);
    let error = take(&archive, &["a", "b"], 1199).unwrap_err().to_string();
    assert!(error.contains("`m/b` has 600 bytes"), "{error}");
    assert!(error.contains("leave 599"), "{error}");
}

#[test]
fn bytes_that_are_turned_over_never_panic() {
    let plain = tar(&[member("./m/a", b'0', 5, b"hello")]);
    for archive in [
        zip(&[("m/a", b"hello")]),
        gzip(&plain),
        deb("data.tar", &plain),
        deb("data.tar.xz", XZ),
        deb("data.tar.zst", ZSTD),
    ] {
        for at in 0..archive.len() {
            let mut spoilt = archive.clone();
            spoilt[at] ^= 0x55;
            let _ = take(&spoilt, &["a"], 1 << 20);
        }
    }
}
