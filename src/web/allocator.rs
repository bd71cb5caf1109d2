//! The module's memory.

/// TLSF: constant time whatever the sizes, in a fraction of the code of the standard library's allocator.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
