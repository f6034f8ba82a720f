//! Reading a qcow2 disk image (version 3, zlib-compressed clusters, no backing file).

use std::io::Read;

use anyhow::{Context, Result, bail};

/// The disk behind a qcow2 file that is held in memory.
pub struct Disk {
    file: Vec<u8>,
    cluster_bits: u32,
    size: u64,
    l1: Vec<u64>,
    /// The compressed cluster that was unpacked last: reads come in runs.
    unpacked: Option<(u64, Vec<u8>)>,
}

/// Where a guest cluster is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Zero,
    Plain(u64),
    Compressed { offset: u64, length: usize },
}

const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const READS_AS_ZERO: u64 = 1;

impl Disk {
    /// Opens an image; one that needs a feature not read here is refused.
    pub fn open(file: Vec<u8>) -> Result<Self> {
        if file.get(..4) != Some(b"QFI\xfb") {
            bail!("not a qcow2 image");
        }
        let version = u32_at(&file, 4)?;
        let backing_file = u64_at(&file, 8)?;
        let cluster_bits = u32_at(&file, 20)?;
        let encryption = u32_at(&file, 32)?;
        let incompatible_features = if version == 3 { u64_at(&file, 72)? } else { 0 };
        if !(2..=3).contains(&version)
            || backing_file != 0
            || encryption != 0
            || incompatible_features != 0
            || !(9..=21).contains(&cluster_bits)
        {
            bail!("this qcow2 image uses features that are not read here");
        }
        let (entries, at) = (u32_at(&file, 36)?, u64_at(&file, 40)?);
        let l1 = (0..u64::from(entries))
            .map(|i| u64_at(&file, at + i * 8))
            .collect::<Result<Vec<u64>>>()?;
        let size = u64_at(&file, 24)?;
        Ok(Self {
            cluster_bits,
            size,
            l1,
            unpacked: None,
            file,
        })
    }

    /// Fills `buffer` from the disk's byte `start`.
    pub fn read(&mut self, start: u64, buffer: &mut [u8]) -> Result<()> {
        let cluster = 1u64 << self.cluster_bits;
        let end = start
            .checked_add(buffer.len() as u64)
            .context("read past the disk's end")?;
        if end > self.size {
            bail!("read past the disk's end");
        }
        let mut at = start;
        let mut rest = buffer;
        while !rest.is_empty() {
            let within = (at % cluster) as usize;
            let length = rest.len().min(cluster as usize - within);
            let (part, tail) = rest.split_at_mut(length);
            match self.place(at >> self.cluster_bits)? {
                Place::Zero => part.fill(0),
                Place::Plain(offset) => {
                    part.copy_from_slice(bytes(&self.file, offset + within as u64, length)?);
                }
                Place::Compressed {
                    offset,
                    length: packed,
                } => {
                    let cluster = self.unpack(offset, packed)?;
                    part.copy_from_slice(bytes(cluster, within as u64, length)?);
                }
            }
            at += length as u64;
            rest = tail;
        }
        Ok(())
    }

    fn place(&self, cluster: u64) -> Result<Place> {
        let l2_bits = self.cluster_bits - 3;
        let l1 = self
            .l1
            .get((cluster >> l2_bits) as usize)
            .context("the L1 table is too short")?;
        let l2 = l1 & OFFSET;
        if l2 == 0 {
            return Ok(Place::Zero);
        }
        let entry = u64_at(&self.file, l2 + (cluster & ((1 << l2_bits) - 1)) * 8)?;
        Ok(decode(entry, self.cluster_bits))
    }

    fn unpack(&mut self, offset: u64, length: usize) -> Result<&[u8]> {
        if self.unpacked.as_ref().is_none_or(|(at, _)| *at != offset) {
            // The length is in whole sectors: the last cluster's may reach past the file's end.
            let available = (self.file.len() as u64).saturating_sub(offset) as usize;
            let packed = bytes(&self.file, offset, length.min(available))?;
            let mut cluster = Vec::with_capacity(1 << self.cluster_bits);
            flate2::read::DeflateDecoder::new(packed)
                .take(1 << self.cluster_bits)
                .read_to_end(&mut cluster)
                .with_context(|| format!("unpacking the qcow2 cluster at {offset}"))?;
            self.unpacked = Some((offset, cluster));
        }
        Ok(self.unpacked.as_ref().map_or(&[], |(_, cluster)| cluster))
    }
}

