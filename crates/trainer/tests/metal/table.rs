//! Operations that candle 0.11.1's Metal and CUDA backends implement, as far as programs here use them.
//!
//! A row has an operation, the types of its operands, the layouts that both backends support, and the lines of
//! candle-core that implement it. Where the two differ, the row has the layouts of both. Layouts are those that
//! `backend.rs` records.

/// A line of a source file of candle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceLine {
    /// The package, and the path below its `src`.
    pub(crate) file: [&'static str; 2],
    /// Counted from 1.
    pub(crate) line: usize,
    /// Part of the line.
    pub(crate) text: &'static str,
}

pub(crate) struct Row {
    /// Name, as `backend.rs` records it.
    pub(crate) operation: &'static str,
    /// Types of the operands, and of the result of a cast.
    pub(crate) types: &'static str,
    /// Layouts of each operand that is checked.
    pub(crate) layouts: &'static [Layouts],
    pub(crate) metal: SourceLine,
    pub(crate) cuda: SourceLine,
}

/// Layouts that an operand may have.
#[derive(Clone, Copy)]
pub(crate) enum Layouts {
    /// Contiguous from the buffer's start on: the operation reads the buffer alone.
    Whole,
    /// Contiguous, from any offset on.
    Dense,
    /// All.
    Any,
    /// One side of a product: plain or transposed.
    Side,
}

impl Layouts {
    fn has(self, layout: &str) -> bool {
        match self {
            Self::Whole => layout == "contiguous",
            Self::Dense => layout.trim_end_matches('+') == "contiguous",
            Self::Any => true,
            Self::Side => ["plain", "transposed"].contains(&layout),
        }
    }
}

use Layouts::{Any, Dense, Side, Whole};

const fn row(
    operation: &'static str,
    types: &'static str,
    layouts: &'static [Layouts],
    metal: SourceLine,
    cuda: SourceLine,
) -> Row {
    Row {
        operation,
        types,
        layouts,
        metal,
        cuda,
    }
}

const fn metal(line: usize, text: &'static str) -> SourceLine {
    let file = ["candle-core", "metal_backend/mod.rs"];
    SourceLine { file, line, text }
}

const fn cuda(line: usize, text: &'static str) -> SourceLine {
    let file = ["candle-core", "cuda_backend/mod.rs"];
    SourceLine { file, line, text }
}

const fn cuda_device(line: usize, text: &'static str) -> SourceLine {
    let file = ["candle-core", "cuda_backend/device.rs"];
    SourceLine { file, line, text }
}

const fn of_candle_nn(line: usize, text: &'static str) -> SourceLine {
    let file = ["candle-nn", "ops.rs"];
    SourceLine { file, line, text }
}

/// Looks up an operation that `backend.rs` recorded.
///
/// # Errors
/// No row has it; the message has the difference from the rows of its name.
pub(crate) fn look_up(recorded: &str) -> Result<(), String> {
    let fields: Vec<&str> = recorded.split('\t').collect();
    let [part, operation, types, layouts] = fields[..] else {
        return Err(format!("no operation: {recorded}"));
    };
    let layouts: Vec<&str> = layouts.split_whitespace().collect();
    let rows = || ROWS.iter().filter(|row| row.operation == operation);
    let has = |row: &Row| {
        let mut pairs = row.layouts.iter().zip(&layouts);
        row.types == types
            && row.layouts.len() == layouts.len()
            && pairs.all(|(allowed, layout)| allowed.has(layout))
    };
    if rows().any(has) {
        return Ok(());
    }
    let known = match rows().next() {
        None => "no row has its name".to_owned(),
        Some(row) if rows().all(|row| row.types != types) => {
            format!("see {} and others for its types", location(row.metal))
        }
        Some(_) => {
            let row = rows()
                .find(|row| row.types == types)
                .expect("one has the types");
            format!("for its layouts see {}", location(row.metal))
        }
    };
    Err(format!(
        "`{operation}` of {types}, {}, in `{part}`: {known}",
        layouts.join(" and ")
    ))
}

fn location(source_line: SourceLine) -> String {
    let [package, path] = source_line.file;
    format!("line {} of {package}'s {path}", source_line.line)
}

