//! The reasons for leaving a file as it is.

use std::fmt;

/// The reason that a file was left as it is. [`Display`](fmt::Display) gives it in words, [`id`](Reason::id) as a stable name
/// for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No ELF file, or one of an unknown class or byte order.
    NotElf,
    /// A range could not be read.
    Unreadable,
    /// The header, or the size of its tables' entries, is not a known one.
    Header,
    /// `ET_REL`: an object for a linker, or a kernel module.
    Relocatable,
    /// `ET_CORE`.
    Core,
    /// Neither executable nor shared object.
    Type,
    /// The file is for eBPF, a GPU or a virtual machine, whose loaders have needs of their own.
    Machine,
    /// No program headers, or no segment that is loaded.
    NoSegments,
    /// `PN_XNUM`: more program headers than the header can count.
    ManySegments,
    /// No section headers.
    NoSections,
    /// More sections than the header can count.
    ManySections,
    /// The names of the sections can't be found.
    Names,
    /// A segment, a section or a table that reaches beyond the end of the file.
    OutOfBounds,
    /// A section that refers to one that is not there.
    Link,
    /// Headers that overlap each other.
    Overlap,
    /// A file of debug data for another one.
    DebugFile,
    /// It checks its own bytes (FIPS).
    SelfChecking,
    /// Bytes after the last known one.
    Appended,
    /// Bytes in between that nothing describes.
    Hidden,
    /// A table is larger than slim reads.
    Limit,
    /// Larger than the caller allows to hold in memory.
    Large,
    /// Nothing in it can go.
    Nothing,
    /// It would get larger.
    Grows,
    /// It would get smaller by less than [`LEAST`](super::LEAST) bytes.
    TooLittle,
    /// The new file did not pass the comparison with the old one.
    SelfCheck,
}

impl Reason {
    /// Returns a short name that never changes.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.words().0
    }

    /// True if the file is not one to strip, or has nothing to strip, so that nobody need be told.
    #[must_use]
    pub fn is_usual(self) -> bool {
        matches!(self, Self::NotElf | Self::Relocatable | Self::Nothing | Self::Grows | Self::TooLittle)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotElf => ("not-elf", "not an ELF file"),
            Self::Unreadable => ("unreadable", "could not be read"),
            Self::Header => ("header", "its ELF header is not of the usual form"),
            Self::Relocatable => {
                ("relocatable", "an object file for a linker or a kernel module, which need their symbols")
            }
            Self::Core => ("core", "a core dump"),
            Self::Type => ("type", "neither an executable nor a shared object"),
            Self::Machine => ("machine", "made for eBPF, a GPU or another device, not for a processor that runs Linux"),
            Self::NoSegments => ("no-segments", "no segment of it is ever loaded"),
            Self::ManySegments => ("many-segments", "more program headers than its ELF header can count"),
            Self::NoSections => ("no-sections", "no section headers: already stripped of them, or packed"),
            Self::ManySections => ("many-sections", "more sections than its ELF header can count"),
            Self::Names => ("names", "its sections have no readable names"),
            Self::OutOfBounds => ("out-of-bounds", "a section or segment ends beyond the end of the file"),
            Self::Link => ("link", "a section refers to one that does not exist"),
            Self::Overlap => ("overlap", "its headers overlap each other"),
            Self::DebugFile => ("debug-file", "a separate file of debug data, nothing else is in it"),
            Self::SelfChecking => (
                "self-checking",
                "its checksum or signature is in it, beside it or in its metadata, and stripping would break that",
            ),
            Self::Appended => ("appended", "appended data after the last section: a self-extracting program"),
            Self::Hidden => ("hidden", "data between the sections that no header describes"),
            Self::Limit => ("limit", "one of its tables is larger than any known program's"),
            Self::Large => ("large", "too large to be taken out of a compressed layer"),
            Self::Nothing => ("nothing", "nothing to strip"),
            Self::Grows => ("grows", "would not get smaller"),
            Self::TooLittle => ("too-little", "would get smaller by less than 512 bytes"),
            Self::SelfCheck => {
                ("self-check", "the stripped file did not compare equal where it must, so it was not used")
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}
