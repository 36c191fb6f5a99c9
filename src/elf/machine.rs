//! The kinds of files, and the processors, for which files may be stripped at all.

use goblin::elf::header::{self, EM_BPF, ET_CORE, ET_DYN, ET_EXEC, ET_REL, Header};

use super::Reason;

/// The processors that Linux runs on. Others (eBPF, CUDA, AMD GPUs, Guile's bytecode) load ELF files in ways of their own.
const MACHINES: [u16; 27] = [
    header::EM_386,
    header::EM_68K,
    header::EM_AARCH64,
    0x9026, // Alpha
    header::EM_ARC_COMPACT,
    header::EM_ARC_COMPACT2,
    header::EM_ARM,
    header::EM_CSKY,
    header::EM_IA_64,
    header::EM_LOONGARCH,
    header::EM_MICROBLAZE,
    header::EM_MIPS,
    header::EM_MIPS_RS3_LE,
    header::EM_ALTERA_NIOS2,
    header::EM_OPENRISC,
    header::EM_PARISC,
    header::EM_PPC,
    header::EM_PPC64,
    header::EM_RISCV,
    header::EM_S390,
    header::EM_SH,
    header::EM_SPARC,
    header::EM_SPARC32PLUS,
    header::EM_SPARCV9,
    header::EM_X86_64,
    header::EM_XTENSA,
    header::EM_TILEGX,
];

/// Refuses files that the header alone rules out.
pub(super) fn kind(header: &Header) -> Result<(), Reason> {
    match header.e_type {
        ET_EXEC | ET_DYN if MACHINES.contains(&header.e_machine) => Ok(()),
        ET_EXEC | ET_DYN => Err(Reason::Machine),
        ET_REL if header.e_machine == EM_BPF => Err(Reason::Machine),
        ET_REL => Err(Reason::Relocatable),
        ET_CORE => Err(Reason::Core),
        _ => Err(Reason::Type),
    }
}