/// The operations.
pub(crate) const ROWS: &[Row] = &[
    row(
        "from_host",
        "f32",
        &[],
        metal(2230, "CpuStorage::F32(storage) => ("),
        cuda_device(723, "CpuStorage::F32(storage) =>"),
    ),
    row(
        "from_host",
        "u32",
        &[],
        metal(2188, "CpuStorage::U32(storage) => ("),
        cuda_device(699, "CpuStorage::U32(storage) =>"),
    ),
    row(
        "zeros",
        "f32",
        &[],
        metal(2080, "fn zeros_impl"),
        cuda_device(425, "fn zeros_impl"),
    ),
    row(
        "alloc",
        "f32",
        &[],
        metal(2066, "unsafe fn alloc_uninit"),
        cuda_device(579, "unsafe fn alloc_uninit"),
    ),
    row(
        "alloc",
        "u32",
        &[],
        metal(2066, "unsafe fn alloc_uninit"),
        cuda_device(579, "unsafe fn alloc_uninit"),
    ),
    row(
        "alloc",
        "u8",
        &[],
        metal(2066, "unsafe fn alloc_uninit"),
        cuda_device(579, "unsafe fn alloc_uninit"),
    ),
    row(
        "to_cpu",
        "f32",
        &[],
        metal(113, "DType::F32 => Ok(CpuStorage::F32(self.to_cpu()?))"),
        cuda(1754, "fn to_cpu_storage"),
    ),
    row(
        "const_set",
        "f32",
        &[Any],
        metal(506, "DType::F32 => strided::const_set::FLOAT"),
        cuda(1526, "fn const_set"),
    ),
    row(
        "try_clone",
        "f32",
        &[Whole],
        metal(92, "fn try_clone"),
        cuda(1497, "fn try_clone"),
    ),
    row(
        "affine",
        "f32",
        &[Any],
        metal(161, r#"DType::F32 => "affine_f32_strided""#),
        cuda(151, r#"kernel_name::<T>("affine")"#),
    ),
    row(
        "powf",
        "f32",
        &[Any],
        metal(221, r#"DType::F32 => "powf_f32_strided""#),
        cuda(313, r#"kernel_name::<T>("upowf")"#),
    ),
    row(
        "reduce Sum",
        "f32",
        &[Any],
        metal(
            385,
            r#"(ReduceOp::Sum, DType::F32) => ("fast_sum_f32_strided""#,
        ),
        cuda(361, "ReduceOp::Sum =>"),
    ),
    row(
        "reduce Max",
        "f32",
        &[Any],
        metal(
            387,
            r#"(ReduceOp::Max, DType::F32) => ("fast_max_f32_strided""#,
        ),
        cuda(363, "ReduceOp::Max =>"),
    ),
    row(
        "reduce Min",
        "f32",
        &[Any],
        metal(
            386,
            r#"(ReduceOp::Min, DType::F32) => ("fast_min_f32_strided""#,
        ),
        cuda(362, "ReduceOp::Min =>"),
    ),
    row(
        "cmp Eq",
        "f32 f32",
        &[Any, Any],
        metal(446, r#"CmpOp::Eq => "eq""#),
        cuda(1202, r#"CmpOp::Eq => "eq""#),
    ),
    row(
        "cmp Ne",
        "f32 f32",
        &[Any, Any],
        metal(447, r#"CmpOp::Ne => "ne""#),
        cuda(1203, r#"CmpOp::Ne => "ne""#),
    ),
    row(
        "cmp Le",
        "f32 f32",
        &[Any, Any],
        metal(448, r#"CmpOp::Le => "le""#),
        cuda(1205, r#"CmpOp::Le => "le""#),
    ),
    row(
        "cmp Ge",
        "f32 f32",
        &[Any, Any],
        metal(449, r#"CmpOp::Ge => "ge""#),
        cuda(1207, r#"CmpOp::Ge => "ge""#),
    ),
    row(
        "cmp Gt",
        "f32 f32",
        &[Any, Any],
        metal(451, r#"CmpOp::Gt => "gt""#),
        cuda(1206, r#"CmpOp::Gt => "gt""#),
    ),
    row(
        "cmp Lt",
        "f32 f32",
        &[Any, Any],
        metal(450, r#"CmpOp::Lt => "lt""#),
        cuda(1204, r#"CmpOp::Lt => "lt""#),
    ),
    row(
        "to_dtype",
        "u8 f32",
        &[Any],
        metal(645, r#"(DType::U8, DType::F32) => "cast_u8_f32_strided""#),
        cuda(1601, r#"let kernel_name = format!("cast_{}_{}""#),
    ),
    row(
        "unary sqr",
        "f32",
        &[Any],
        metal(763, r#"("usqr", DType::F32) => strided::sqr::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary sqrt",
        "f32",
        &[Any],
        metal(764, r#"("usqrt", DType::F32) => strided::sqrt::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary exp",
        "f32",
        &[Any],
        metal(766, r#"("uexp", DType::F32) => strided::exp::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary log",
        "f32",
        &[Any],
        metal(767, r#"("ulog", DType::F32) => strided::log::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary neg",
        "f32",
        &[Any],
        metal(765, r#"("uneg", DType::F32) => strided::neg::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary relu",
        "f32",
        &[Any],
        metal(775, r#"("urelu", DType::F32) => strided::relu::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary gelu",
        "f32",
        &[Any],
        metal(768, r#"("ugelu", DType::F32) => strided::gelu::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary gelu_erf",
        "f32",
        &[Any],
        metal(
            769,
            r#"("ugelu_erf", DType::F32) => strided::gelu_erf::FLOAT"#,
        ),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary silu",
        "f32",
        &[Any],
        metal(771, r#"("usilu", DType::F32) => strided::silu::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary abs",
        "f32",
        &[Any],
        metal(772, r#"("uabs", DType::F32) => strided::abs::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary tanh",
        "f32",
        &[Any],
        metal(777, r#"("utanh", DType::F32) => strided::tanh::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary erf",
        "f32",
        &[Any],
        metal(770, r#"("uerf", DType::F32) => strided::erf::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "unary recip",
        "f32",
        &[Dense],
        metal(715, r#"("urecip", DType::F32) => contiguous::recip::FLOAT"#),
        cuda(1737, "fn unary_impl<U: UnaryOpT>"),
    ),
    row(
        "binary add",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "binary sub",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "binary mul",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "binary div",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "binary maximum",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "binary minimum",
        "f32 f32",
        &[Any, Any],
        metal(
            1956,
            r#"(false, false, false, false) => kernel_name(op, &self.dtype, "_strided")"#,
        ),
        cuda(1743, "fn binary_impl<B: BinaryOpT>"),
    ),
    row(
        "where_cond",
        "u8 f32 f32",
        &[Any, Any, Any],
        metal(873, r#"(DType::U8, DType::F32) => "where_u8_f32""#),
        cuda(1817, "fn where_cond"),
    ),
    row(
        "conv2d",
        "f32 f32",
        &[Any, Dense],
        metal(1135, r#"DType::F32 => "im2col_f32""#),
        cuda(2012, "fn conv2d"),
    ),
    row(
        "conv1d",
        "f32 f32",
        &[Any, Dense],
        metal(933, r#"DType::F32 => "im2col1d_f32""#),
        cuda(1831, "fn conv1d"),
    ),
    row(
        "avg_pool2d",
        "f32",
        &[Whole],
        metal(1268, r#"DType::F32 => "avg_pool2d_f32""#),
        cuda(2151, "fn avg_pool2d"),
    ),
    row(
        "max_pool2d",
        "f32",
        &[Whole],
        metal(1315, r#"DType::F32 => "max_pool2d_f32""#),
        cuda(2164, "fn max_pool2d"),
    ),
    row(
        "index_select",
        "f32 u32",
        &[Dense, Dense],
        metal(1630, r#"(DType::U32, DType::F32) => "is_u32_f32""#),
        cuda(486, r#"RequiresContiguous { op: "index-select" }"#),
    ),
    row(
        "gather",
        "f32 u32",
        &[Dense, Dense],
        metal(1475, r#"(DType::U32, DType::F32) => "gather_u32_f32""#),
        cuda(527, r#"RequiresContiguous { op: "gather" }"#),
    ),
    row(
        "scatter_add",
        "f32 u32 f32",
        &[Dense, Dense, Dense],
        metal(1572, r#"(DType::U32, DType::F32) => "sa_u32_f32""#),
        cuda(688, r#"RequiresContiguous { op: "scatter-add" }"#),
    ),
    row(
        "matmul",
        "f32 f32",
        &[Side, Side],
        metal(1744, "DType::F32 => candle_metal_kernels::GemmDType::F32"),
        cuda(1402, "fn gemm_config<T>("),
    ),
    row(
        "copy2d",
        "f32 f32",
        &[],
        metal(1807, "DType::F32 => candle_metal_kernels::copy2d::FLOAT"),
        cuda(2342, r#""copy2d_f32""#),
    ),
    row(
        "copy_strided_src",
        "f32 f32",
        &[Any],
        metal(
            1876,
            "DType::F32 => candle_metal_kernels::unary::strided::copy::FLOAT",
        ),
        cuda(2362, "fn copy_strided_src"),
    ),
    row(
        "copy_strided_src",
        "u32 u32",
        &[Any],
        metal(
            1880,
            "DType::U32 => candle_metal_kernels::unary::strided::copy::U32",
        ),
        cuda(2362, "fn copy_strided_src"),
    ),
    row(
        "copy_strided_src",
        "u8 u8",
        &[Any],
        metal(
            1881,
            "DType::U8 => candle_metal_kernels::unary::strided::copy::U8",
        ),
        cuda(2362, "fn copy_strided_src"),
    ),
    row(
        "custom custom-gradient-1",
        "f32 f32",
        &[Any, Whole],
        metal(92, "fn try_clone"),
        cuda(1497, "fn try_clone"),
    ),
    row(
        "custom custom-gradient-2",
        "f32 f32 f32",
        &[Any, Any, Whole],
        metal(92, "fn try_clone"),
        cuda(1497, "fn try_clone"),
    ),
    row(
        "custom sigmoid",
        "f32",
        &[Any],
        of_candle_nn(138, "fn metal_fwd"),
        of_candle_nn(86, "fn cuda_fwd"),
    ),
    row(
        "custom softmax-last-dim",
        "f32",
        &[Dense],
        of_candle_nn(390, "fn metal_fwd"),
        of_candle_nn(333, "fn cuda_fwd"),
    ),
    row(
        "custom layer-norm",
        "f32 f32 f32",
        &[Dense, Dense, Dense],
        of_candle_nn(856, "fn metal_fwd"),
        of_candle_nn(777, "fn cuda_fwd"),
    ),
];
