//! Names of the variables that the runner adds to the environment of the programs that it starts.

/// Path of the job file of a stage; the stage's scratch folder stands beside it.
pub const JOB: &str = "ATELIER_JOB";

/// Folder for temporary files, where the program is held to limits.
pub const TEMPORARY: &str = "TMPDIR";

/// Number of threads of rayon's global pool, where the stage declares `cores`.
pub const RAYON_THREADS: &str = "RAYON_NUM_THREADS";

/// Number of threads of OpenMP, where the stage declares `cores`.
pub const OPENMP_THREADS: &str = "OMP_NUM_THREADS";

/// GPUs of a stage that declares `gpu`, separated by commas. The runner's own are read from the same variable.
pub const CUDA_DEVICES: &str = "CUDA_VISIBLE_DEVICES";

/// `false` for programs on Metal: candle compiles kernels with fast math by default, where NaN may become a number.
pub const METAL_FAST_MATH: &str = "CANDLE_METAL_ENABLE_FAST_MATH";

/// Version of the runner, for a stage with a volatile output: no other may depend on it.
pub const VERSION: &str = "ATELIER_VERSION";

/// Commit of the workspace, whose files may have been edited since; as [`VERSION`], and where there is one.
pub const COMMIT: &str = "ATELIER_COMMIT";

/// Device that the setting `device` stands for; as [`VERSION`], and where there is such a setting.
pub const DEVICE: &str = "ATELIER_DEVICE";
