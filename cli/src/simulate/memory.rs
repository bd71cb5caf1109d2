//! Memory for large audiences.
//!
//! A run touches another viewer's memory at almost every event, so that most of its time goes into address
//! translation. Where the C library's allocator can be told to ask for huge pages (glibc 2.35 and later,
//! by an environment variable that is read before `main`), the process starts itself once more with it set.

/// Smaller audiences do not gain from it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: u32 = 200;

/// Starts this process anew with huge pages, if that helps and has not been done or decided already.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn prefer_huge_pages(viewers: u32) {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "GLIBC_TUNABLES";
    if viewers < LARGE || std::env::var_os(VARIABLE).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        // Only returns if it fails; then everything goes on as it is.
        let _ = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(VARIABLE, "glibc.malloc.hugetlb=1")
            .exec();
    }
}

/// Elsewhere there is nothing to be told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn prefer_huge_pages(_viewers: u32) {}