impl ext4_view::Ext4Read for Disk {
    fn read(
        &mut self,
        start_byte: u64,
        dst: &mut [u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
        Disk::read(self, start_byte, dst).map_err(Into::into)
    }
}

/// What an L2 entry says. A compressed one holds the byte offset in its low bits and, above them,
/// how many 512-byte sectors follow the one that the offset lies in.
fn decode(entry: u64, cluster_bits: u32) -> Place {
    if entry & COMPRESSED != 0 {
        let offset_bits = 62 - (cluster_bits - 8);
        let offset = entry & ((1 << offset_bits) - 1);
        let sectors = (entry >> offset_bits & ((1 << (cluster_bits - 8)) - 1)) + 1;
        let length = (sectors * 512 - offset % 512) as usize;
        Place::Compressed { offset, length }
    } else if entry & READS_AS_ZERO != 0 || entry & OFFSET == 0 {
        Place::Zero
    } else {
        Place::Plain(entry & OFFSET)
    }
}

fn bytes(file: &[u8], at: u64, length: usize) -> Result<&[u8]> {
    file.get(at as usize..)
        .and_then(|rest| rest.get(..length))
        .with_context(|| format!("the qcow2 image ends before byte {at} + {length}"))
}

fn u32_at(file: &[u8], at: u64) -> Result<u32> {
    Ok(bytes(file, at, 4)?
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

fn u64_at(file: &[u8], at: u64) -> Result<u64> {
    Ok(bytes(file, at, 8)?
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Three guest clusters of 512 bytes: plain, compressed, never written.
    fn sample() -> Vec<u8> {
        let mut file = vec![0; 512 * 4];
        file[..4].copy_from_slice(b"QFI\xfb");
        file[4..8].copy_from_slice(&3u32.to_be_bytes());
        file[20..24].copy_from_slice(&9u32.to_be_bytes());
        file[24..32].copy_from_slice(&(512u64 * 3).to_be_bytes());
        file[36..40].copy_from_slice(&1u32.to_be_bytes());
        file[40..48].copy_from_slice(&512u64.to_be_bytes());
        file[512..520].copy_from_slice(&(1024u64 | 1 << 63).to_be_bytes());
        file[1024..1032].copy_from_slice(&(1536u64 | 1 << 63).to_be_bytes());
        file[1032..1040].copy_from_slice(&(COMPRESSED | 2048).to_be_bytes());
        file[1536..2048].fill(b'p');
        let mut packed =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&[b'c'; 512]).unwrap();
        file.extend(packed.finish().unwrap());
        file
    }

    #[test]
    fn a_read_crosses_plain_compressed_and_unwritten_clusters() {
        let mut disk = Disk::open(sample()).unwrap();
        let mut buffer = vec![1; 512 * 3 - 2];
        disk.read(1, &mut buffer).unwrap();
        assert!(buffer[..511].iter().all(|b| *b == b'p'));
        assert!(buffer[511..1023].iter().all(|b| *b == b'c'));
        assert!(buffer[1023..].iter().all(|b| *b == 0));
    }

    #[test]
    fn reading_past_the_end_fails() {
        let mut disk = Disk::open(sample()).unwrap();
        assert!(disk.read(512 * 3 - 1, &mut [0; 2]).is_err());
        assert!(disk.read(u64::MAX, &mut [0; 2]).is_err());
    }

    #[test]
    fn compressed_entries_count_sectors_from_the_offsets_own() {
        let entry = COMPRESSED | 3 << 54 | 0x0001_0064;
        let expected = Place::Compressed {
            offset: 0x0001_0064,
            length: 4 * 512 - 0x64,
        };
        assert_eq!(decode(entry, 16), expected);
        assert_eq!(decode(READS_AS_ZERO, 16), Place::Zero);
        assert_eq!(decode(0, 16), Place::Zero);
    }

    #[test]
    fn unknown_features_and_other_files_are_refused() {
        let mut dirty = sample();
        dirty[79] = 1;
        assert!(Disk::open(dirty).is_err());
        assert!(Disk::open(b"ELF".to_vec()).is_err());
        assert!(Disk::open(b"QFI\xfb".to_vec()).is_err());
    }
}
