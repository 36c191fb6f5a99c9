use super::*;
use libdeflater::{CompressionLvl, Compressor};
use std::io::Write;

fn noise(len: usize, alphabet: u32) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    (0..len).map(|_| (next() % alphabet).min(next() % alphabet) as u8).collect()
}

fn samples() -> Vec<Vec<u8>> {
    let text = include_bytes!("../deflate.rs").to_vec();
    // A few rare bytes have long codes, and so have rare distances.
    let mut skewed = vec![b'a'; 400_000];
    for (i, byte) in noise(400, 256).into_iter().enumerate() {
        skewed[i * 997 % 400_000] = byte;
    }
    let far = [noise(30_000, 256), text.clone(), noise(30_000, 256), text.clone()].concat();
    let mixed = [text.repeat(3), noise(200_000, 256), vec![0; 100_000], text.clone()].concat();
    vec![vec![], b"a".to_vec(), text, noise(300_000, 256), noise(300_000, 40), vec![0; 1 << 20], skewed, far, mixed]
}

/// Checks the end of the last block: the bits after it are those of another stream.
#[track_caller]
fn check(mut stream: Vec<u8>, data: &[u8], what: &str) {
    let len = stream.len();
    stream.extend([0xff; 16]);
    let found = last_block(&stream).unwrap_or_else(|| panic!("{what}: no stream"));
    let other = [0b011, 0, 0, 0, 0].into_iter().chain([0; ROOM]).collect::<Vec<u8>>();
    assert_eq!(last_blocks(&stream, &stream), [Some(found); 2], "{what}");
    assert_eq!(last_blocks(&stream, &other)[0], Some(found), "{what}");
    assert_eq!(last_blocks(&other, &stream), [Some(Last { flag: 0, end: 10 }), Some(found)], "{what}");
    let Last { flag, end } = found;
    assert!(end.div_ceil(8) == len, "{what}: ends in {} of {len} bytes", end.div_ceil(8));
    assert_eq!(stream[flag / 8] >> (flag % 8) & 1, 1, "{what}");
    stream.truncate(len);
    stream[flag / 8] &= !(1 << (flag % 8));
    stream.truncate((end + 3).div_ceil(8));
    stream.resize((end + 3).div_ceil(8), 0);
    stream.extend([0, 0, 0xff, 0xff, 3, 0]);
    let mut out = Vec::new();
    let mut decoder = flate2::write::DeflateDecoder::new(&mut out);
    decoder.write_all(&stream).unwrap();
    decoder.finish().unwrap();
    assert!(out == data, "{what}");
}

#[test]
fn the_last_block_of_streams_of_any_writer() {
    for (number, data) in samples().into_iter().enumerate() {
        for level in 0..=12 {
            let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
            let mut out = vec![0; compressor.deflate_compress_bound(data.len())];
            let len = compressor.deflate_compress(&data, &mut out).unwrap();
            out.truncate(len);
            check(out, &data, &format!("libdeflate {level} of sample {number}"));
        }
        for level in 0..=9 {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
            encoder.write_all(&data).unwrap();
            check(encoder.finish().unwrap(), &data, &format!("zlib {level} of sample {number}"));
        }
    }
}

#[test]
fn what_is_no_whole_stream_is_none() {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&noise(5000, 90)).unwrap();
    let whole = encoder.finish().unwrap();
    for cut in 0..whole.len() {
        let found = last_block(&[&whole[..cut], &[0; ROOM]].concat());
        assert!(found.is_none_or(|last| last.end.div_ceil(8) > cut), "{cut}");
    }
    assert!(last_block(&[0xff; 64]).is_none() && last_block(&[]).is_none());
}
