//! Processes with access to allowed files only.
//!
//! [`Limits`] are the paths that a process and its children may read and write; [`spawn`] starts a process with them.
//! On Linux the kernel enforces them by Landlock, without privileges and without a container. Where the kernel can't
//! (another system, or Linux before 5.19), the process starts unconfined, and [`Confinement`] is the result.
//!
//! Limits apply to files, not to the network. Landlock doesn't withhold names and times of files (`stat`), and doesn't
//! report refusals: [`denied`] finds them in the messages of the process.

mod denial;
mod limits;
mod path;
mod spawn;
mod system;

pub use denial::{Denials, denied};
pub use limits::Limits;
pub use spawn::{Confinement, is_supported, spawn};
