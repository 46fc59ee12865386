//! Processes that reach only what they were allowed to.
//!
//! [`Limits`] say what a process and all that it starts may read and write; [`spawn`] starts it so. On Linux the kernel
//! holds them to it by Landlock, without privileges and without a container. Where the kernel can't (another system, or
//! Linux before 5.19), the process starts unconfined, and [`Confinement`] says so.
//!
//! Limits are about files alone, not about the network. Names and times of files (`stat`) are not withheld by Landlock,
//! and it tells nobody what it refused: [`denied`] goes by what the process says of it.

mod denial;
mod limits;
mod path;
mod spawn;
mod system;

pub use denial::{Denials, denied};
pub use limits::Limits;
pub use spawn::{Confinement, is_supported, spawn};
